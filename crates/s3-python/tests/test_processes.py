"""Forks, threads, signals and the end of the interpreter."""

import asyncio
import concurrent.futures
import contextlib
import copy
import io
import multiprocessing
import os
import pickle
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import textwrap
import threading
import time

import boto3
import pytest

from mfs3 import S3, _native
from mfs3.fsspec import S3FileSystem


def _read(url):
    with S3() as s3:
        return s3.get(url).text, s3.get_many([url])[0]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_child_processes_read_and_send_results_back(root, method):
    with S3(s3root=root) as s3:
        url = s3.put("k", "v")
        context = multiprocessing.get_context(method)
        with concurrent.futures.ProcessPoolExecutor(3, mp_context=context) as pool:
            for text, found in pool.map(_read, [url] * 9):
                assert (text, found.text) == ("v", "v")


_kept = []


def _leave_files(url, pickled, folder):
    """Asks for files and closes nothing."""
    tempfile.tempdir = folder
    s3 = S3(tmproot=folder)
    one = s3.get(url)
    _kept.append((s3, one, pickle.loads(pickled)))
    return [os.path.exists(path) for path in (one.path, _kept[-1][2].path)]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_child_processes_leave_no_files(root, tmp_path, method):
    folder = tmp_path / "files"
    folder.mkdir()
    with S3(s3root=root) as s3:
        url = s3.put("k", "v")
        pickled = pickle.dumps(s3.get("k"))
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        arguments = [(url, pickled, str(folder))] * 4
        assert pool.starmap(_leave_files, arguments) == [[True, True]] * 4
        assert os.listdir(folder) != []
        pool.close()
        pool.join()
    assert os.listdir(folder) == []


@pytest.mark.timeout(600)
def test_a_client_works_on_both_sides_of_a_thousand_forks_under_load(root, tmp_path):
    with S3(s3root=root) as s3:
        s3.put("k", "v" * 1000)
        stop = threading.Event()

        def work():
            while not stop.is_set():
                s3.get_many(["k"] * 3)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(1000):
                child = os.fork()
                if child == 0:
                    status = 1
                    try:
                        status = 0 if s3.get("k").size == 1000 else 2
                    finally:
                        os._exit(status)
                deadline = time.monotonic() + 20
                while True:
                    done, status = os.waitpid(child, os.WNOHANG)
                    if done:
                        assert status == 0
                        break
                    if time.monotonic() > deadline:
                        os.kill(child, signal.SIGKILL)
                        os.waitpid(child, 0)
                        pytest.fail("the child hangs")
                    time.sleep(0.002)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert os.listdir(tmp_path) == []


@pytest.mark.timeout(600)
def test_forks_leave_no_files_of_large_objects(root, tmp_path):
    """Objects over 8 MiB are in files: those of the parent stay until it closes, and children remove their own."""
    with S3(s3root=root) as s3:
        s3.put("k", bytes(9 << 20))
        kept = s3.get("k").path
        stop = threading.Event()

        def work():
            while not stop.is_set():
                with S3(s3root=root) as other:
                    assert os.path.getsize(other.get("k").path) == 9 << 20

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(20):
                child = os.fork()
                if child == 0:
                    status = 1
                    try:
                        with S3(s3root=root) as own:
                            paths = [own.get("k").path, s3.get("k").path, *(one.path for one in own.get_many(["k"]))]
                            sizes = [os.path.getsize(path) for path in paths]
                        s3.close()
                        left = [path for path in paths if os.path.exists(path)]
                        status = 0 if (sizes, left) == ([9 << 20] * 3, []) and os.path.exists(kept) else 2
                    finally:
                        os._exit(status)
                assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
                assert os.path.getsize(kept) == 9 << 20
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert os.listdir(tmp_path) == []


def test_threads_share_a_client(root):
    with S3(s3root=root) as s3:
        s3.put_many([(str(n), str(n)) for n in range(50)])
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            texts = pool.map(lambda n: s3.get(str(n)).text, range(50))
            assert list(texts) == [str(n) for n in range(50)]


