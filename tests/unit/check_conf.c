/* The configuration: every kind of value, every fault with its place, texts over texts, files and
 * drop-ins. */

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/conf.h"

static struct faults faults;

static void
clear_faults(void)
{
	faults_done(&faults);
}

static struct conf *
parse(const char *text)
{
	const struct conf_text one = { "t1505d.yml", slice_of(text) };

	return conf_parse(&one, 1, &faults);
}

/* The first error as "LINE:COLUMN: TEXT". */
static const char *
first_error(void)
{
	static char text[2048];

	for (size_t i = 0; i < faults.count; i++) {
		if (faults.list[i].warning)
			continue;
		(void)snprintf(text, sizeof(text), "%d:%d: %s", faults.list[i].line,
			faults.list[i].column, faults.list[i].text);
		return text;
	}
	return "-";
}

/* ---- faults ---- */

static const struct {
	const char *what;
	const char *text;
	const char *error;
} refused[] = {
	{ "a port over the last one", "inputs: [ { type: tcp, listen: \"[::]:70000\" } ]\n",
		"1:32: inputs[0].listen: [::]:70000 is not an IPv4 or [IPv6] address and a port "
		"from 0 to "
		"65535 (\"127.0.0.1:9150\", \"[::]:514\")" },
	{ "a name to listen on", "inputs: [ { type: tcp, listen: \"localhost:514\" } ]\n",
		"1:32: inputs[0].listen: localhost:514 is not " },
	{ "IPv6 without brackets", "inputs: [ { type: tcp, listen: \"::1:514\" } ]\n",
		"1:32: inputs[0].listen: ::1:514 is not " },
	{ "IPv4 in brackets", "inputs: [ { type: tcp, listen: \"[127.0.0.1]:514\" } ]\n",
		"1:32: inputs[0].listen: [127.0.0.1]:514 is not " },
	{ "a short form of IPv4", "inputs: [ { type: tcp, listen: \"127.1:514\" } ]\n",
		"1:32: inputs[0].listen: 127.1:514 is not " },
	{ "no port", "inputs: [ { type: tcp, listen: \"127.0.0.1\" } ]\n",
		"1:32: inputs[0].listen: 127.0.0.1 is not " },
	{ "an input of no known type", "inputs: [ { type: sctp, listen: \"[::]:1\" } ]\n",
		"1:19: inputs[0].type: sctp is not tcp or udp" },
	{ "an input without an address", "inputs: [ { type: udp } ]\n",
		"1:13: inputs[0]: listen is missing (\"[::]:514\")" },
	{ "an input without a type", "inputs: [ { listen: \"[::]:514\" } ]\n",
		"1:13: inputs[0]: type is missing (tcp or udp)" },
	{ "an empty item", "inputs:\n  -\n  - { type: udp, listen: \"[::]:1\" }\n",
		": inputs[0]: nothing stands here; fill it in or remove it" },
	{ "an item that is no map", "inputs: [ tcp ]\n",
		"1:11: inputs[0]: settings are wanted here (key: value)" },
	{ "inputs that are no list", "inputs: tcp\n",
		"1:9: inputs: a list is wanted here: - { type: tcp" },
	{ "the same socket twice",
		"inputs:\n  - { type: tcp, listen: \"[::]:514\" }\n"
		"  - { type: tcp, listen: \"[::0]:514\" }\n",
		"3:7: inputs[1]: type and address of t1505d.yml:2 again; remove one of them" },
	{ "two inputs of one name",
		"inputs:\n  - { type: tcp, listen: \"[::]:514\", name: a }\n"
		"  - { type: udp, listen: \"[::]:514\", name: a }\n",
		"3:7: inputs[1]: name of t1505d.yml:2 again; give it another name" },
	{ "a receive buffer of a stream",
		"inputs: [ { type: tcp, listen: \"[::]:1\", receive_buffer: 1MiB } ]\n",
		"1:58: inputs[0]: receive_buffer is for udp; remove it" },

	{ "an output without a type", "outputs: [ { to: \"siem:514\" } ]\n",
		"1:14: outputs[0]: type is missing (tcp, udp, unix, unixgram, stdout or file)" },
	{ "a remote output to nowhere", "outputs: [ { type: tcp } ]\n",
		"1:14: outputs[0]: to is missing (\"siem.example:6514\")" },
	{ "a file without a path", "outputs: [ { type: file } ]\n",
		"1:14: outputs[0]: to is missing (a path)" },
	{ "stdout to somewhere", "outputs: [ { type: stdout, to: x } ]\n",
		"1:14: outputs[0]: stdout goes nowhere else; remove to" },
	{ "a remote output to port 0", "outputs: [ { type: tcp, to: \"siem:0\" } ]\n",
		"1:14: outputs[0]: to is a host and a port from 1 to 65535" },
	{ "a remote output without a port", "outputs: [ { type: udp, to: siem } ]\n",
		"1:14: outputs[0]: to is a host and a port from 1 to 65535" },
	{ "brackets around a name", "outputs: [ { type: tcp, to: \"[siem]:514\" } ]\n",
		"1:14: outputs[0]: to: what stands in brackets is no IPv6 address" },
	{ "counts in datagrams",
		"outputs: [ { type: udp, to: \"siem:514\", framing: octet-counted } ]\n",
		"1:14: outputs[0]: octet-counted framing is for tcp and unix; remove it" },
	{ "an unknown format", "outputs: [ { type: stdout, format: cef } ]\n",
		"1:36: outputs[0].format: cef is not json" },
	{ "an unknown envelope", "outputs: [ { type: stdout, envelope: rfc3164 } ]\n",
		"1:38: outputs[0].envelope: rfc3164 is not none or rfc5424" },
	{ "two outputs of one name", "outputs:\n  - { type: stdout }\n  - { type: stdout }\n",
		"3:7: outputs[1]: name of t1505d.yml:2 again; give it another name" },
	{ "an empty name", "outputs: [ { type: stdout, name: \"\" } ]\n",
		"1:34: outputs[0].name: an empty text is not a name of 1 to 100 bytes" },
	{ "a line break in a name", "outputs: [ { type: stdout, name: \"a\\nb\" } ]\n",
		"1:34: outputs[0].name: holds a control character; remove it" },
	{ "a NUL in a path", "state: { directory: \"/a\\0b\" }\n",
		"1:21: state.directory: holds a control character; remove it" },

	{ "a key that is spelt wrong", "limits: { mesage: 1MiB }\n",
		"1:11: limits.mesage: unknown key; did you mean message?" },
	{ "a key of an item that is spelt wrong",
		"inputs: [ { type: tcp, lisen: \"[::]:514\" } ]\n",
		"1:24: inputs[0].lisen: unknown key; did you mean listen?" },
	{ "a key of another section", "limits: { timeout: 5s }\n",
		"1:11: limits.timeout: unknown key; did you mean stop.timeout?" },
	{ "a key that is like none", "alert: { colour: red }\n",
		"1:10: alert.colour: unknown key; known here: raw, raw_max" },
	{ "a key with a dot", "limits.message: 1MiB\n",
		"1:1: limits.message: unknown key; write limits: { message: ... }" },
	{ "a section that is a value", "limits: 5\n",
		"1:9: limits: settings are wanted here (key: value)" },
	{ "a value that is a section", "workers: { max: 3 }\n",
		": workers: one value is wanted here, not a list or a map" },
	{ "no value", "limits:\n  idle:\n  message: 1MiB\n",
		"2:3: limits.idle: no value; give one or remove the key" },

	{ "a size over the limit", "limits: { message: 20MiB }\n",
		"1:20: limits.message: 20MiB is not a size from 1KiB to 16MiB (bytes, or with KiB, "
		"MiB or "
		"GiB: 8MiB)" },
	{ "a size under the limit", "limits: { message: 512 }\n",
		"1:20: limits.message: 512 is not a size from 1KiB to 16MiB" },
	{ "a size that overflows", "limits: { memory: 99999999999999999999GiB }\n",
		"1:19: limits.memory: 99999999999999999999GiB is not a size" },
	{ "a size with another unit", "limits: { message: 64kB }\n",
		"1:20: limits.message: 64kB is not a size" },
	{ "a negative size", "limits: { message: -1 }\n",
		"1:20: limits.message: -1 is not a size" },
	{ "a time without a unit", "limits: { idle: 5 }\n",
		"1:17: limits.idle: 5 is not a time from 1s to 30d, or off (with s, m, h or d: "
		"10m)" },
	{ "off where it is no value", "stop: { timeout: off }\n",
		"1:18: stop.timeout: off is not a time from 1s to 1h (with s, m, h or d: 10m)" },
	{ "no number", "workers: many\n", "1:10: workers: many is not a number from 0 to 256" },
	{ "yes for true", "alert: { raw: yes }\n", "1:15: alert.raw: yes is not true or false" },
	{ "an unknown mode", "alerts: all\n", "1:9: alerts: all is not per_event or per_rule" },
	{ "memory for less than two messages", "limits: { memory: 1MiB }\n",
		"1:19: limits.memory: holds no two messages; it is at least twice limits.message" },
	{ "a journal for less than a few alerts",
		"journal: { max_size: 2MiB }\nalert: { raw_max: 1MiB }\n",
		"1:22: journal.max_size: holds too few alerts; it is at least eight times "
		"alert.raw_max" },
	{ "no path of rules", "rules: { paths: [] }\n",
		": rules.paths: names no path; name the directory of the rules" },
	{ "one path of rules that is no list", "rules: { paths: /etc/rules }\n",
		"1:17: rules.paths: a list of paths is wanted here" },
	{ "an alias in two spellings", "hosts: { alias: { web01: a.b, WEB01.: c.d } }\n",
		"1:31: hosts.alias.web01: stands twice, in different letter case; remove one" },
	{ "an alias of nothing", "hosts: { alias: { \"..\": a.b } }\n",
		"1:19: hosts.alias...: a host's name is wanted on both sides" },
	{ "two documents", "workers: 1\n---\nworkers: 2\n",
		"3:1: a second document begins (---); put all settings into one" },
	{ "a list for a configuration", "- a\n", "1:3: settings are wanted here (key: value)" },
	{ "a key twice", "workers: 1\nworkers: 2\n", "2:1: duplicate key 'workers'" },
	{ "no YAML", "inputs: [\n", ": no valid YAML" },
	{ "invalid UTF-8", "user: \xff\n", "1:7: not valid UTF-8; save the file as UTF-8" },
};

