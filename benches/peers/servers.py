"""Lanner beside VictoriaMetrics with vmalert, the newest Prometheus, carbonapi and flagd, one after the other on one machine.

    servers.py build FOLDER                        builds the peers with Go, each once, into FOLDER
    servers.py run LANNER FOLDER [SECTION ...]     measures; all sections, or some of ingest, rules, render, ofrep

`LANNER` is the program as it is released. Each server has the first core to itself, and this program another. Figures are per second of the server's processor
time: what this program can send in a second of wall time says little about them. `SERVERS_MINUTES` says for how long rules run (4).
"""

import http.client
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

PEERS = {
    "victoria-metrics": ("github.com/VictoriaMetrics/VictoriaMetrics", "v1.151.0", "app/victoria-metrics"),
    "vmalert": ("github.com/VictoriaMetrics/VictoriaMetrics", "v1.151.0", "app/vmalert"),
    "prometheus": ("github.com/prometheus/prometheus", "v0.316.0", "cmd/prometheus"),
    "carbonapi": ("github.com/go-graphite/carbonapi", "v0.16.1", "cmd/carbonapi"),
    "flagd": ("github.com/open-feature/flagd/flagd", "v0.12.9", ""),
}
# `SERVERS_SHARE=100` makes everything a hundredth, to see whether it runs.
SHARE = int(os.environ.get("SERVERS_SHARE", "1"))
N_SERIES, N_ROUNDS, BATCH = 10_000 // SHARE, 100, 5_000 // SHARE
N_RULES, RULES_OF_A_GROUP = 10_000 // SHARE, 100
N_FLAGS, N_ASKED = 1_000 // SHARE, 20_000 // SHARE
N_DRAWN, N_DRAWINGS = 100 // min(SHARE, 10), 30
MINUTE_S = 60
WEEK_S = 7 * 24 * 3_600
OF_PROTOBUF = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf", "X-Prometheus-Remote-Write-Version": "0.1.0"}
OF_JSON = {"Content-Type": "application/json"}


def build(folder):
    os.makedirs(folder, exist_ok=True)
    folder = os.path.abspath(folder)
    for name, (module, version, package) in PEERS.items():
        if os.path.exists(os.path.join(folder, name)):
            continue
        # In a module of its own: what says `replace` cannot be installed from elsewhere.
        with tempfile.TemporaryDirectory() as work:
            def go(*arguments):
                subprocess.run(["go", *arguments], cwd=work, check=True, env={**os.environ, "CGO_ENABLED": "0"})
            path = f"{module}/{package}" if package else module
            try:
                go("mod", "init", "peers.example/peer")
                go("get", f"{path}@{version}")
                go("build", "-ldflags=-s -w", "-o", os.path.join(folder, name), path)
            except subprocess.CalledProcessError:
                # Not every proxy serves every module; a program that lies there by this name is taken as well.
                print("cannot build", name, flush=True)
                continue
        print("built", name, flush=True)


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def is_built(section, peers, name, *programs):
    """Whether these peers are there; says so where one is not."""
    missing = [program for program in programs if not os.path.exists(os.path.join(peers, program))]
    if missing:
        print(f"{section:8} {name:28} not measured: {', '.join(missing)} is not built", flush=True)
    return not missing


