#!/usr/bin/env python3
"""t1505d, rsyslog and syslog-ng over the same events on the same work, in one go.

  bench.py --build FOLDER [-n EVENTS] [-c CONNECTIONS] [-r RUNS] [--noisy] [t1505d|rsyslog|syslog-ng ...]

FOLDER holds t1505d and tests/bench/{send,sink}; events and the peers' programs are kept below it.  Each run starts a
fresh collector, sends the file, and stops the clock when the sink has the expected number of alerts (the last event of each
connection is a match).  The collectors take turns, so that a slow minute of the machine hits all.  Counts by detection must
equal the generator's, or the run is WRONG.  A run during which other processes used more than 0.10 cores is shown,
discarded and repeated, unless --noisy.  Prints a line a run, the medians, and the ratio to the cheaper peer."""
import argparse
import glob
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
HZ = os.sysconf("SC_CLK_TCK")
FOREIGN_MAX = 0.10                                   # cores that others may use during a run that counts
IDLE = 60                                            # seconds without an alert after which a run is given up


def busy():
    f = [int(x) for x in open("/proc/stat").readline().split()[1:]]
    return (sum(f[:3]) + sum(f[5:8])) / HZ           # user nice system irq softirq steal


def mine():
    a, b = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return a.ru_utime + a.ru_stime + b.ru_utime + b.ru_stime


def cpu(pid):
    f = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return (int(f[11]) + int(f[12])) / HZ


def peak_memory(pid):
    for line in open("/proc/%d/status" % pid):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0


def listening(port):
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in open(table).readlines()[1:]:
            f = line.split()
            if f[1].endswith(":%04X" % port) and f[3] == "0A":
                return True
    return False


def wait_until(condition, process, what):
    for _ in range(400):
        if condition():
            return
        if process.poll() is not None:
            break
        time.sleep(.05)
    sys.exit("bench: " + what)


def stop(process):
    if process and process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def values(text):
    return dict(x.split("=") for x in text.split())