START_TEST(fault_has_place_and_cure)
{
	struct conf *conf = parse(refused[_i].text);

	ck_assert_msg(conf == NULL, "%s: accepted", refused[_i].what);
	ck_assert_msg(strstr(first_error(), refused[_i].error) != NULL, "%s: %s", refused[_i].what,
		first_error());
}
END_TEST

START_TEST(all_faults_at_once)
{
	struct conf *conf = parse("inputs: [ { type: tcp, listen: x }, { type: y, listen: z } ]\n"
				  "workers: many\nfoo: 1\nlimits: { idle: 5, memory: 1 }\n"
				  "workers: 1\n");

	ck_assert_ptr_null(conf);
	ck_assert_uint_eq(faults.errors, 8);
}
END_TEST

START_TEST(more_items_than_there_is_room_for)
{
	char text[64 * 100] = "inputs:\n";
	struct conf *conf;

	for (int i = 0; i < CONF_INPUTS_MAX + 1; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
			"  - { type: tcp, listen: \"127.0.0.1:%d\" }\n", i + 1);
	conf = parse(text);
	ck_assert_ptr_null(conf);
	ck_assert_str_eq(first_error(), "66:7: inputs[64]: more than 64 of them; remove some");
}
END_TEST

/* ---- values ---- */

START_TEST(defaults_without_a_text)
{
	struct conf *conf = conf_parse(NULL, 0, &faults);

	ck_assert_ptr_nonnull(conf);
	ck_assert_uint_eq(faults.count, 0);
	ck_assert_uint_eq(conf->input_count, 0);
	ck_assert_uint_eq(conf->output_count, 0);
	ck_assert_uint_eq(conf->rule_path_count, 1);
	ck_assert_str_eq(conf->rule_paths[0].path, SYSCONFDIR "/t1505d/rules");
	ck_assert_str_eq(conf->state_directory, LOCALSTATEDIR "/lib/t1505d");
	ck_assert_str_eq(conf->dead_letter_file, LOCALSTATEDIR "/lib/t1505d/dead-letters.ndjson");
	ck_assert_str_eq(conf->control_socket, RUNSTATEDIR "/t1505d/control");
	ck_assert_str_eq(conf->user, "t1505d");
	ck_assert_ptr_null(conf->metrics);
	ck_assert_ptr_null(conf->attack.path);
	ck_assert_ptr_null(conf->enrich_hosts.path);
	ck_assert_uint_eq(conf->message_max, 1024 * 1024);
	ck_assert_uint_eq(conf->connections_max, 20000);
	ck_assert_uint_eq(conf->connections_per_address, 0);
	ck_assert_uint_eq(conf->idle_seconds, 0);
	ck_assert_uint_eq(conf->keepalive_seconds, 60);
	ck_assert_uint_eq(conf->json_depth, 256);
	ck_assert_uint_eq(conf->json_keys, 4096);
	ck_assert_uint_eq(conf->memory_max, 512U * 1024 * 1024);
	ck_assert_uint_eq(conf->hosts_max, 100000);
	ck_assert_uint_eq(conf->dead_letter_max, 256U * 1024 * 1024);
	ck_assert_uint_eq(conf->journal_max, 16U * 1024 * 1024);
	ck_assert_uint_eq(conf->stop_seconds, 10);
	ck_assert_uint_eq(conf->stats_seconds, 600);
	ck_assert_uint_eq(conf->workers, 0);
	ck_assert_uint_eq(conf->alert_raw_max, 64 * 1024);
	ck_assert(conf->alert_raw);
	ck_assert_int_eq(conf->alert_mode, ALERT_PER_EVENT);
	conf_free(conf);
}
END_TEST

