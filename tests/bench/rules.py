#!/usr/bin/env python3
"""What more rules cost: `make bench RULES=DIR`.

  rules.py --build FOLDER --rules DIR [-n EVENTS] [-r ROUNDS]

Two kinds of events: ordinary ones, and mixed ones, of which public rules take every third for an attack.  Each goes through `t1505d
replay`, on one thread, with the four core rules and with those of DIR beside them, in turn; the difference between one and three passes
is taken, so that loading is no part of it.  Then the ordinary events go over TCP into a daemon with one worker and all rules, its
alerts into a file and the CPU time of all its threads counted.  Loading is measured by itself, with and without the cache.  Prints
medians.  CPU time is that of user and system together, so that other processes disturb little; replay's own work is in both."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
HZ = os.sysconf("SC_CLK_TCK")
PASSES = 3
WAIT = 120                                           # seconds, for a daemon that does not do what it is to do
KINDS = {"ordinary": ["--ordinary"], "mixed": []}


class Bench:
    def __init__(self, options, folder):
        self.o, self.dir = options, folder
        self.program = os.path.abspath(options.build) + "/t1505d"
        self.sets = {"core": [TOP + "/etc/rules/core"], "all": [TOP + "/etc/rules/core", os.path.abspath(options.rules)]}
        for name, paths in self.sets.items():
            os.mkdir(f"{folder}/{name}")
            self.configure(name, f"{folder}/{name}/cache")
            os.mkdir(f"{folder}/{name}/cache")
        self.configure("cold", folder + "/nowhere", "all")
        open(folder + "/empty", "w").close()
        for kind, words in KINDS.items():
            self.generate(f"{folder}/{kind}", words)
        self.generate(folder + "/syslog", ["--ordinary", "--syslog"])

    def configure(self, name, cache, rules=None):
        with open(f"{self.dir}/{name}.yml", "w") as f:
            json.dump({"inputs": [{"type": "tcp", "listen": "127.0.0.1:0"}], "workers": 1, "user": "off",
                       "rules": {"paths": self.sets[rules or name], "cache": cache, "attack": TOP + "/etc/attack.tsv"},
                       "outputs": [{"name": "file", "type": "file", "to": self.dir + "/alerts"}], "state": {"directory": self.dir},
                       "control": {"socket": self.dir + "/control"}}, f)

    def generate(self, path, words):
        subprocess.run([sys.executable, HERE + "/gen.py", "-n", str(self.o.n), "-H", "50", "-s", "1", "-o", path, *words], check=True,
                       stderr=subprocess.DEVNULL)

    def replay(self, name, files):
        """CPU seconds, wall-clock seconds, peak MiB."""
        start = time.monotonic()
        child = subprocess.Popen([self.program, "replay", "-c", f"{self.dir}/{name}.yml", "--format", "json", *files],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        text = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            sys.exit("bench: " + text.decode(errors="replace")[-2000:])
        return usage.ru_utime + usage.ru_stime, time.monotonic() - start, usage.ru_maxrss / 1024

    def cost(self, name, kind):
        """CPU microseconds for an event."""
        once, often = (self.replay(name, [f"{self.dir}/{kind}"] * passes)[0] for passes in (1, PASSES))
        return (often - once) / (PASSES - 1) / self.o.n * 1e6

    def status(self):
        answer = subprocess.run([self.program, "status", "--json", "--socket", self.dir + "/control"], capture_output=True, text=True)
        return json.loads(answer.stdout) if answer.returncode == 0 else None

    def until(self, condition, process):
        end = time.monotonic() + WAIT
        while not condition():
            if process.poll() is not None or time.monotonic() > end:
                sys.exit("bench: the daemon does not start, or does not take all events")
            time.sleep(.02)

    def daemon(self):
        """CPU microseconds for an event, events a second, resident MiB."""
        ports = self.dir + "/ports"
        if os.path.exists(ports):
            os.unlink(ports)
        with subprocess.Popen([self.program, "run", "-c", self.dir + "/all.yml", "--port-file", ports],
                              stderr=subprocess.DEVNULL) as process:
            try:
                self.until(lambda: os.path.exists(ports) and self.status(), process)
                port = open(ports).read().split()[-1].rsplit(":", 1)[-1]
                before, start = used(process.pid), time.monotonic()
                subprocess.run([self.o.build + "/tests/bench/send", "-c", "4", "127.0.0.1", port, self.dir + "/syslog"], check=True,
                               stdout=subprocess.DEVNULL)
                self.until(lambda: self.status()["totals"]["events"] >= self.o.n, process)
                seconds, cpu = time.monotonic() - start, used(process.pid) - before
                resident = int(open(f"/proc/{process.pid}/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
            finally:
                process.terminate()
        return cpu / self.o.n * 1e6, self.o.n / seconds, resident


def used(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / HZ


def median(rows):
    return [statistics.median(column) for column in zip(*rows)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--rules", required=True)
    parser.add_argument("-n", type=int, default=100000)
    parser.add_argument("-r", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="t1505d-bench.") as folder:
        bench = Bench(options, folder)
        for name in bench.sets:
            bench.replay(name, [folder + "/empty"])  # fills the cache
        rows = {(kind, name): [] for kind in KINDS for name in bench.sets}
        loads = {"cold": [], "all": []}
        daemon = []
        for _ in range(options.r):
            for kind, name in rows:
                rows[kind, name].append([bench.cost(name, kind)])
            for name in loads:
                loads[name].append(bench.replay(name, [folder + "/empty"])[1:])
            daemon.append(bench.daemon())
        for kind in KINDS:
            core, every = (median(rows[kind, name])[0] for name in bench.sets)
            print(f"replay, {kind:9} core {core:6.2f}  all {every:6.2f} CPU-s per million events  ratio {every / core:.2f}")
        cpu, rate, resident = median(daemon)
        print(f"daemon, 1 worker      all {cpu:6.2f} CPU-s per million events  {rate:,.0f} events/s  {resident:.0f} MiB resident")
        for name, text in (("cold", "without a cache"), ("all", "from the cache")):
            wall, peak = median(loads[name])
            print(f"load, {text:15} {wall:6.2f} s  {peak:.0f} MiB at most")


main()
