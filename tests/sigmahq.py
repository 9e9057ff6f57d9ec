#!/usr/bin/env python3
"""Hold a copy of Sigma's public rule collection against the program: `make check-sigmahq SIGMAHQ=DIR`.

All rules of DIR load without an error, and each recorded event of DIR/regression matches the rule that it is for, as often as its
info.yml says.  The values of the placeholders that some rules have are an operator's: here each is a text that nothing matches.
"""
import pathlib
import re
import subprocess
import sys
import tempfile


def say(program, *arguments):
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


def placeholders(files, folder):
    names = set()
    for file in files:
        text = file.read_text(encoding="utf-8")
        if "|expand" in text:
            names.update(name.lower() for name in re.findall(r"['\"]%(\w+)%['\"]", text))
    path = folder / "placeholders.yml"
    path.write_text("placeholders:\n" + "".join(f"    {name}: nobody's value\n" for name in sorted(names)) if names else "")
    return ["--rules", path] if names else []


def main():
    program, collection = sys.argv[1], pathlib.Path(sys.argv[2])
    folders = sorted(folder for folder in collection.glob("rules*") if folder.is_dir())
    files = [file for folder in folders for file in sorted(folder.rglob("*.yml"))]
    if not files:
        sys.exit(f"{collection} has no rules*/**/*.yml; name the folder of the collection")
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        values = placeholders(files, pathlib.Path(folder))
        answer = say(program, "check", *values, *(word for part in folders for word in ("--rules", part)))
        faults = [line for line in answer.stderr.splitlines() if ": error: " in line]
        print("\n".join(faults))
        print(f"{len(files)} files load: {'no' if faults or answer.returncode else 'yes'}: {answer.stdout.strip()}")
        passed, failed = (passed, failed + 1) if faults or answer.returncode else (passed + 1, failed)
        by_id = {}
        for file in files:
            match = re.search(r"^id:\s*(\S+)", file.read_text(encoding="utf-8"), re.M)
            if match:
                by_id[match[1]] = file
        for info in sorted(collection.glob("regression/**/info.yml")):
            text = info.read_text(encoding="utf-8")
            rule = by_id.get(re.search(r"rule_metadata:\s*-\s*id:\s*(\S+)", text)[1])
            want = re.search(r"match_count:\s*(\d+)", text)
            events = sorted(info.parent.glob("*.json"))
            if rule is None:
                print(f"{info}: its rule is not in the collection")
                failed += 1
                continue
            answer = say(program, "replay", *values, "--rules", rule, "--format", "json", *events)
            got = len(answer.stdout.splitlines())
            good = answer.returncode == 0 and (got == int(want[1]) if want else got > 0)
            if not good:
                print(f"{info.parent}: {got} matches, not {want[1] if want else 'any'}: {rule}\n{answer.stderr}")
            passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