static const struct {
	const char *text;
	uint64_t bytes;
} sizes[] = {
	{ "4096", 4096 },
	{ "\"4096\"", 4096 },
	{ "64KiB", 64 * 1024 },
	{ "64 KiB", 64 * 1024 },
	{ "16MiB", 16 * 1024 * 1024 },
	{ "16384KiB", 16 * 1024 * 1024 },
};

START_TEST(size_is_read)
{
	char text[128];
	struct conf *conf;

	(void)snprintf(text, sizeof(text), "limits: { message: %s }\n", sizes[_i].text);
	conf = parse(text);
	ck_assert_msg(conf != NULL, "%s: %s", sizes[_i].text, first_error());
	ck_assert_uint_eq(conf->message_max, sizes[_i].bytes);
	conf_free(conf);
}
END_TEST

static const struct {
	const char *text;
	uint64_t seconds;
} times[] = {
	{ "5s", 5 },
	{ "10m", 600 },
	{ "2h", 7200 },
	{ "1d", 86400 },
	{ "30d", 30 * 86400 },
	{ "off", 0 },
	{ "\"off\"", 0 },
};

START_TEST(time_is_read)
{
	char text[128];
	struct conf *conf;

	(void)snprintf(text, sizeof(text), "limits: { idle: %s }\n", times[_i].text);
	conf = parse(text);
	ck_assert_msg(conf != NULL, "%s: %s", times[_i].text, first_error());
	ck_assert_uint_eq(conf->idle_seconds, times[_i].seconds);
	conf_free(conf);
}
END_TEST