def test_threads_of_a_forked_child_make_one_native_client(root, monkeypatch):
    made = []
    make = _native.Client

    def slow(*arguments, **options):
        time.sleep(0.2)
        made.append(make(*arguments, **options))
        return made[-1]

    with S3(s3root=root) as s3:
        s3.put("k", "v")
        monkeypatch.setattr(_native, "Client", slow)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                with concurrent.futures.ThreadPoolExecutor(8) as pool:
                    texts = list(pool.map(lambda _: s3.get("k").text, range(8)))
                status = 0 if (texts, len(made)) == (["v"] * 8, 1) else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_fork_while_another_thread_makes_a_client(root, monkeypatch):
    """The child does not wait for a lock of that thread."""
    make, making, forked = _native.Client, threading.Event(), threading.Event()

    def slow(*arguments, **options):
        making.set()
        assert forked.wait(20)
        return make(*arguments, **options)

    with S3(s3root=root) as s3:
        s3.put("k", "v")
        s3._native = None
        monkeypatch.setattr(_native, "Client", slow)
        thread = threading.Thread(target=s3.get, args=("k",))
        thread.start()
        assert making.wait(20)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                signal.alarm(20)
                _native.Client = make
                status = 0 if s3.get("k").text == "v" else 2
            finally:
                os._exit(status)
        forked.set()
        thread.join()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _read_with(s3):
    return s3.get("k").text


def test_a_client_is_sent_to_other_processes(root, tmp_path):
    from mfs3 import AsyncS3

    with S3(s3root=root) as s3:
        s3.put("k", "v")
        context = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
            assert pool.submit(_read_with, s3).result() == "v"
        pickled = pickle.dumps(s3)
        assert copy.deepcopy(s3).get("k").text == copy.copy(s3).get("k").text == "v"
    again = pickle.loads(pickled)
    assert again.get("k").text == "v" and again._s3root == root
    again.close()

    async def read(client):
        async with client:
            return (await client.get("k")).text

    assert asyncio.run(read(pickle.loads(pickle.dumps(AsyncS3(s3root=root))))) == "v"


class Silent:
    """A server that accepts connections and never responds."""

    def __enter__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(16)
        return "http://127.0.0.1:%d" % self.socket.getsockname()[1]

    def __exit__(self, *args):
        self.socket.close()


class Stalling:
    """A server that responds to each read with the start of a large object, and with nothing more."""

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()
        return "http://127.0.0.1:%d" % self._listener.getsockname()[1]

    def __exit__(self, *_):
        for one in (self._listener, *self._open):
            one.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                self._open.append(self._listener.accept()[0])
                threading.Thread(target=self._serve, args=(self._open[-1],), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError):
            while head := connection.recv(1 << 16):
                headers = b'ETag: "e"\r\nLast-Modified: Mon, 30 Nov 2026 12:00:00 GMT\r\nContent-Length: %d\r\n'
                status = b"200 OK"
                length = size = 1 << 30
                if asked := re.search(rb"(?i)\r\nrange: bytes=(\d+)-(\d*)", head):
                    first, last = int(asked[1]), min(int(asked[2] or size), size - 1)
                    status, length = b"206 Partial Content", last + 1 - first
                    headers += b"Content-Range: bytes %d-%d/%d\r\n" % (first, last, size)
                connection.sendall(b"HTTP/1.1 %s\r\n%s\r\n" % (status, headers % length))
                if not head.startswith(b"HEAD"):
                    connection.sendall(bytes(1000))


class SlowStream(io.RawIOBase):
    """A stream that takes long to return its bytes."""

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, *_):
        return 0

    def read(self, size=-1):
        time.sleep(2)
        return b"x"


def _read_on(file):
    # The first bytes are there.
    return lambda: file.read(100 << 20)


