"""Measures this package next to Metaflow's own client, s3fs and obstore.

    cargo build --release -p s3-bench
    cargo xtask python --wheel
    python -m venv venv && venv/bin/pip install metaflow boto3 s3fs obstore target/python/dist/*.whl
    venv/bin/python crates/s3-python/bench/compare.py --origin target/release/s3-bench

The flow needs a server that keeps metadata: that of the installed tool. Each run is a process of its own on the first
core, and the server is on the second; clients take turns. Time is that of the call, without start and imports; CPU time is
of the process and its children, and peak memory of the process alone.
"""

import argparse
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import time

GIB = 1 << 30
PIECE = 16 << 20
SMALL = ["small/%06d" % n for n in range(1000)]
LISTED = 20_000

#: A loop over a connection, without a client.
SOCKET = "a loop over a socket"
METAFLOW = ("mfs3", "metaflow")
FSSPEC = ("mfs3", "s3fs", "obstore")


# -- Metaflow's class


def _s3(client, bucket):
    from metaflow import S3

    if (S3.__module__ == "mfs3.s3") != (client == "mfs3"):
        raise SystemExit("S3 of Metaflow is %s, not that of %s" % (S3.__module__, client))
    return S3(s3root="s3://" + bucket, tmproot=os.environ["BENCH_FOLDER"])


def get_many(client):
    s3 = _s3(client, "bench")
    yield
    assert sum(found.size for found in s3.get_many(SMALL)) == 1000 * 4096


def put_many(client):
    s3 = _s3(client, "sink")
    values = [(key, os.urandom(4096)) for key in SMALL]
    yield
    assert len(s3.put_many(values)) == 1000


def list_recursive(client):
    s3 = _s3(client, "list-%d-64" % LISTED)
    yield
    assert len(s3.list_recursive()) == LISTED


def single_gets(client):
    if client == SOCKET:
        yield from _gets_by_socket()
        return
    s3 = _s3(client, "bench")
    yield
    for key in SMALL[:100]:
        assert s3.get(key).size == 4096


def _gets_by_socket():
    """The least that 100 requests one after the other can take here: no client, no file, no check."""
    host, port = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    yield
    for key in SMALL[:100]:
        connection.sendall(b"GET /bench/%s HTTP/1.1\r\nHost: bench\r\n\r\n" % key.encode())
        response = connection.recv(1 << 16)
        head = response.index(b"\r\n\r\n") + 4
        while len(response) < head + 4096:
            response += connection.recv(1 << 16)


def get_one_gib(client):
    s3 = _s3(client, "bench")
    yield
    assert os.path.getsize(s3.get("big/1024m").path) == GIB


FLOW = """
    from metaflow import FlowSpec, S3, step

    class BenchFlow(FlowSpec):
        @step
        def start(self):
            for number in range(50):
                setattr(self, "artifact%d" % number, number.to_bytes(2, "big") * 5000)
            with S3(run=self) as s3:
                s3.put_many([(str(n), str(n)) for n in range(200)])
            self.parts = list(range(3))
            self.next(self.part, foreach="parts")

        @step
        def part(self):
            with S3(run=self) as s3:
                assert len(s3.get_many([str(n) for n in range(200)])) == 200
            self.done = self.input
            self.next(self.join)

        @step
        def join(self, inputs):
            assert [one.done for one in inputs] == [0, 1, 2]
            self.merge_artifacts(inputs, exclude=["done"])
            self.next(self.end)

        @step
        def end(self):
            assert all(len(getattr(self, "artifact%d" % n)) == 10_000 for n in range(50))

    if __name__ == "__main__":
        BenchFlow()
"""


def flow(client):
    folder = os.environ["BENCH_FOLDER"]
    path = os.path.join(folder, "flow.py")
    with open(path, "w") as file:
        file.write(textwrap.dedent(FLOW))
    environment = os.environ | {
        "METAFLOW_DEFAULT_DATASTORE": "s3",
        "METAFLOW_DEFAULT_METADATA": "local",
        "METAFLOW_DATASTORE_SYSROOT_S3": "s3://demo/bench-%s-%d" % (client, os.getpid()),
    }
    yield
    subprocess.run([sys.executable, path, "run"], env=environment, cwd=folder, check=True, stdout=subprocess.DEVNULL)


# -- fsspec


def _fs(client):
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    if client == "mfs3":
        from mfs3.fsspec import S3FileSystem

        return S3FileSystem(endpoint_url=endpoint)
    if client == "s3fs":
        import s3fs

        return s3fs.S3FileSystem(endpoint_url=endpoint)
    from obstore.fsspec import FsspecStore

    return FsspecStore("s3", config={"aws_endpoint": endpoint}, client_options={"allow_http": True})


def cat(client):
    fs = _fs(client)
    paths = ["bench/" + key for key in SMALL]
    yield
    assert sum(map(len, fs.cat(paths).values())) == 1000 * 4096


def glob(client):
    fs = _fs(client)
    yield
    assert len(fs.glob("list-%d-64/*/*.parquet" % LISTED)) == LISTED


def read_one_gib(client):
    fs = _fs(client)
    yield
    read = 0
    with fs.open("bench/big/1024m", "rb") as file:
        while piece := file.read(PIECE):
            read += len(piece)
    assert read == GIB