START_TEST(inputs_are_read)
{
	struct conf *conf =
		parse("inputs:\n"
		      "  - { listen: \"[::]:514\", type: tcp }\n"
		      "  - { type: udp, listen: \"192.0.2.1:0\", receive_buffer: 1MiB, name: u }\n"
		      "  - { type: tcp, listen: \"0.0.0.0:514\" }\n"
		      "  - { type: udp, listen: \"192.0.2.1:0\" }\n");
	const struct sockaddr_in6 *v6;
	const struct sockaddr_in *v4;

	ck_assert_msg(conf != NULL, "%s", first_error());
	ck_assert_uint_eq(conf->input_count, 4);
	v6 = (const void *)&conf->inputs[0].address;
	ck_assert_str_eq(conf->inputs[0].name, "tcp [::]:514");
	ck_assert_str_eq(conf->inputs[0].listen, "[::]:514");
	ck_assert_int_eq(conf->inputs[0].type, INPUT_TCP);
	ck_assert_int_eq(v6->sin6_family, AF_INET6);
	ck_assert_int_eq(ntohs(v6->sin6_port), 514);
	ck_assert_uint_eq(conf->inputs[0].address_length, sizeof(*v6));
	ck_assert_int_eq(conf->inputs[0].line, 2);
	ck_assert_str_eq(conf->inputs[0].file, "t1505d.yml");
	v4 = (const void *)&conf->inputs[1].address;
	ck_assert_str_eq(conf->inputs[1].name, "u");
	ck_assert_int_eq(conf->inputs[1].type, INPUT_UDP);
	ck_assert_int_eq(v4->sin_family, AF_INET);
	ck_assert_int_eq(v4->sin_port, 0);
	ck_assert_uint_eq(v4->sin_addr.s_addr, htonl(0xc0000201));
	ck_assert_uint_eq(conf->inputs[1].receive_buffer, 1024 * 1024);
	ck_assert_uint_eq(conf->inputs[3].receive_buffer, 8 * 1024 * 1024);
	conf_free(conf);
}
END_TEST

