/* main() for the fuzz targets when there is no libFuzzer: gives each file named, or each file of
 * each folder named, to the target once.  Without arguments it takes the target's own corpus, so
 * that `make check` replays it with any compiler. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int replay(const char *path);

/* The input is copied into a block of exactly its size, where the sanitizer sees a read past its
 * end. */
static int
replay_file(const char *path, int fd, size_t size)
{
	uint8_t *bytes = malloc(size > 0 ? size : 1);
	size_t have = 0;

	if (bytes == NULL)
		return -ENOMEM;
	while (have < size) {
		ssize_t n = read(fd, bytes + have, size - have);
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	if (have != size) {
		free(bytes);
		fprintf(stderr, "%s: read %zu of %zu bytes\n", path, have, size);
		return -EIO;
	}
	(void)LLVMFuzzerTestOneInput(bytes, size); /* 0, or -1: not for the corpus */
	free(bytes);
	return 1;
}

static int
replay_folder(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort), done = 0;

	if (count == -1)
		return -errno;
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.' && done >= 0) {
			char name[4096];
			int n = -ENAMETOOLONG;
			if (snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name) <
				(int)sizeof(name))
				n = replay(name);
			done = n < 0 ? n : done + n;
		}
		free(entries[i]);
	}
	free(entries);
	return done;
}

/* The number of inputs that were given to the target, or -errno. */
static int
replay(const char *path)
{
	struct stat st;
	int result, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1 || fstat(fd, &st) == -1) {
		result = -errno;
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	} else if (S_ISDIR(st.st_mode)) {
		result = replay_folder(path);
	} else {
		result = replay_file(path, fd, (size_t)st.st_size);
	}
	if (fd != -1)
		close(fd);
	return result;
}

int
main(int argc, char **argv)
{
	char corpus[4096];
	const char *name = strstr(argv[0], "fuzz_");
	int total = 0;

	if (argc < 2 && name != NULL) {
		(void)snprintf(corpus, sizeof(corpus), "%s/../fuzz/corpus/%s", TEST_DATA, name + 5);
		total = replay(corpus);
	}
	for (int i = 1; i < argc && total >= 0; i++) {
		int n = replay(argv[i]);
		total = n < 0 ? n : total + n;
	}
	printf("%s: %d inputs\n", argv[0], total);
	return total <= 0; /* an empty corpus is a mistake */
}
