#!/usr/bin/env python3
"""What more rules cost: `make bench RULES=DIR`.

  rules.py --build FOLDER --rules DIR [-n EVENTS] [-r ROUNDS]

The same events go through `t1505d replay`, on one thread, with the four core rules and with those of DIR beside them, in turn; loading
is measured by itself, on no events, and left out.  Prints medians: events a second of CPU time, CPU seconds per million events, their
ratio, and for DIR the time to load without and with the cache, and memory.  Replay's own work (reading the file, printing alerts) is in
both.  CPU time is that of user and system together, so that other processes disturb little."""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))


def run(program, config, *words):
    """CPU seconds, wall-clock seconds, peak MiB."""
    start = time.monotonic()
    child = subprocess.Popen([program, words[0], "-c", config, *words[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    text = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(text.decode(errors="replace")[-2000:])
    return usage.ru_utime + usage.ru_stime, time.monotonic() - start, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--rules", required=True)
    parser.add_argument("-n", type=int, default=100000)
    parser.add_argument("-r", type=int, default=5)
    options = parser.parse_args()
    program = os.path.join(options.build, "t1505d")
    core = TOP + "/etc/rules/core"
    with tempfile.TemporaryDirectory() as folder:
        events, empty = folder + "/events.ndjson", folder + "/empty"
        subprocess.run([sys.executable, HERE + "/gen.py", "-n", str(options.n), "-H", "50", "-s", "1", "-o", events], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        open(empty, "w").close()
        sets = {"core": [core], "all": [core, os.path.abspath(options.rules)]}
        for name, paths in sets.items():
            with open(f"{folder}/{name}.yml", "w") as file:
                file.write(f"rules: {{ paths: [ {', '.join(paths)} ], cache: {folder}/cache.{name}, attack: {TOP}/etc/attack.tsv }}\n")
        cold = [run(program, folder + "/all.yml", "replay", empty) for _ in range(options.r)]
        for name in sets:
            os.mkdir(f"{folder}/cache.{name}")
            run(program, f"{folder}/{name}.yml", "replay", empty)
        used = {name: [] for name in sets}
        cached = []
        for _ in range(options.r):
            for name in sets:
                config = f"{folder}/{name}.yml"
                load = run(program, config, "replay", empty)
                used[name].append(run(program, config, "replay", events)[0] - load[0])
                if name == "all":
                    cached.append(load)
        median = {name: statistics.median(values) for name, values in used.items()}
        for name in sets:
            print(f"{name:5} {options.n / median[name]:10,.0f} events/s of CPU {median[name] / options.n * 1e6:8.2f} CPU-s per million")
        print(f"ratio {median['all'] / median['core']:10.2f}")
        for name, rows in (("cold", cold), ("cache", cached)):
            wall, peak = statistics.median(row[1] for row in rows), statistics.median(row[2] for row in rows)
            print(f"load, {name:5} {wall:6.2f} s {peak:6.0f} MiB at most")


main()