START_TEST(outputs_are_read)
{
	struct conf *conf = parse("outputs:\n"
				  "  - { name: siem, type: tcp, to: \"siem.example:6514\", "
				  "envelope: rfc5424, framing: "
				  "octet-counted, format: json }\n"
				  "  - { to: \"[2001:db8::1]:514\", type: udp }\n"
				  "  - { type: unix, to: /run/sink, framing: octet-counted }\n"
				  "  - { type: unixgram, to: /run/sink }\n"
				  "  - { type: file, to: alerts.ndjson }\n"
				  "  - { type: stdout }\n");

	ck_assert_msg(conf != NULL, "%s", first_error());
	ck_assert_uint_eq(faults.count, 0);
	ck_assert_uint_eq(conf->output_count, 6);
	ck_assert_str_eq(conf->outputs[0].name, "siem");
	ck_assert_str_eq(conf->outputs[0].host, "siem.example");
	ck_assert_str_eq(conf->outputs[0].port, "6514");
	ck_assert_int_eq(conf->outputs[0].envelope, OUTPUT_RFC5424);
	ck_assert_int_eq(conf->outputs[0].framing, OUTPUT_OCTET_COUNTED);
	ck_assert_str_eq(conf->outputs[1].name, "udp [2001:db8::1]:514");
	ck_assert_str_eq(conf->outputs[1].host, "2001:db8::1");
	ck_assert_int_eq(conf->outputs[1].envelope, OUTPUT_BARE);
	ck_assert_int_eq(conf->outputs[1].framing, OUTPUT_LF);
	ck_assert_str_eq(conf->outputs[2].to, "/run/sink");
	ck_assert_ptr_null(conf->outputs[2].host);
	ck_assert_str_eq(conf->outputs[4].to, "alerts.ndjson");
	ck_assert_str_eq(conf->outputs[5].name, "stdout");
	ck_assert_ptr_null(conf->outputs[5].to);
	conf_free(conf);
}
END_TEST