#: For each call: its server, and a function that prepares it for a client and a file system.
INTERRUPTED = {
    "get": (Silent, lambda s3, fs: lambda: s3.get("s3://b/k")),
    "get_many": (Silent, lambda s3, fs: lambda: s3.get_many(["s3://b/k", "s3://b/l"])),
    "get that stalls": (Stalling, lambda s3, fs: lambda: s3.get("s3://b/k")),
    "list_paths": (Silent, lambda s3, fs: lambda: s3.list_paths(["s3://b/k"])),
    "put": (Silent, lambda s3, fs: lambda: s3.put("s3://b/k", "v")),
    "put of a slow stream": (Silent, lambda s3, fs: lambda: s3.put("s3://b/k", SlowStream())),
    "put_many": (Silent, lambda s3, fs: lambda: s3.put_many([("s3://b/k", "v"), ("s3://b/l", "v")])),
    "open": (Silent, lambda s3, fs: lambda: s3.open("s3://b/k")),
    "read": (Stalling, lambda s3, fs: _read_on(s3.open("s3://b/k"))),
    "close of a writer": (Silent, lambda s3, fs: s3.open("s3://b/k", "wb").close),
    "fsspec info": (Silent, lambda s3, fs: lambda: fs.info("b/k")),
    "fsspec pipe": (Silent, lambda s3, fs: lambda: fs.pipe("b/k", b"v")),
    "fsspec read": (Stalling, lambda s3, fs: _read_on(fs.open("b/k"))),
    "fsspec find": (Silent, lambda s3, fs: lambda: fs.find("b/k")),
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGALRM])
@pytest.mark.parametrize("name", INTERRUPTED)
def test_a_signal_ends_a_call(root, monkeypatch, number, name):
    class Woken(Exception):
        pass

    def wake(*_):
        raise Woken

    def send():
        time.sleep(0.2)
        sent.append(time.monotonic())
        os.kill(os.getpid(), number)

    server, prepare = INTERRUPTED[name]
    sent, waited = [], []
    # Ctrl-C has its handler.
    expected = KeyboardInterrupt if number == signal.SIGINT else Woken
    previous = signal.signal(number, signal.default_int_handler if number == signal.SIGINT else wake)
    try:
        with server() as endpoint:
            monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
            with S3() as s3:
                for _ in range(5):
                    call = prepare(s3, S3FileSystem(skip_instance_cache=True))
                    thread = threading.Thread(target=send)
                    thread.start()
                    with pytest.raises(expected):
                        call()
                    waited.append(time.monotonic() - sent[-1])
                    thread.join()
    finally:
        signal.signal(number, previous)
    assert statistics.median(waited) < 0.1, waited


def test_a_call_goes_on_only_in_the_parent_if_a_handler_forks(root, monkeypatch, tmp_path):
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    children = []

    def fork(number, frame):
        children.append(os.fork())

    before = signal.signal(signal.SIGALRM, fork)
    released = threading.Event()

    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            released.wait(10)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"e\"\r\n\r\nhi")

    server = threading.Thread(target=serve)
    server.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    parent = os.getpid()
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    threading.Timer(0.8, released.set).start()
    try:
        with S3() as s3:
            text = s3.get("s3://bucket/k").text
            assert os.getpid() == parent
            assert text == "hi"
    except RuntimeError as error:
        if os.getpid() != parent:
            os._exit(7 if "forked" in str(error) else 1)
        raise
    finally:
        if os.getpid() != parent:
            os._exit(2)
        signal.signal(signal.SIGALRM, before)
    server.join()
    assert len(children) == 1
    _, status = os.waitpid(children[0], 0)
    assert os.waitstatus_to_exitcode(status) == 7