class Server:
    """A running server on the first core; `ready` is a path that it answers with a success once it can be used."""

    def __init__(self, folder, command, port, ready):
        self.port = port
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "log"), "ab") as log:
            self.process = subprocess.Popen(["taskset", "-c", "0", *command], stdout=log, stderr=log, cwd=folder)
        begun = time.monotonic()
        while self.status(ready) // 100 != 2:
            if self.process.poll() is not None or time.monotonic() - begun > 60:
                sys.exit(f"{command[0]} does not start; see {folder}/log")
            time.sleep(0.1)

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def status(self, path):
        try:
            connection = self.connect()
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0

    def get(self, path):
        connection = self.connect()
        connection.request("GET", path)
        return connection.getresponse().read().decode()

    def cpu_s(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait()


def lanner(program, folder, *options):
    port = free_port()
    command = [program, "serve", "--data", os.path.join(folder, "data"), "--listen", f"127.0.0.1:{port}", *options]
    return Server(folder, command, port, "/readyz")


def victoria(peers, folder, *options):
    port = free_port()
    program = os.path.join(peers, "victoria-metrics")
    command = [program, f"-storageDataPath={folder}/data", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=10y", *options]
    return Server(folder, command, port, "/health")


def prometheus(peers, folder, rules=None):
    port = free_port()
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/prometheus.yml", "w") as config:
        config.write("global: { evaluation_interval: 1m }\n" + ("rule_files: [rules.yml]\n" if rules else ""))
    if rules:
        with open(f"{folder}/rules.yml", "w") as file:
            file.write(rules)
    command = [
        os.path.join(peers, "prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver", "--log.level=error",
    ]
    return Server(folder, command, port, "/-/ready")


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def labels(n):
    return {"__name__": "cpu_usage", "core": str(n % 8), "host": f"host-{n // 8}"}


def as_protobuf(n):
    pairs = sorted(labels(n).items())
    return b"".join(field(1, field(1, name.encode()) + field(2, value.encode())) for name, value in pairs)


def snappy(data):
    """As snappy has it, and no shorter: literals alone."""
    out = bytearray(varint(len(data)))
    for at in range(0, len(data), 65_536):
        piece = data[at:at + 65_536]
        out += b"\xf4" + struct.pack("<H", len(piece) - 1) + piece
    return bytes(out)


def remote_write(series, known, round_, time_ms):
    out = bytearray()
    for n in series:
        value = 50.0 + (n * 7 + round_ * 13) % 100 / 10
        sample = b"\x09" + struct.pack("<d", value) + b"\x10" + varint(time_ms)
        out += field(1, known[n] + field(2, sample))
    return snappy(bytes(out))


def post(connection, path, body, headers):
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    said = answer.read()
    if answer.status // 100 != 2:
        sys.exit(f"{path}: {answer.status} {said[:300]}")
    return said


def told(section, name, **figures):
    print(f"{section:8} {name:28} " + "  ".join(f"{key} {value:,.3g}" for key, value in figures.items()), flush=True)


def ingest(program, peers, work):
    known = [as_protobuf(n) for n in range(N_SERIES)]
    begin_ms = (int(time.time()) - 10 * N_ROUNDS) * 1000
    bodies = [
        remote_write(range(first, first + BATCH), known, round_, begin_ms + round_ * 10_000)
        for round_ in range(N_ROUNDS) for first in range(0, N_SERIES, BATCH)
    ]
    for name, programs, start in [
        ("Lanner", [], lambda: lanner(program, f"{work}/lanner", "--carbon", "off")),
        ("VictoriaMetrics", ["victoria-metrics"], lambda: victoria(peers, f"{work}/victoria")),
        ("Prometheus", ["prometheus"], lambda: prometheus(peers, f"{work}/prometheus")),
    ]:
        if not is_built("ingest", peers, name, *programs):
            continue
        server = start()
        empty_mb, connection = server.rss_mb(), server.connect()
        first = N_SERIES // BATCH
        for body in bodies[:first]:
            post(connection, "/api/v1/write", body, OF_PROTOBUF)
        cpu_s, begun = server.cpu_s(), time.monotonic()
        for body in bodies[first:]:
            post(connection, "/api/v1/write", body, OF_PROTOBUF)
        wall_s = time.monotonic() - begun
        time.sleep(5)
        n = (len(bodies) - first) * BATCH
        told("ingest", name, samples_per_cpu_s=n / (server.cpu_s() - cpu_s), samples_per_s=n / wall_s, empty_MB=empty_mb, after_MB=server.rss_mb())
        server.stop()


def rules_of_prometheus():
    lines = ["groups:"]
    for n in range(N_RULES):
        if n % RULES_OF_A_GROUP == 0:
            lines += [f"- name: group-{n}", "  interval: 1m", "  rules:"]
        of = labels(n)
        lines += [f"  - alert: series-{n}", f'    expr: avg_over_time(cpu_usage{{host="{of["host"]}",core="{of["core"]}"}}[5m]) > 1000000']
    return "\n".join(lines) + "\n"


def rules_of_lanner():
    def rule(n):
        of = labels(n)
        query = {"series": of["__name__"], "labels": {"host": of["host"], "core": of["core"]}, "measure": "avg"}
        return {"id": f"series-{n}", "window": "5m", "every": "1m", "absolute": {"max": 1_000_000}, "query": query}
    return json.dumps({"rules": [rule(n) for n in range(N_RULES)]})


def total(text, name):
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith((name + "{", name + " ")))


def rules(program, peers, work):
    minutes = int(os.environ.get("SERVERS_MINUTES", "4"))
    known = [as_protobuf(n) for n in range(N_SERIES)]

    def run(name, servers, evaluated, missed):
        over = threading.Event()

        def feed():
            connection, round_ = servers[0].connect(), 0
            while not over.wait(1):
                series = range(round_ % 10 * N_SERIES // 10, (round_ % 10 + 1) * N_SERIES // 10)
                post(connection, "/api/v1/write", remote_write(series, known, round_ // 10, int(time.time() * 1000)), OF_PROTOBUF)
                round_ += 1

        feeding = threading.Thread(target=feed)
        feeding.start()
        time.sleep(90 if SHARE == 1 else 15)
        before = [server.cpu_s() for server in servers]
        counts = (evaluated(), missed())
        time.sleep(minutes * MINUTE_S)
        cpu_s = sum(server.cpu_s() for server in servers) - sum(before)
        told(
            "rules", name, cpu_s_per_minute=cpu_s / minutes, MB=sum(server.rss_mb() for server in servers),
            evaluations_per_minute=(evaluated() - counts[0]) / minutes, missed=missed() - counts[1],
        )
        over.set()
        feeding.join()
        for server in servers:
            server.stop()

    ours = lanner(program, f"{work}/lanner", "--carbon", "off")
    post(ours.connect(), "/api/v1/apply", rules_of_lanner(), OF_JSON)
    run(
        "Lanner", [ours], lambda: total(ours.get("/metrics"), "lanner_evaluation_lateness_seconds_count"),
        lambda: total(ours.get("/metrics"), "lanner_windows_skipped_total"),
    )
    if is_built("rules", peers, "VictoriaMetrics + vmalert", "victoria-metrics", "vmalert"):
        rules_of_vmalert(peers, work, run)
    if is_built("rules", peers, "Prometheus", "prometheus"):
        peer = prometheus(peers, f"{work}/prometheus", rules_of_prometheus())
        run(
            "Prometheus", [peer], lambda: total(peer.get("/metrics"), "prometheus_rule_evaluations_total"),
            lambda: total(peer.get("/metrics"), "prometheus_rule_group_iterations_missed_total"),
        )


def rules_of_vmalert(peers, work, run):
    store, port = victoria(peers, f"{work}/victoria"), free_port()
    os.makedirs(f"{work}/vmalert", exist_ok=True)
    with open(f"{work}/vmalert/rules.yml", "w") as file:
        file.write(rules_of_prometheus())
    url = f"http://127.0.0.1:{store.port}"
    command = [
        os.path.join(peers, "vmalert"), f"-rule={work}/vmalert/rules.yml", f"-datasource.url={url}", f"-remoteWrite.url={url}",
        "-notifier.blackhole", f"-httpListenAddr=127.0.0.1:{port}", "-evaluationInterval=1m",
    ]
    alerting = Server(f"{work}/vmalert", command, port, "/health")
    run(
        "VictoriaMetrics + vmalert", [store, alerting], lambda: total(alerting.get("/metrics"), "vmalert_execution_total"),
        lambda: total(alerting.get("/metrics"), "vmalert_iteration_missed_total"),
    )


def render(program, peers, work):
    now_s = int(time.time()) // 60 * 60
    samples = [(f"app.s{n}.rate", 100 + n + at % 97, now_s - WEEK_S + at * 60) for n in range(N_DRAWN) for at in range(WEEK_S // 60)]
    lines = "".join(f"{name} {value} {time_s}\n" for name, value, time_s in samples).encode()
    path = "/render?target=app.*.rate&from=-7d&until=now&format=json&maxDataPoints=20000"

    def fill(port):
        with socket.create_connection(("127.0.0.1", port)) as it:
            it.sendall(lines)
        time.sleep(20)

    def draw(name, server, others=()):
        seen = server.get(path)
        n_points = sum(len(series["datapoints"]) for series in json.loads(seen))
        servers = [server, *others]
        before, begun = sum(it.cpu_s() for it in servers), time.monotonic()
        for _ in range(N_DRAWINGS):
            server.get(path)
        wall_s = time.monotonic() - begun
        cpu_s = sum(it.cpu_s() for it in servers) - before
        told("render", name, cpu_ms=1000 * cpu_s / N_DRAWINGS, wall_ms=1000 * wall_s / N_DRAWINGS, points=n_points, MB=len(seen) / 1e6)
        for it in servers:
            it.stop()

    carbon = free_port()
    ours = lanner(program, f"{work}/lanner", "--carbon", f"127.0.0.1:{carbon}")
    fill(carbon)
    draw("Lanner", ours)
    if not is_built("render", peers, "carbonapi + VictoriaMetrics", "victoria-metrics", "carbonapi"):
        return
    carbon = free_port()
    store = victoria(peers, f"{work}/victoria", f"-graphiteListenAddr=127.0.0.1:{carbon}", "-search.maxPointsPerTimeseries=100000")
    fill(carbon)
    port = free_port()
    os.makedirs(f"{work}/carbonapi", exist_ok=True)
    with open(f"{work}/carbonapi/carbonapi.yaml", "w") as config:
        config.write(f"""listeners: [{{ address: "127.0.0.1:{port}" }}]
cache: {{ type: "null" }}
backendCache: {{ type: "null" }}
upstreams:
  timeouts: {{ find: "30s", render: "60s", connect: "1s" }}
  backendsv2:
    backends:
      - {{ groupName: store, protocol: victoriametrics, lbMethod: broadcast, maxTries: 1, maxBatchSize: 0, backendOptions: {{ step: "60" }}, servers: ["http://127.0.0.1:{store.port}"] }}
""")
    command = [os.path.join(peers, "carbonapi"), "-config", f"{work}/carbonapi/carbonapi.yaml"]
    draw("carbonapi + VictoriaMetrics", Server(f"{work}/carbonapi", command, port, "/lb_check"), [store])


def ofrep(program, peers, work):
    def ask(name, server, key, is_on):
        connection = server.connect()

        def once(n):
            body = json.dumps({"context": {"targetingKey": f"u{n}", "bank": f"b{n % (2 * N_FLAGS)}"}})
            return json.loads(post(connection, f"/ofrep/v1/evaluate/flags/{key}{n % N_FLAGS}", body, OF_JSON))
        if not is_on(once(7)) or is_on(once(7 + N_FLAGS)):
            sys.exit(f"{name} answers something else: {once(7)} {once(7 + N_FLAGS)}")
        cpu_s, begun = server.cpu_s(), time.monotonic()
        for n in range(N_ASKED):
            once(n)
        wall_s = time.monotonic() - begun
        told("ofrep", name, answers_per_cpu_s=N_ASKED / (server.cpu_s() - cpu_s), answers_per_s=N_ASKED / wall_s, MB=server.rss_mb())
        server.stop()

    ours = lanner(program, f"{work}/lanner", "--carbon", "off")
    switches = [{"id": f"f{n}", "when": f'bank == "b{n}"'} for n in range(N_FLAGS)]
    post(ours.connect(), "/api/v1/switches", json.dumps({"switches": switches}), OF_JSON)
    ask("Lanner", ours, "f", lambda answer: answer["value"] is True)
    if not is_built("ofrep", peers, "flagd", "flagd"):
        return
    flag = lambda n: {
        "state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off",
        "targeting": {"if": [{"==": [{"var": "bank"}, f"b{n}"]}, "on", "off"]},
    }
    os.makedirs(f"{work}/flagd", exist_ok=True)
    with open(f"{work}/flagd/flags.json", "w") as file:
        json.dump({"flags": {f"f{n}": flag(n) for n in range(N_FLAGS)}}, file)
    port, ports = free_port(), [free_port(), free_port(), free_port()]
    command = [
        os.path.join(peers, "flagd"), "start", "--uri", f"file:{work}/flagd/flags.json", "--ofrep-port", str(port),
        "--port", str(ports[0]), "--management-port", str(ports[1]), "--sync-port", str(ports[2]),
    ]
    managed = Server(f"{work}/flagd", command, ports[1], "/readyz")
    managed.port = port
    ask("flagd", managed, "f", lambda answer: answer["value"] is True)


SECTIONS = {"ingest": ingest, "rules": rules, "render": render, "ofrep": ofrep}


def main(arguments):
    if arguments[:1] == ["build"] and len(arguments) == 2:
        return build(arguments[1])
    if arguments[:1] != ["run"] or len(arguments) < 3 or not set(arguments[3:]) <= set(SECTIONS):
        sys.exit(__doc__)
    program, peers = (os.path.abspath(path) for path in arguments[1:3])
    os.sched_setaffinity(0, set(range(1, os.cpu_count() or 2)) or {0})
    for name in arguments[3:] or SECTIONS:
        work = tempfile.mkdtemp(prefix="lanner-servers-")
        SECTIONS[name](program, peers, work)
        shutil.rmtree(work)


main(sys.argv[1:])