START_TEST(other_settings_are_read)
{
	struct conf *conf =
		parse("alerts: per_rule\nalert: { raw: false, raw_max: 1MiB }\n"
		      "dead_letters: { file: off }\nmetrics: \"127.0.0.1:9150\"\nuser: off\n"
		      "hosts:\n  alias:\n    WEB01: Web01.Corp.Example.\n    sql: sql.corp\n"
		      "enrich:\nlimits: ~\nrules: { attack: /a/attack.tsv }\n");

	ck_assert_msg(conf != NULL, "%s", first_error());
	ck_assert_int_eq(conf->alert_mode, ALERT_PER_RULE);
	ck_assert(!conf->alert_raw);
	ck_assert_uint_eq(conf->alert_raw_max, 1024 * 1024);
	ck_assert_ptr_null(conf->dead_letter_file);
	ck_assert_str_eq(conf->metrics, "127.0.0.1:9150");
	ck_assert_ptr_null(conf->user);
	ck_assert_str_eq(conf->attack.path, "/a/attack.tsv");
	ck_assert_uint_eq(conf->alias_count, 2);
	ck_assert_str_eq(conf->aliases[0].from, "sql");
	ck_assert_str_eq(conf->aliases[1].from, "web01");
	ck_assert_str_eq(conf->aliases[1].to, "web01.corp.example");
	conf_free(conf);
}
END_TEST

START_TEST(no_outputs_is_a_warning)
{
	struct conf *conf = parse("inputs: [ { type: tcp, listen: \"[::]:514\" } ]\n");

	ck_assert_ptr_nonnull(conf);
	ck_assert_uint_eq(faults.errors, 0);
	ck_assert_uint_eq(faults.count, 1);
	ck_assert_str_eq(faults.list[0].text, "outputs: none; alerts go nowhere; add one: - { "
					      "type: tcp, to: \"siem.example:6514\" }");
	conf_free(conf);
}
END_TEST

START_TEST(later_texts_go_over_earlier_ones)
{
	const struct conf_text texts[] = {
		{ "/etc/a.yml",
			SLICE("workers: 1\nlimits: { message: 4KiB, idle: 5s }\n"
			      "rules: { paths: [ rules ] }\nhosts: { alias: { a: b, c: d } }\n"
			      "outputs: [ { type: stdout } ]\ndead_letters: { file: off }\n") },
		{ "/etc/a.d/b.yml",
			SLICE("workers: 2\nlimits: { idle: off }\n"
			      "rules: { paths: [ more, /opt/rules ] }\nhosts: { alias: { A: e } }\n"
			      "outputs: [ { type: file, to: alerts } ]\n"
			      "dead_letters: { file: dead }\nstate: { directory: state }\n") },
	};
	struct conf *conf = conf_parse(texts, 2, &faults);

	ck_assert_msg(conf != NULL, "%s", first_error());
	ck_assert_uint_eq(conf->workers, 2);
	ck_assert_uint_eq(conf->message_max, 4096);
	ck_assert_uint_eq(conf->idle_seconds, 0);
	ck_assert_uint_eq(conf->rule_path_count, 3);
	ck_assert_str_eq(conf->rule_paths[0].path, "/etc/rules");
	ck_assert_str_eq(conf->rule_paths[1].path, "/etc/a.d/more");
	ck_assert_str_eq(conf->rule_paths[2].path, "/opt/rules");
	ck_assert_uint_eq(conf->alias_count, 2);
	ck_assert_str_eq(conf->aliases[0].to, "e");
	ck_assert_uint_eq(conf->output_count, 2);
	ck_assert_str_eq(conf->outputs[1].to, "/etc/a.d/alerts");
	ck_assert_str_eq(conf->dead_letter_file, "/etc/a.d/dead");
	ck_assert_str_eq(conf->state_directory, "/etc/a.d/state");
	conf_free(conf);
}
END_TEST

START_TEST(dead_letters_lie_in_the_state_directory)
{
	struct conf *conf = parse("state: { directory: /srv/t }\n");

	ck_assert_ptr_nonnull(conf);
	ck_assert_str_eq(conf->dead_letter_file, "/srv/t/dead-letters.ndjson");
	conf_free(conf);
}
END_TEST

START_TEST(duplicates_are_found_over_files)
{
	const struct conf_text texts[] = {
		{ "a.yml", SLICE("\ninputs: [ { type: tcp, listen: \"[::]:514\" } ]\n") },
		{ "b.yml", SLICE("inputs: [ { type: tcp, listen: \"[::]:514\" } ]\n") },
	};

	ck_assert_ptr_null(conf_parse(texts, 2, &faults));
	ck_assert_str_eq(faults.list[0].file, "b.yml");
	ck_assert_str_eq(faults.list[0].text,
		"inputs[0]: type and address of a.yml:2 again; remove one of them");
}
END_TEST

