"""How many requests a call of the file system sends: a proxy counts them."""

import collections
import contextlib
import re
import socket
import threading

import pytest

import mfs3.fsspec
from mfs3.fsspec import S3FileSystem


class Counter:
    """A proxy that counts requests by their kind."""

    def __init__(self, endpoint):
        host, port = endpoint.removeprefix("http://").rstrip("/").split(":")
        self._server = host, int(port)
        self._counts = collections.Counter()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def take(self):
        """The counts since the last time."""
        counts, self._counts = self._counts, collections.Counter()
        return dict(counts)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, server = self._listener.accept()[0], socket.create_connection(self._server)
                threading.Thread(target=self._count, args=(client, server), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(server, client), daemon=True).start()

    def _pass_on(self, source, target):
        with contextlib.suppress(OSError), target:
            while data := source.recv(1 << 20):
                target.sendall(data)

    def _count(self, source, target):
        rest = b""
        with contextlib.suppress(OSError), target:
            while data := source.recv(1 << 20):
                rest += data
                end = 0
                for found in re.finditer(rb"(GET|HEAD|PUT|POST|DELETE) (/\S*) HTTP/1.1\r\n(.*?)\r\n\r\n", rest, re.DOTALL):
                    self._counts[self._kind(*found.groups())] += 1
                    end = found.end()
                rest = rest[end:]
                target.sendall(data)

    @staticmethod
    def _kind(method, path, headers):
        if method == b"GET" and b"list-type" in path:
            return "LIST"
        if method == b"POST" and b"delete" in path:
            return "DELETES"
        if b"x-amz-copy-source" in headers.lower():
            return "COPY"
        return method.decode()


@pytest.fixture
def counted(server):
    counter = Counter(server)
    yield S3FileSystem(endpoint_url=counter.url, skip_instance_cache=True), counter
    counter.close()


FILES = 100


@pytest.fixture
def directory(root):
    """A directory with files, of which the counter knows nothing."""
    S3FileSystem().pipe({root + "/d/%03d" % number: b"12" for number in range(FILES)})
    return root + "/d"


def test_many_files_are_looked_at_removed_and_added_up_in_few_requests(counted, directory):
    fs, counter = counted
    paths = [directory + "/%03d" % number for number in range(FILES)]
    assert fs.du(directory) == 2 * FILES and counter.take() == {"LIST": 1}
    assert fs.sizes(paths) == [2] * FILES and counter.take() == {"HEAD": FILES}
    fs.rm(paths[:50])
    assert counter.take() == {"HEAD": 50, "DELETES": 1}
    fs.rm(directory + "/*")
    assert counter.take() == {"LIST": 1, "DELETES": 1}
    assert fs.find(directory) == []


def test_a_tree_is_removed_in_few_requests(counted, directory):
    fs, counter = counted
    fs.rm(directory, recursive=True)
    assert counter.take() == {"LIST": 1, "HEAD": 1, "DELETES": 1}
    assert not fs.exists(directory)


def test_trees_are_moved_in_one_request_per_file(counted, directory, root, tmp_path):
    fs, counter = counted
    local = str(tmp_path / "local")
    fs.get(directory, local, recursive=True)
    assert counter.take() == {"LIST": 1, "GET": FILES}
    fs.get(directory + "/*", str(tmp_path) + "/other/")
    assert counter.take() == {"LIST": 1, "GET": FILES}
    fs.get(directory + "/000", str(tmp_path / "one"))
    assert counter.take() == {"HEAD": 1, "GET": 1}
    fs.get_file(directory + "/000", str(tmp_path / "one"))
    assert counter.take() == {"GET": 1}
    fs.put(local, root + "/e/", recursive=True)
    # The last is for the bucket of a directory.
    assert counter.take() == {"PUT": FILES, "LIST": 1}
    fs.copy(directory + "/*", root + "/f/")
    assert counter.take() == {"LIST": 1, "COPY": FILES}
    fs.copy(directory, root + "/g/", recursive=True)
    # Each directory may have a marker.
    assert counter.take() == {"LIST": 2, "HEAD": 1, "COPY": FILES}
    fs.cp_file(directory + "/000", root + "/copy")
    assert counter.take() == {"COPY": 1}
    fs.mv(directory, root + "/h/", recursive=True)
    assert counter.take() == {"LIST": 2, "HEAD": 1, "COPY": FILES, "DELETES": 1}
    assert len(fs.find(root)) == 4 * FILES + 1