def test_an_interpreter_ends_while_calls_run(root, tmp_path):
    with S3(s3root=root) as s3:
        s3.put("k", os.urandom(30 << 20))
    program = textwrap.dedent(
        """
        import sys, threading, time
        from mfs3 import S3
        s3 = S3(s3root=sys.argv[1])
        s3.get("k").path
        def work():
            while True:
                s3.get("k")
        for _ in range(3):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.5)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program, root], cwd=tmp_path, timeout=60, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path) == []


def test_an_interpreter_ends_while_uploads_and_async_calls_run(root, tmp_path):
    program = textwrap.dedent(
        """
        import asyncio, io, os, sys, threading, time
        import mfs3
        from mfs3.fsspec import S3FileSystem
        s3 = mfs3.S3(s3root=sys.argv[1])
        data = os.urandom(20 << 20)
        def upload():
            while True:
                s3.put_many([(str(n), data) for n in range(4)])
        def ask():
            async def forever():
                async with mfs3.AsyncS3(s3root=sys.argv[1]) as client:
                    while True:
                        await asyncio.gather(*(client.info(str(n), return_missing=True) for n in range(50)))
            asyncio.run(forever())
        class Endless(io.RawIOBase):
            def readable(self):
                return True
            def seekable(self):
                return True
            def seek(self, offset, whence=0):
                return 0
            def read(self, size=-1):
                time.sleep(0.001)
                return data[:size]
        def stream():
            s3.put("stream", Endless())
        for work in (upload, ask, stream):
            threading.Thread(target=work, daemon=True).start()
        file = S3FileSystem().open(sys.argv[1] + "/open", "wb")
        file.write(data)
        time.sleep(1)
        os._exit(0) if sys.argv[2] == "at once" else None
        """
    )
    for how in ("in order", "at once"):
        done = subprocess.run(
            [sys.executable, "-c", program, root, how], cwd=tmp_path, timeout=60, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert "Fatal" not in done.stderr and "panicked" not in done.stderr, done.stderr
    assert os.listdir(tmp_path) == []


def test_a_generator_of_a_gibibyte_takes_a_part_of_that_memory(root, tmp_path):
    program = textwrap.dedent(
        r"""
        import re, sys
        import mfs3

        def objects():
            for number in range(1024):
                # A few keys: the server of the test keeps them in memory.
                yield "k%d" % (number % 8), b"x" * (1 << 20)

        with mfs3.S3(s3root=sys.argv[1]) as s3:
            assert len(s3.put_many(objects())) == 1024
        # Not ru_maxrss, which begins with the memory of the process that has started this one.
        with open("/proc/self/status") as file:
            print(int(re.search(r"VmHWM:\s*(\d+) kB", file.read())[1]) >> 10)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program, root], cwd=tmp_path, timeout=240, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 400


class SlowDeletes:
    """A proxy that passes a DELETE on after half a second, if its client still waits for the response."""

    def __init__(self, endpoint):
        host, port = endpoint.removeprefix("http://").split(":")
        self._server = host, int(port)

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        return "http://127.0.0.1:%d" % self._listener.getsockname()[1]

    def __exit__(self, *args):
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, server = self._listener.accept()[0], socket.create_connection(self._server)
                threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(server, client), daemon=True).start()

    def _pass_on(self, source, target):
        with contextlib.suppress(OSError), source, target:
            while data := source.recv(1 << 20):
                if data.startswith(b"DELETE"):
                    source.settimeout(0.5)
                    with contextlib.suppress(TimeoutError):
                        # Nothing arrives but the end.
                        return source.recv(1)
                    source.settimeout(None)
                target.sendall(data)