/* Whatever stands at the end of a file that is still being written, it is read or refused, never
 * more. */
START_TEST(every_cut_is_survived)
{
	static const char text[] = "inputs: [ { type: tcp, listen: \"[::]:514\" } ]\n"
				   "outputs:\n  - { type: tcp, to: \"a:1\", name: \"\\u00e4\" }\n"
				   "hosts: { alias: { a: b } }\nlimits: { idle: 5s }\n";

	for (size_t length = 0; length < sizeof(text); length++) {
		const struct conf_text one = { "a.yml", { text, length } };
		struct conf *conf = conf_parse(&one, 1, &faults);

		ck_assert((conf == NULL) == (faults.errors > 0));
		conf_free(conf);
		faults_done(&faults);
	}
}
END_TEST

START_TEST(rule_paths_can_be_replaced)
{
	char *const paths[] = { (char[]){ "a" }, (char[]){ "b" } };
	struct conf *conf = conf_parse(NULL, 0, &faults);

	ck_assert_int_eq(conf_use_rule_paths(conf, paths, 2), 0);
	ck_assert_uint_eq(conf->rule_path_count, 2);
	ck_assert_str_eq(conf->rule_paths[1].path, "b");
	conf_free(conf);
}
END_TEST

/* ---- reloads ---- */

START_TEST(restart_is_named)
{
	struct conf *old = parse("workers: 1\noutputs: [ { type: stdout } ]\n");
	struct conf *same = parse("workers: 1\nlimits: { message: 8KiB }\nalerts: per_rule\n");
	struct conf *other = parse("workers: 2\nmetrics: \"[::1]:9150\"\nuser: other\n");
	char text[256], small[8];

	conf_restart_needed(old, same, text, sizeof(text));
	ck_assert_str_eq(text, "");
	conf_restart_needed(old, other, text, sizeof(text));
	ck_assert_str_eq(text, "metrics, workers, user");
	conf_restart_needed(old, other, small, sizeof(small));
	ck_assert_str_eq(small, "metrics");
	conf_free(old);
	conf_free(same);
	conf_free(other);
}
END_TEST

START_TEST(what_takes_a_restart_is_kept)
{
	struct conf *running = parse("workers: 1\nuser: a\nstop: { timeout: 5s }\n");
	struct conf *next = parse("workers: 2\nuser: b\nstop: { timeout: 6s }\nmetrics: "
				  "\"[::1]:9150\"\n");
	char text[256];

	conf_keep_restart(next, running);
	conf_restart_needed(running, next, text, sizeof(text));
	ck_assert_str_eq(text, "metrics, workers, user");
	conf_free(running);
	ck_assert_uint_eq(next->workers, 1);
	ck_assert_str_eq(next->user, "a");
	ck_assert_ptr_null(next->metrics);
	ck_assert_uint_eq(next->stop_seconds, 6);
	conf_free(next);
}
END_TEST

/* ---- files ---- */

static char folder[64];