class Bench:
    def __init__(self, options, directory):
        self.o, self.dir = options, directory
        self.build = os.path.abspath(options.build)
        self.peers = os.environ.get("PEERS", self.build + "/peers")
        self.events = "%s/bench-%d.syslog" % (self.build, options.n)
        if not os.path.exists(self.events + ".expect"):
            subprocess.run([sys.executable, HERE + "/gen.py", "-n", str(options.n), "-H", "50", "-s", "1", "--syslog",
                            "-o", self.events], check=True, stderr=subprocess.DEVNULL)
        self.expect = json.load(open(self.events + ".expect"))

    def tool(self, name):
        return self.build + "/tests/bench/" + name

    def free_port(self):
        path = self.dir + "/free"
        subprocess.run([self.tool("sink"), "-p", path, "-i", "0.01", "tcp", "0"], stdout=subprocess.DEVNULL)
        return int(open(path).read())

    def configuration(self, name, into, out):
        text = open("%s/peers/%s" % (HERE, name)).read()
        for key, value in (("@IN@", into), ("@OUT@", out), ("@DIR@", self.dir), ("@RULES@", TOP + "/etc/rules/core")):
            text = text.replace(key, str(value))
        path = "%s/%s" % (self.dir, name)
        open(path, "w").write(text)
        return path

    def command(self, name, into, out):
        """-> (arguments, environment) of a collector in the foreground"""
        env = dict(os.environ, LC_ALL="C")
        if name == "t1505d":
            return [self.build + "/t1505d", "run", "-c", self.configuration("t1505d.yml", into, out)], env
        subprocess.run([TOP + "/tests/peers.sh", self.peers], check=True)
        if name == "rsyslog":
            root = self.peers + "/rsyslog/usr"
            return [root + "/sbin/rsyslogd", "-n", "-f", self.configuration("rsyslog.conf", into, out), "-i", self.dir + "/r.pid",
                    "-M", glob.glob(root + "/lib/*/rsyslog")[0]], env
        root = self.peers + "/syslog-ng-core/usr"
        env["LD_LIBRARY_PATH"] = root + "/lib/syslog-ng"
        return [root + "/sbin/syslog-ng", "-F", "--no-caps", "-f", self.configuration("syslog-ng.conf", into, out),
                "--module-path", glob.glob(root + "/lib/syslog-ng/3.*")[0], "-R", self.dir + "/s.persist",
                "-p", self.dir + "/s.pid", "-c", self.dir + "/s.ctl"], env

    def run(self, name, log):
        port_file = self.dir + "/sink.port"
        if os.path.exists(port_file):
            os.unlink(port_file)
        sink = subprocess.Popen([self.tool("sink"), "-p", port_file, "-x", str(self.expect["total"]), "-i", str(IDLE), "tcp", "0"],
                                stdout=subprocess.PIPE, text=True)
        collector = None
        try:
            wait_until(lambda: os.path.exists(port_file) and open(port_file).read().strip(), sink, "the sink did not start")
            into = self.free_port()
            command, env = self.command(name, into, int(open(port_file).read()))
            collector = subprocess.Popen(command, env=env, stdout=log, stderr=log)
            wait_until(lambda: listening(into), collector, "%s does not listen; see %s" % (name, log.name))
            time.sleep(.5)                           # its start is not part of the work
            cpu0, busy0, mine0, t0 = cpu(collector.pid), busy(), mine(), time.monotonic()
            sent = subprocess.run([self.tool("send"), "-c", str(self.o.c), "127.0.0.1", str(into), self.events],
                                  stdout=subprocess.PIPE, text=True)
            got = values(sink.communicate()[0])
            used = cpu(collector.pid) - cpu0
            foreign = (busy() - busy0 - (mine() - mine0) - used) / (time.monotonic() - t0)
            memory = peak_memory(collector.pid)
        finally:
            stop(collector)
            stop(sink)
        if sent.returncode != 0:
            sys.exit("bench: send failed")
        counts = {k: int(got[k]) for k in "ABC"}
        seconds = float(got["reached"]) - float(values(sent.stdout)["start"])
        return {"rate": self.o.n / seconds if seconds > 0 else 0, "cpu": used * 1e6 / self.o.n, "memory": memory,
                "foreign": max(0, foreign), "counts": counts,
                "exact": counts == {k: self.expect[k] for k in "ABC"} and int(got["other"]) == 0}


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--build", default=".", help="where t1505d was built")
    a.add_argument("-n", type=int, default=200000, help="events")
    a.add_argument("-c", type=int, default=4, help="connections")
    a.add_argument("-r", type=int, default=3, help="runs of each")
    a.add_argument("--noisy", action="store_true", help="keep runs that others disturbed")
    a.add_argument("collectors", nargs="*", default=["t1505d", "rsyslog", "syslog-ng"])
    o = a.parse_args()
    wrong = False
    with tempfile.TemporaryDirectory(prefix="t1505d-bench.") as directory, open(o.build + "/bench.log", "wb") as log:
        bench = Bench(o, directory)
        rows = {name: [] for name in o.collectors}
        print("%d events, %.0f bytes each, %d connections; %d alerts expected" % (
            o.n, bench.expect["bytes"] / o.n, o.c, bench.expect["total"]), flush=True)
        for attempt in range(o.r * 5):
            for name in o.collectors:
                if len(rows[name]) == o.r:
                    continue
                r = bench.run(name, log)
                keep = o.noisy or r["foreign"] <= FOREIGN_MAX
                wrong = wrong or not r["exact"]
                print("%-10s %8.0f events/s  %5.2f CPU-s per million  %4.0f MiB  others %.2f cores  %s%s" % (
                    name, r["rate"], r["cpu"], r["memory"], r["foreign"],
                    "exact" if r["exact"] else "WRONG %s" % r["counts"], "" if keep else "  discarded"), flush=True)
                if keep:
                    rows[name].append(r)
        if any(len(r) < o.r for r in rows.values()):
            sys.exit("bench: the machine is not quiet")
        print("\n%-10s %12s %14s %10s   (medians of %d)" % ("", "events/s", "CPU-s per M", "peak MiB", o.r))
        median = {}
        for name, r in rows.items():
            median[name] = {k: statistics.median(x[k] for x in r) for k in ("rate", "cpu", "memory")}
            print("%-10s %12.0f %14.2f %10.0f" % (name, median[name]["rate"], median[name]["cpu"], median[name]["memory"]))
        peers = [m["cpu"] for name, m in median.items() if name != "t1505d"]
        if peers and "t1505d" in median:
            print("\nt1505d uses %.2f of the CPU seconds of the cheaper peer" % (median["t1505d"]["cpu"] / min(peers)))
    return wrong


sys.exit(main())