def test_what_is_asked_about_one_file_is_one_request(counted, directory):
    fs, counter = counted
    for call, count in (
        (lambda: fs.info(directory + "/000"), {"HEAD": 1}),
        (lambda: fs.exists(directory + "/000"), {"HEAD": 1}),
        (lambda: fs.isfile(directory + "/000"), {"HEAD": 1}),
        (lambda: fs.isdir(directory), {"LIST": 1}),
        (lambda: fs.ls(directory), {"LIST": 1}),
        (lambda: fs.cat(directory + "/000"), {"GET": 1}),
        (lambda: fs.cat([directory + "/%03d" % number for number in range(10)]), {"GET": 10}),
        (lambda: fs.pipe(directory + "/000", b"12"), {"PUT": 1}),
        (lambda: fs.open(directory + "/000").read(), {"HEAD": 1, "GET": 1}),
    ):
        call()
        assert counter.take() == count


def test_deep_trees_are_not_listed_for_what_is_near(counted, root, monkeypatch):
    fs, counter = counted
    names = ["%s/%d/%d/%03d" % (root, one, two, three) for one in range(3) for two in range(10) for three in range(100)]
    fs.pipe({name: b"" for name in [*names, root + "/1/_SUCCESS", root + "/2/_FAILED", root + "/1//odd"]})
    path = root[len("s3://") :]
    counter.take()
    assert fs.glob(root + "/*/_SUCCESS") == [path + "/1/_SUCCESS"]
    # Three pages of all, one of the first level, and one below each of three directories.
    assert counter.take() == {"LIST": 3 + 1 + 3}
    assert fs.glob(root + "/[12]/_*") == [path + "/1/_SUCCESS", path + "/2/_FAILED"]
    assert counter.take() == {"LIST": 3 + 1 + 2}
    assert fs.glob(root + "/1/9/09?") == [path + "/1/9/09%d" % number for number in range(10)]
    assert counter.take() == {"LIST": 1}
    assert fs.glob(root + "/0/*/00?") == [path + "/0/%d/00%d" % (two, number) for two in range(10) for number in range(10)]
    assert counter.take() == {"LIST": 1}
    found = fs.find(root, maxdepth=2, withdirs=True)
    directories = [path] + [path + "/%d" % one for one in range(3)]
    directories += [path + "/%d/%d" % (one, two) for one in range(3) for two in range(10)]
    assert found == sorted(directories + [path + "/1/_SUCCESS", path + "/2/_FAILED"])
    assert counter.take() == {"LIST": 3 + 1 + 3}
    assert fs.find(root, maxdepth=3, prefix=None) == sorted(fs.find(root))
    # What a listing of all finds.
    patterns = ["/*/*/000", "/?/*", "/*/[0-4]/0*9", "/1/*", "/*//*", "/*/", "/[!1]/?", "/*/*/", "/*/nothing"]
    by_level = [fs.glob(root + pattern) for pattern in patterns] + [fs.find(root, maxdepth=depth) for depth in (1, 2, 3)]
    monkeypatch.setattr(mfs3.fsspec, "_LISTED_AT_ONCE", 1 << 30)
    flat = [fs.glob(root + pattern) for pattern in patterns] + [fs.find(root, maxdepth=depth) for depth in (1, 2, 3)]
    assert by_level == flat and all(flat[:4])