static void
make_folder(void)
{
	strcpy(folder, "/tmp/check_conf.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static const char *
path_of(const char *name)
{
	static char path[4][256];
	static unsigned turn;

	turn = (turn + 1) % 4;
	(void)snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static void
write_file(const char *name, const char *text)
{
	FILE *file = fopen(path_of(name), "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void
remove_folder(void)
{
	static const char *const names[] = { "c.yml", "c.d/10.yml", "c.d/9.yml", "c.d/a.txt",
		"c.d/.hidden.yml", "c.d" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)remove(path_of(names[i]));
	(void)rmdir(folder);
	clear_faults();
}

START_TEST(drop_ins_are_read_by_name)
{
	struct conf *conf;

	write_file("c.yml", "workers: 1\noutputs: [ { type: file, to: a } ]\n");
	ck_assert_int_eq(mkdir(path_of("c.d"), 0700), 0);
	write_file("c.d/10.yml", "workers: 10\nstop: { timeout: 20s }\n");
	write_file("c.d/9.yml", "workers: 9\n");
	write_file("c.d/a.txt", "no settings\n");
	write_file("c.d/.hidden.yml", "no settings\n");
	conf = conf_load(path_of("c.yml"), &faults);
	ck_assert_msg(conf != NULL, "%s", first_error());
	ck_assert_uint_eq(conf->workers, 9);
	ck_assert_uint_eq(conf->stop_seconds, 20);
	ck_assert_str_eq(conf->outputs[0].to, path_of("a"));
	conf_free(conf);
}
END_TEST

START_TEST(faults_of_all_files_are_told)
{
	struct conf *conf;

	write_file("c.yml", "workers: x\n");
	ck_assert_int_eq(mkdir(path_of("c.d"), 0700), 0);
	write_file("c.d/10.yml", "workers: y\n");
	ck_assert_ptr_null(conf_load(path_of("c.yml"), &faults));
	ck_assert_uint_eq(faults.errors, 2);
	ck_assert_str_eq(faults.list[0].file, path_of("c.yml"));
	ck_assert_str_eq(faults.list[1].file, path_of("c.d/10.yml"));

	conf = conf_examine(path_of("c.yml"), &faults);
	ck_assert_ptr_nonnull(conf);
	ck_assert_uint_eq(conf->workers, 0);
	ck_assert_uint_eq(conf->rule_path_count, 1);
	conf_free(conf);

	/* Which rules it would have named is not known, so the default is not looked at. */
	write_file("c.yml", "a: [\n");
	conf = conf_examine(path_of("c.yml"), &faults);
	ck_assert_ptr_nonnull(conf);
	ck_assert_uint_eq(conf->rule_path_count, 0);
	conf_free(conf);
}
END_TEST

START_TEST(missing_file_is_a_fault)
{
	ck_assert_ptr_null(conf_load(path_of("c.yml"), &faults));
	ck_assert_str_eq(faults.list[0].text,
		"cannot be read: No such file or directory; name the configuration with -c FILE");
	ck_assert_int_eq(faults.list[0].line, 0);
}
END_TEST

START_TEST(directory_is_no_file)
{
	ck_assert_ptr_null(conf_load(folder, &faults));
	ck_assert_str_eq(faults.list[0].text,
		"cannot be read: Is a directory; name the configuration with -c FILE");
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("conf");
	TCase *texts = tcase_create("texts"), *files = tcase_create("files");

	tcase_add_checked_fixture(texts, NULL, clear_faults);
	tcase_add_loop_test(
		texts, fault_has_place_and_cure, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(texts, all_faults_at_once);
	tcase_add_test(texts, more_items_than_there_is_room_for);
	tcase_add_test(texts, defaults_without_a_text);
	tcase_add_loop_test(texts, size_is_read, 0, sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_loop_test(texts, time_is_read, 0, sizeof(times) / sizeof(times[0]));
	tcase_add_test(texts, inputs_are_read);
	tcase_add_test(texts, outputs_are_read);
	tcase_add_test(texts, other_settings_are_read);
	tcase_add_test(texts, no_outputs_is_a_warning);
	tcase_add_test(texts, later_texts_go_over_earlier_ones);
	tcase_add_test(texts, dead_letters_lie_in_the_state_directory);
	tcase_add_test(texts, duplicates_are_found_over_files);
	tcase_add_test(texts, what_takes_a_restart_is_kept);
	tcase_add_test(texts, every_cut_is_survived);
	tcase_add_test(texts, rule_paths_can_be_replaced);
	tcase_add_test(texts, restart_is_named);
	tcase_add_checked_fixture(files, make_folder, remove_folder);
	tcase_add_test(files, drop_ins_are_read_by_name);
	tcase_add_test(files, faults_of_all_files_are_told);
	tcase_add_test(files, missing_file_is_a_fault);
	tcase_add_test(files, directory_is_no_file);
	suite_add_tcase(s, texts);
	suite_add_tcase(s, files);
	return s;
}

int
main(void)
{
	SRunner *runner = srunner_create(suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