def cat_one_gib(client):
    fs = _fs(client)
    yield
    assert len(fs.cat_file("bench/big/1024m")) == GIB


def write_one_gib(client):
    fs = _fs(client)
    piece = os.urandom(PIECE)
    yield
    with fs.open("sink/one", "wb") as file:
        for _ in range(GIB // PIECE):
            file.write(piece)


WORKLOADS = {
    "`get_many` of 1,000 objects of 4 KiB": (get_many, METAFLOW),
    "`put_many` of 1,000 objects of 4 KiB": (put_many, METAFLOW),
    "`list_recursive` of 20,000 objects": (list_recursive, METAFLOW),
    "100 times `get`, 4 KiB": (single_gets, (*METAFLOW, SOCKET)),
    "`get` of 1 GiB to a file": (get_one_gib, METAFLOW),
    "a flow with 50 artifacts and a foreach of 3": (flow, METAFLOW),
    "`cat` of 1,000 files of 4 KiB": (cat, FSSPEC),
    "`glob` of 20,000 files": (glob, FSSPEC),
    "`open` and `read` of 1 GiB in pieces of 16 MiB": (read_one_gib, FSSPEC),
    "`cat_file` of 1 GiB": (cat_one_gib, FSSPEC),
    "`open` and `write` of 1 GiB in pieces of 16 MiB": (write_one_gib, FSSPEC),
}


def cpu_seconds():
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def run_one(name, client):
    """The measured process: everything up to `yield` is preparation."""
    os.sched_setaffinity(0, {0})
    [function] = [function for function, _ in WORKLOADS.values() if function.__name__ == name]
    steps = function(client)
    next(steps)
    wall, cpu = time.perf_counter(), cpu_seconds()
    next(steps, None)
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"wall": wall, "cpu": cpu, "peak_mib": peak >> 10}), flush=True)


def measure(name, client, endpoints, folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    environment = os.environ | endpoints["flow" if name == "flow" else "origin"] | {
        "BENCH_FOLDER": folder,
        "METAFLOW_USER": "bench",
        "METAFLOW_S3_NATIVE": "0" if client == "metaflow" else "1",
        "METAFLOW_HOME": folder,
    }
    environment["METAFLOW_S3_ENDPOINT_URL"] = environment["AWS_ENDPOINT_URL"]
    environment["AWS_DEFAULT_REGION"] = environment["AWS_REGION"]
    done = subprocess.run(
        [sys.executable, __file__, "--one", name, client], env=environment, capture_output=True, text=True, timeout=600
    )
    if done.returncode != 0:
        raise SystemExit("%s with %s:\n%s%s" % (name, client, done.stdout, done.stderr))
    return json.loads(done.stdout.splitlines()[-1])


def report(runs):
    # Other load slows runs down and never speeds them up.
    least = {key: {of: min(run[of] for run in found) for of in found[0]} for key, found in runs.items()}
    rows = ["| | client | seconds | CPU seconds | peak MiB | times the seconds of mfs3 | times its CPU |", "|---|---|---|---|---|---|---|"]
    for title, (function, clients) in WORKLOADS.items():
        base = least.get((function.__name__, "mfs3"))
        for client in clients:
            found = least.get((function.__name__, client))
            if found is None or base is None:
                continue
            rows.append(
                "| %s | %s | %.3f | %.3f | %d | %.1f | %.1f |"
                % (
                    title if client == "mfs3" else "",
                    client,
                    found["wall"],
                    found["cpu"],
                    found["peak_mib"],
                    found["wall"] / base["wall"],
                    found["cpu"] / max(base["cpu"], 1e-4),
                )
            )
    return "\n".join(rows)


def start(command, core):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    return process, process.stdout.readline()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--origin", help="the program s3-bench")
    parser.add_argument("--folder", default="/dev/shm", help="where downloads go")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", metavar="WORKLOAD")
    parser.add_argument("--json", help="append each run to this file")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        return run_one(*arguments.one)
    if not arguments.origin:
        parser.error("--origin is missing")
    core = max(os.sched_getaffinity(0))
    processes, endpoints = [], {}
    try:
        process, line = start([arguments.origin, "origin"], core)
        processes.append(process)
        keys = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_REGION": "us-east-1"}
        endpoints["origin"] = {"AWS_ENDPOINT_URL": line.strip(), **keys}
        process, line = start([os.path.join(os.path.dirname(sys.executable), "mfs3"), "serve"], core)
        processes.append(process)
        endpoints["flow"] = dict(word.split("=", 1) for word in line.split() if "=" in word)
        runs = {}
        with tempfile.TemporaryDirectory(dir=arguments.folder) as parent:
            for number in range(arguments.rounds):
                for function, clients in WORKLOADS.values():
                    name = function.__name__
                    if arguments.only and name not in arguments.only:
                        continue
                    for client in clients:
                        found = measure(name, client, endpoints, os.path.join(parent, "files"))
                        runs.setdefault((name, client), []).append(found)
                        line = json.dumps({"round": number, "workload": name, "client": client, **found})
                        print(line, file=sys.stderr, flush=True)
                        if arguments.json:
                            with open(arguments.json, "a") as file:
                                file.write(line + "\n")
        print(report(runs))
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