@pytest.mark.parametrize("kind", ["class", "fsspec"])
def test_an_interpreter_ends_without_leaving_uploads(root, server, tmp_path, kind):
    program = textwrap.dedent(
        """
        import sys
        import mfs3
        from mfs3.fsspec import S3FileSystem
        opened = mfs3.S3() if sys.argv[2] == "class" else S3FileSystem()
        files = [opened.open(sys.argv[1] + "/%d" % number, "wb") for number in range(8)]
        for file in files:
            file.write(bytes(20 << 20))
        print("written", flush=True)
        input()
        if sys.argv[2] == "fsspec":
            for file in files:
                file.discard()
        """
    )
    bucket, prefix = root[len("s3://") :].split("/", 1)
    client = boto3.client("s3", endpoint_url=server)

    def uploads():
        return client.list_multipart_uploads(Bucket=bucket, Prefix=prefix).get("Uploads", [])

    with (
        SlowDeletes(server) as endpoint,
        subprocess.Popen(
            [sys.executable, "-c", program, root, kind],
            cwd=tmp_path,
            env=os.environ | {"AWS_ENDPOINT_URL": endpoint},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdout.readline() == "written\n"
        deadline = time.monotonic() + 60
        while len(uploads()) < 8:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        _, errors = process.communicate("\n", 60)
    assert (process.returncode, errors, uploads()) == (0, "", [])
    with S3(s3root=root) as s3:
        assert s3.list_recursive() == []


def test_parallel_map_of_metaflow(root):
    from metaflow import parallel_map

    with S3(s3root=root) as s3:
        url = s3.put("k", "v")
        assert s3.get("k").text == "v"
        results = parallel_map(lambda n: (n, s3.get("k").text, _read(url)[0]), range(20), max_parallel=4)
        assert results == [(n, "v", "v") for n in range(20)]


@contextlib.contextmanager
def _server_of_its_own(monkeypatch):
    """Starts a server that a test may stop, and sets the environment to it."""
    process = subprocess.Popen([os.environ["MFS3_TEST_SERVER"]], stdout=subprocess.PIPE, text=True)
    try:
        for word in process.stdout.readline().split():
            name, _, value = word.partition("=")
            if value:
                monkeypatch.setenv(name, value)
        yield process
    finally:
        process.kill()
        process.wait()


def _uploads():
    found = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"]).list_multipart_uploads(Bucket="demo")
    return found.get("Uploads", [])


def test_close_waits_for_the_abort_of_an_upload_that_was_cancelled_just_before(root, monkeypatch):
    with _server_of_its_own(monkeypatch) as server:
        for _ in range(5):
            s3 = S3(s3root=root)
            file = s3.open("k", "wb")
            file.write(bytes(20 << 20))
            while not _uploads():
                time.sleep(0.01)
            server.send_signal(signal.SIGSTOP)
            goes_on = threading.Timer(1, server.send_signal, [signal.SIGCONT])
            goes_on.start()
            file.abort()
            began = time.monotonic()
            s3.close()
            waited = time.monotonic() - began
            goes_on.join()
            assert waited > 0.5
            assert _uploads() == []


def test_each_thread_that_closes_waits_for_uploads_that_were_cancelled_at_their_end(root, monkeypatch):
    """A signal while a file is closed cancels the call that waits, and that drops the upload."""

    def interrupt(_signal, _frame):
        raise KeyboardInterrupt

    with _server_of_its_own(monkeypatch) as server:
        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            for _ in range(5):
                s3 = S3(s3root=root)
                other = S3(s3root=root)
                other.put("other", "v")
                file = s3.open("k", "wb")
                file.write(bytes(20 << 20))
                while not _uploads():
                    time.sleep(0.01)
                server.send_signal(signal.SIGSTOP)
                goes_on = threading.Timer(1, server.send_signal, [signal.SIGCONT])
                goes_on.start()
                signal.setitimer(signal.ITIMER_REAL, 0.1)
                with pytest.raises(KeyboardInterrupt):
                    file.close()
                thread = threading.Thread(target=other.close)
                thread.start()
                began = time.monotonic()
                s3.close()
                waited = time.monotonic() - began
                thread.join()
                goes_on.join()
                assert waited > 0.5 and _uploads() == []
        finally:
            signal.signal(signal.SIGALRM, before)


@pytest.mark.timeout(120)
def test_clients_that_are_open_at_exit_wait_together_for_a_server_that_does_not_respond(root, monkeypatch):
    program = """
        import os, signal
        from mfs3 import S3

        clients = [S3(s3root=%r) for _ in range(4)]
        files = [client.open("k%%d" %% number, "wb") for number, client in enumerate(clients)]
        for file in files:
            file.write(bytes(20 << 20))
        os.kill(%d, signal.SIGSTOP)
    """
    with _server_of_its_own(monkeypatch) as server:
        began = time.monotonic()
        program = textwrap.dedent(program) % (root, server.pid)
        subprocess.run([sys.executable, "-c", program], check=True)
        # Each wait takes up to 10 s.
        assert 5 < time.monotonic() - began < 19
