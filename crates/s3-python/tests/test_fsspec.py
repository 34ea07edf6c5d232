"""The file system: fsspec's abstract tests, and what users of such file systems suffer from."""

import array
import asyncio
import concurrent.futures
import errno
import gc
import gzip
import os
import pickle
import time
import traceback
import uuid
from random import Random
from types import SimpleNamespace

import pyarrow
import pytest
from fsspec.tests import abstract

import fsspec
import mfs3
import numpy as np
import pandas
from mfs3.fsspec import S3FileSystem


#: The oldest fsspec that the package accepts has fewer tests, and cannot commit a compressed file.
IS_OLDEST = fsspec.__version__.startswith("2024.2.")


class Fixtures(abstract.AbstractFixtures):
    @pytest.fixture
    def fs(self, server):
        return S3FileSystem()

    @pytest.fixture
    def fs_path(self):
        return "demo/%s" % uuid.uuid4().hex

    @pytest.fixture
    def supports_empty_directories(self):
        return False


class TestCopy(abstract.AbstractCopyTests, Fixtures):
    pass


class TestGet(abstract.AbstractGetTests, Fixtures):
    pass


class TestPut(abstract.AbstractPutTests, Fixtures):
    pass


if not IS_OLDEST:

    class TestPipe(abstract.AbstractPipeTests, Fixtures):
        pass

    class TestOpen(abstract.AbstractOpenTests, Fixtures):
        pass


@pytest.fixture
def fs(root):
    return S3FileSystem()


def test_the_protocol_is_chosen_by_entry_point_or_on_request(fs, root):
    mfs3.register("s3")
    fs.pipe(root + "/k", b"v")
    assert isinstance(fsspec.filesystem("s3"), S3FileSystem)
    with fsspec.open(root + "/k") as file:
        assert file.read() == b"v"


def test_reads_and_writes(fs, root):
    data = os.urandom(20 << 20)
    with fs.open(root + "/big", "wb") as file:
        for start in range(0, len(data), 999_983):
            file.write(data[start : start + 999_983])
    assert fs.cat(root + "/big") == data
    assert fs.size(root + "/big") == len(data)
    with fs.open(root + "/big") as file:
        file.seek(-100, 2)
        assert file.read() == data[-100:]
        file.seek(12345)
        assert file.read(10) == data[12345:12355]
    assert fs.cat_file(root + "/big", start=-5) == data[-5:]
    assert fs.cat_file(root + "/big", start=5, end=-5) == data[5:-5]
    got = fs.cat_ranges([root + "/big"] * 3, [0, 10, 1 << 20], [5, 20, (1 << 20) + 7])
    assert got == [data[:5], data[10:20], data[1 << 20 : (1 << 20) + 7]]
    got = fs.cat_ranges([root + "/big", root + "/no"], [0, 0], [5, 5])
    assert got[0] == data[:5] and isinstance(got[1], FileNotFoundError)


def test_many_files_are_read_as_one_is(fs, root, monkeypatch):
    path = fs._strip_protocol(root)
    a, b, missing = (path + name for name in ("/a", "/b", "/missing"))
    fs.pipe({a: b"0123456789", b: b"abcdefghij"})
    for start, end in ((2, 4), (2, None), (None, 4), (0, 0), (3, 2), (-3, None), (2, -2), (20, 30), (None, None)):
        expected = {one: fs.cat_file(one, start, end) for one in (a, b)}
        assert fs.cat([a, b], start=start, end=end) == expected
        assert fs.cat(path + "/?", start=start, end=end) == expected
    assert fs.cat([a, b], start=2, end=4) == {a: b"23", b: b"cd"}

    calls = []
    counted = _Instead(fs._client())
    for name in ("get", "get_many"):
        method = getattr(fs._client(), name)
        setattr(counted, name, lambda *a, name=name, method=method, **k: calls.append(name) or method(*a, **k))
    monkeypatch.setattr(fs, "_client", lambda: counted)
    assert fs.cat([a, missing, b], on_error="omit", start=1, end=3) == {a: b"12", b: b"bc"}
    found = fs.cat([a, missing, b], on_error="return")
    assert (found[a], found[b]) == (b"0123456789", b"abcdefghij")
    assert isinstance(found[missing], FileNotFoundError) and missing in str(found[missing])
    with pytest.raises(FileNotFoundError, match=missing):
        fs.cat([a, missing, b])
    assert calls == ["get_many"] * 3
    found = fs.cat([a, "demo"], on_error="return")
    assert found[a] == b"0123456789" and isinstance(found["demo"], IsADirectoryError)
    found = fs.cat_ranges([a, "demo", ""], [0, 0, 0], [1, 1, 1])
    assert found[0] == b"0" and [type(one) for one in found[1:]] == [IsADirectoryError, FileNotFoundError]
    with pytest.raises(IsADirectoryError):
        fs.cat_ranges([a, "demo"], [0, 0], [1, 1], on_error="raise")


def test_ranges_of_one_file_are_read_in_one_call_of_one_version(fs, root, monkeypatch):
    path = fs._strip_protocol(root)
    big, small, missing = (path + name for name in ("/big", "/small", "/missing"))
    data = os.urandom(3 << 20)
    fs.pipe({big: data, small: b"0123456789"})
    calls = []
    counted = _Instead(fs._client())
    for name in ("get", "get_many", "get_ranges"):
        method = getattr(fs._client(), name)
        setattr(counted, name, lambda *a, name=name, method=method, **k: calls.append((name, a[1:])) or method(*a, **k))
    monkeypatch.setattr(fs, "_client", lambda: counted)

    paths = [big, small, big, big, small, big]
    starts, ends = [2 << 20, 4, 0, 5, None, (3 << 20) - 3], [(2 << 20) + 7, 6, 10, 20, 2, 4 << 20]
    got = fs.cat_ranges(paths, starts, ends)
    assert got == [data[2 << 20 : (2 << 20) + 7], b"45", data[:10], data[5:20], b"01", data[-3:]]
    assert [type(one) for one in got] == [bytes] * 6
    assert calls == [("get_ranges", (1 << 20,))]
    assert fs.cat_ranges([big, big], [0, 9], [1, 10], max_gap=0) == [data[:1], data[9:10]]
    assert calls.pop() == ("get_ranges", (0,))
    # One range of each file, and what is no range of bytes, are read as before.
    calls.clear()
    assert fs.cat_ranges([big, small], [0, 0], [1, 1]) == [data[:1], b"0"]
    assert fs.cat_ranges([small, small], [-2, 3], [None, 3]) == [b"89", b""]
    assert "get_ranges" not in [name for name, _ in calls]
    assert fs.cat_ranges([small, small], [2, 20], [4, 30]) == [b"23", b""]
    found = fs.cat_ranges([small, missing, missing], [0, 0, 2], [1, 1, 3])
    assert found[0] == b"0" and [type(one) for one in found[1:]] == [FileNotFoundError] * 2
    with pytest.raises(FileNotFoundError, match=missing):
        fs.cat_ranges([small, missing, missing], [0, 0, 2], [1, 1, 3], on_error="raise")


def test_bytes_of_any_size_stay_in_memory(root):
    fs = S3FileSystem(skip_instance_cache=True)
    data = os.urandom(40 << 20)
    fs.pipe(root + "/k", data)
    before = os.listdir("/")
    found = fs._client().get(root + "/k", None, None)
    assert os.listdir("/") == before
    assert found.blob == data == fs.cat_file(root + "/k")


def test_pieces_of_any_size_are_written_in_order(fs, root):
    data = os.urandom(40 << 20)
    sizes = [3, 9 << 20, 100, (8 << 20) - 1, 8 << 20, 1, 12 << 20]
    start = 0
    with fs.open(root + "/k", "wb") as file:
        for number, size in enumerate(sizes):
            piece = data[start : start + size]
            if number % 2 == 0:
                assert file.write(piece) == size
            else:
                changing = bytearray(piece)
                assert file.write(memoryview(changing)) == size
                changing[:] = bytes(size)
            start += size
            assert file.tell() == start
    assert fs.cat(root + "/k") == data[:start]
    with pytest.raises(FileNotFoundError):
        with fs.open("mfs3://no-such-bucket/k", "wb") as file:
            for _ in range(20):
                file.write(data[: 8 << 20])
    with pytest.raises(FileExistsError):
        with fs.open(root + "/k", "xb") as file:
            file.write(data[: 8 << 20])


def test_buffers_of_any_type_are_written(fs, root):
    for size in (0, 1000, 9 << 20):
        data = os.urandom(size)
        buffers = [
            data,
            bytearray(data),
            array.array("b", data),
            np.frombuffer(data, "float32" if size else "uint8"),
            np.frombuffer(data, "uint8").reshape(-1, 100 if size == 1000 else 1),
            memoryview(data).cast("b"),
            pyarrow.py_buffer(data),
        ]
        for buffer in buffers:
            with fs.open(root + "/k", "wb") as file:
                assert file.write(buffer) == size
                assert file.tell() == size
            assert fs.cat(root + "/k") == data


def test_reads_in_any_order_have_the_bytes_of_their_place(fs, root):
    data = os.urandom(50 << 20)
    fs.pipe(root + "/k", data)
    random = Random(7)
    with fs.open(root + "/k", block_size=1 << 20) as file:
        for _ in range(60):
            if random.random() < 0.5:
                file.seek(random.randrange(len(data)))
            size = random.choice([1, 1000, 1 << 20, 3 << 20])
            start = file.tell()
            assert file.read(size) == data[start : start + size], (start, size)
    with fs.open(root + "/k") as file:
        assert file.read() == data
        assert file.read(1) == b""


def test_fetches_that_overlap_have_the_bytes_of_their_place(fs, root):
    data = os.urandom(8 << 20)
    fs.pipe(root + "/k", data)
    size = 32 << 10
    for cache in ("none", "background", None):
        with fs.open(root + "/k", block_size=size, cache_type=cache) as file:
            if cache != "background":
                fetch = file._fetch_range if cache == "none" else file.cache._fetch
                with concurrent.futures.ThreadPoolExecutor(4) as pool:
                    pieces = pool.map(lambda start: fetch(start, start + size), range(0, len(data), size))
                    assert b"".join(pieces) == data
            for place in (0, 4 << 20):
                file.seek(place)
                for start in range(place, place + (2 << 20), 10_000):
                    assert file.read(10_000) == data[start : start + 10_000]


def test_what_follows_is_one_download(fs, root, monkeypatch):
    fs.pipe(root + "/k", bytes(64 << 20))
    with fs.open(root + "/k") as file:
        ranges, get = [], fs._client().get
        client = SimpleNamespace(
            get=lambda *key, **options: ranges.append(key) or get(*key, **options),
            open_reader=fs._client().open_reader,
        )
        monkeypatch.setattr(fs, "_client", lambda: client)
        for _ in range(64):
            assert len(file.read(1 << 20)) == 1 << 20
    assert len(ranges) == 1


def test_a_file_is_of_one_version(fs, root):
    for size in (1 << 20, 9 << 20):
        fs.pipe(root + "/k", b"1" * (40 << 20))
        with fs.open(root + "/k") as file:
            assert file.read(size) == b"1" * size
            fs.pipe(root + "/k", b"2" * (40 << 20))
            # What was read ahead, or an error, and never the other version.
            with pytest.raises(OSError, match="changed since it was opened"):
                while read := file.read(size):
                    assert read == b"1" * len(read)


def test_a_pickled_file_is_of_the_version_that_it_was_opened_with(fs, root):
    fs.pipe(root + "/k", b"1" * 1000)
    with fs.open(root + "/k", block_size=100, cache_type="none") as file:
        assert file.read(10) == b"1" * 10
        pickled = pickle.dumps(file)
        with pickle.loads(pickled) as copy:
            assert (copy.tell(), copy.size, copy.blocksize, copy.cache.name) == (10, 1000, 100, "none")
            assert copy == file and copy.read() == b"1" * 990
        fs.pipe(root + "/k", b"2" * 2000)
        with pickle.loads(pickled) as copy:
            with pytest.raises(OSError, match="changed since it was opened"):
                copy.read()
    with pickle.loads(pickle.dumps(fs.open(root + "/k"))) as copy:
        assert copy.read() == b"2" * 2000


def test_a_forked_child_goes_on_with_a_file(fs, root):
    data = os.urandom(40 << 20)
    fs.pipe(root + "/k", data)
    with fs.open(root + "/k") as file:
        for start in range(0, 30 << 20, 10 << 20):
            assert file.read(10 << 20) == data[start : start + (10 << 20)]
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = 0 if file.read() == data[30 << 20 :] else 2
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert file.read() == data[30 << 20 :]


def test_a_file_whose_block_fails_is_not_written(fs, root):
    for size in (1, 9 << 20):
        with pytest.raises(KeyError):
            with fs.open(root + "/k", "wb") as file:
                file.write(bytes(size))
                raise KeyError
    assert not fs.exists(root + "/k")


def test_a_file_that_is_dropped_is_not_written(fs, root):
    for size in (1, 9 << 20):
        fs.open(root + "/k", "wb").write(bytes(size))
        gc.collect()
    assert not fs.exists(root + "/k")
    # What has been closed stays.
    fs.open(root + "/k", "wb").close()
    gc.collect()
    assert fs.exists(root + "/k")


def test_an_exclusive_file_is_created_once(fs, root):
    with fs.open(root + "/x", "xb") as file:
        file.write(b"first")
    with pytest.raises(FileExistsError):
        with fs.open(root + "/x", "xb") as file:
            file.write(b"second")
    with pytest.raises(FileExistsError):
        fs.pipe_file(root + "/x", b"third", mode="create")
    assert fs.cat(root + "/x") == b"first"


def test_what_cannot_be_looked_at_is_not_replaced(fs, root, monkeypatch):
    def denied(*_, **__):
        raise mfs3.MetaflowS3AccessDenied("no")

    fs.pipe(root + "/k", b"kept")
    with pytest.raises(NotImplementedError):
        fs.open(root + "/k", "ab")
    with pytest.raises(NotImplementedError):
        fs.touch(root + "/k", truncate=False)
    with monkeypatch.context() as patch:
        # As with credentials that may only write.
        patch.setattr(fs, "_client", lambda made=fs._client(): _Instead(made, info=denied))
        with pytest.raises(PermissionError):
            fs.open(root + "/k", "ab")
        with pytest.raises(PermissionError):
            fs.touch(root + "/k", truncate=False)
    # The object appears after the check.
    for mode in ("ab", "xb"):
        with pytest.raises(FileExistsError):
            with fs.open(root + "/" + mode, mode) as file:
                file.write(b"new")
                fs.pipe(root + "/" + mode, b"kept")
        assert fs.cat(root + "/" + mode) == b"kept"
    with monkeypatch.context() as patch:
        patch.setattr(fs, "info", lambda path: fs.pipe(root + "/t", b"kept") or S3FileSystem.info(fs, root + "/none"))
        with pytest.raises(NotImplementedError):
            fs.touch(root + "/t", truncate=False)
    assert fs.cat(root + "/t") == fs.cat(root + "/k") == b"kept"
    with fs.open(root + "/new", "ab") as file:
        file.write(b"new")
    fs.touch(root + "/empty", truncate=False)
    assert (fs.cat(root + "/new"), fs.cat(root + "/empty")) == (b"new", b"")


@pytest.mark.parametrize(
    "failure, raised",
    [
        (mfs3.MetaflowS3AccessDenied("403"), PermissionError),
        (mfs3.MetaflowS3Exception("connection refused"), OSError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_what_cannot_be_found_out_is_an_error(fs, root, monkeypatch, failure, raised):
    def fail(*_, **__):
        raise failure

    made = fs._client()
    monkeypatch.setattr(fs, "_client", lambda: _Instead(made, info=fail, list_prefix=fail))
    for call in (fs.exists, fs.lexists, fs.isfile, fs.isdir):
        with pytest.raises(raised):
            call(root + "/k")
    for call in (fs.exists, fs.isdir):
        with pytest.raises(raised):
            call("demo")
    assert fs.exists("") and fs.isdir("") and not fs.isfile("") and not fs.isfile("demo")


class _Instead:
    """A native client with other methods."""

    def __init__(self, native, **methods):
        self._native = native
        self.__dict__.update(methods)

    def __getattr__(self, name):
        return getattr(self._native, name)


def test_a_transaction_writes_all_or_nothing(fs, root):
    with fs.transaction:
        with fs.open(root + "/a", "wb") as file:
            file.write(b"1")
        assert not fs.exists(root + "/a")
    assert fs.cat(root + "/a") == b"1"
    with pytest.raises(RuntimeError):
        with fs.transaction:
            with fs.open(root + "/b", "wb") as file:
                file.write(b"1")
            raise RuntimeError
    assert not fs.exists(root + "/b")


def test_what_is_moved_is_never_lost(fs, root):
    path = root[len("s3://") :]
    files = {"x": b"x", "d/x": b"dx", "d/s/y": b"y", "e/x": b"ex"}

    def fill():
        fs.pipe({root + "/" + name: data for name, data in files.items()})

    def content():
        return {name[len(path) + 1 :]: data for name, data in fs.cat(fs.find(root)).items()}

    fill()
    # To itself.
    fs.mv(root + "/x", path + "/x")
    fs.mv(root + "/d/x", path + "/d/")
    fs.mv(root + "/d", path + "/d/", recursive=True)
    fs.mv([root + "/x"], [path + "/x"])
    assert content() == files
    # Below itself, two files to one, over a file that is moved too.
    for source, target, recursive in (
        (root + "/d", root + "/d/s", True),
        (root + "/*", root + "/d", True),
        ([root + "/d/x", root + "/e/x"], root + "/f", False),
        ([root + "/x", root + "/d/x"], [root + "/d/x", root + "/f"], False),
    ):
        with pytest.raises(OSError, match="cannot move"):
            fs.mv(source, target, recursive=recursive)
        assert content() == files
    with pytest.raises(FileNotFoundError):
        fs.mv([root + "/x", root + "/nothing"], [root + "/f", root + "/g"])
    assert content() == files
    # What is too deep to be copied stays.
    fs.pipe(root + "/d/z", b"z")
    fs.mv(root + "/d", root + "/f", recursive=True, maxdepth=1)
    assert content() == {"x": b"x", "f/x": b"dx", "f/z": b"z", "d/s/y": b"y", "e/x": b"ex"}


@pytest.mark.parametrize("everything", ["", "/", "s3://", "*", "**", "s3://*/k", "d*/k"])
def test_nobody_deletes_moves_or_lists_all_buckets_by_mistake(fs, root, monkeypatch, everything):
    fs.pipe(root + "/k", b"kept")
    changes = []
    made = fs._client()
    change = {name: lambda *args, name=name: changes.append(name) for name in ("delete_many", "delete_bucket", "copy")}
    monkeypatch.setattr(fs, "_client", lambda: _Instead(made, **change))
    for paths in (everything, [root + "/k", everything]):
        for call in (
            lambda: fs.rm(paths),
            lambda: fs.rm(paths, recursive=True),
            lambda: fs.mv(paths, root + "/new", recursive=True),
        ):
            with pytest.raises(ValueError, match="every bucket"):
                call()
    if everything.strip("s3:/") == "":
        for call in (fs.find, fs.du, fs.walk, lambda path: fs.get(path, "local", recursive=True)):
            with pytest.raises(ValueError, match="every bucket"):
                call(everything)
        assert "demo" in fs.ls(everything, detail=False)
    assert "demo" in fs.glob("*") and changes == []


def test_files_directories_and_buckets_are_removed(fs, root):
    path = root[len("s3://") :]

    def fill():
        fs.pipe({path + name: b"" for name in ("/a", "/a/b", "/d/e/f", "/d/g", "/d//h", "/dd")})
        fs._client().put(root + "/d/e/", b"")

    fill()
    for directory in ("/d", "/d/e"):
        with pytest.raises(IsADirectoryError):
            fs.rm(root + directory)
    with pytest.raises(FileNotFoundError):
        fs.rm([root + "/a", root + "/none"])
    with pytest.raises(FileNotFoundError):
        fs.rm(root + "/none", recursive=True)
    assert len(fs.find(root)) == 6
    fs.rm(root + "/d", recursive=True)
    assert fs.find(root) == [path + name for name in ("/a", "/a/b", "/dd")] and not fs.exists(root + "/d")
    fs.rm(root + "/a")
    assert fs.find(root) == [path + "/a/b", path + "/dd"]
    fill()
    fs.rm(root + "/d/*")
    assert fs.find(root + "/d") == [path + "/d//h", path + "/d/e/f"]
    fill()
    fs.rm(root + "/[ad]", recursive=True)
    assert fs.find(root) == [path + "/dd"]
    fill()
    fs.rm(root + "/d", recursive=True, maxdepth=1)
    assert fs.find(root + "/d") == [path + "/d//h", path + "/d/e/f"]

    bucket = "b" + uuid.uuid4().hex
    fs.mkdir(bucket)
    fs.pipe(bucket + "/d/k", b"")
    fs._client().put("s3://%s//" % bucket, b"")
    with pytest.raises(OSError) as caught:
        fs.rm(bucket)
    assert caught.value.errno == errno.ENOTEMPTY
    fs.rm(bucket, recursive=True)
    assert not fs.exists(bucket)
    fs.mkdir(bucket)
    fs.rm([bucket])
    assert bucket not in fs.ls("")
    with pytest.raises(FileNotFoundError):
        fs.rm(bucket, recursive=True)


def test_files_are_written_with_their_type_and_attributes(fs, root, server, tmp_path):
    import boto3

    client = boto3.client("s3", endpoint_url=server)

    def head(name):
        bucket, key = (root + name)[len("s3://") :].split("/", 1)
        return client.head_object(Bucket=bucket, Key=key)

    (tmp_path / "d").mkdir()
    for name in ("x.html", "y.json", "z"):
        (tmp_path / "d" / name).write_text(name)
    fs.put(str(tmp_path / "d"), root + "/", recursive=True)
    fs.put_file(str(tmp_path / "d/x.html"), root + "/one")
    found = [head(name)["ContentType"] for name in ("/d/x.html", "/d/y.json", "/d/z", "/one")]
    assert found == ["text/html", "application/json", "binary/octet-stream", "text/html"]
    attributes = {
        "ContentType": "text/x",
        "CacheControl": "no-cache",
        "ContentDisposition": "attachment",
        "ContentEncoding": "identity",
        "ContentLanguage": "de",
        "Metadata": {"some_name": "value"},
    }
    expected = attributes | {"Metadata": {"some-name": "value"}}
    for name, write in (
        ("/pipe", lambda path: fs.pipe_file(path, b"v", **attributes)),
        ("/many", lambda path: fs.pipe({path: b"v"}, **attributes)),
        ("/put", lambda path: fs.put_file(str(tmp_path / "d/x.html"), path, **attributes)),
        ("/tree/x.html", lambda path: fs.put(str(tmp_path / "d"), root + "/tree", recursive=True, **attributes)),
        ("/touch", lambda path: fs.touch(path, data=b"v", **attributes)),
    ):
        write(root + name)
        assert {key: head(name)[key] for key in attributes} == expected, name
    with fs.open(root + "/open", "wb", **attributes) as file:
        file.write(b"v")
    with fs.open(root + "/text", "w", **attributes) as file:
        file.write("v")
    assert {key: head("/open")[key] for key in attributes} == {key: head("/text")[key] for key in attributes} == expected
    fs.cp_file(root + "/open", root + "/copy")
    assert {key: head("/copy")[key] for key in attributes} == expected
    always = S3FileSystem(s3_additional_kwargs={"ServerSideEncryption": "AES256", "ContentType": "text/y"})
    always.pipe(root + "/always", b"v")
    always.pipe(root + "/once", b"v", ContentType="text/z")
    assert [head(name)["ContentType"] for name in ("/always", "/once")] == ["text/y", "text/z"]
    assert head("/always")["ServerSideEncryption"] == "AES256"


def test_methods_of_s3fs_do_what_they_do_there(fs, root, server):
    import boto3
    import urllib.request

    other = pytest.importorskip("s3fs", exc_type=ImportError).S3FileSystem(endpoint_url=server, use_listings_cache=False)
    path = root[len("s3://") :]
    fs.pipe(root + "/k", b"value", ContentType="text/x", Metadata={"first": "1", "second_name": "2"})
    with urllib.request.urlopen(fs.url(root + "/k", expires=60)) as response:
        assert response.read() == b"value"
    request = urllib.request.Request(fs.url(root + "/new", client_method="put_object"), b"new", method="PUT")
    urllib.request.urlopen(request).close()
    assert fs.cat(root + "/new") == b"new"
    with pytest.raises(ValueError):
        fs.url(root + "/k", client_method="delete_object")
    for one in (root + "/k", path + "/k/", "demo", "s3://demo/", "/demo/k"):
        assert fs.split_path(one) == other.split_path(one), one

    assert fs.metadata(root + "/k") == other.metadata(root + "/k") == {"first": "1", "second-name": "2"}
    assert fs.getxattr(root + "/k", "second_name") == "2" and fs.getxattr(root + "/k", "none") is None
    fs.setxattr(root + "/k", second_name="3", first=None, third="4")
    assert other.metadata(root + "/k") == fs.metadata(root + "/k") == {"second-name": "3", "third": "4"}
    # The rest stays, unless it is named.
    assert (fs.cat(root + "/k"), fs.info(root + "/k")["ContentType"]) == (b"value", "text/x")
    fs.setxattr(root + "/k", copy_kwargs={"ContentType": "text/y"})
    assert fs.info(root + "/k")["ContentType"] == "text/y" and len(fs.metadata(root + "/k")) == 2
    with fs.open(root + "/k") as file:
        assert file.metadata() == fs.metadata(root + "/k") and file.getxattr("third") == "4"
        assert file.url().startswith(server)
        file.setxattr(third="5")
    assert fs.getxattr(root + "/k", "third") == "5"
    for call in (fs.metadata, lambda path: fs.setxattr(path, a="1"), fs.get_tags):
        with pytest.raises(FileNotFoundError):
            call(root + "/none")

    fs.put_tags(root + "/k", {"a": "1", "b": "2"})
    fs.put_tags(root + "/k", {"b": "3"}, mode="m")
    assert fs.get_tags(root + "/k") == other.get_tags(root + "/k") == {"a": "1", "b": "3"}
    fs.put_tags(root + "/k", {})
    assert fs.get_tags(root + "/k") == {}

    fs.merge(root + "/merged", [root + "/k", root + "/new", root + "/k"])
    assert fs.cat(root + "/merged") == b"valuenewvalue"
    with pytest.raises(FileNotFoundError):
        fs.merge(root + "/broken", [root + "/k", root + "/none"])
    assert not fs.exists(root + "/broken")
    assert fs.bulk_delete([path + "/merged", path + "/none"]) == [path + "/merged", path + "/none"]
    assert not fs.exists(root + "/merged")

    bucket = "b" + uuid.uuid4().hex
    fs.mkdir(bucket)
    assert not fs.is_bucket_versioned(bucket)
    fs.make_bucket_versioned(bucket)
    assert fs.is_bucket_versioned(bucket)
    fs.make_bucket_versioned(bucket, False)
    assert not fs.is_bucket_versioned(bucket)
    client = boto3.client("s3", endpoint_url=server)
    begun = [client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"] for key in ("a/b", "c")]
    found = fs.list_multipart_uploads(bucket)
    assert [(one["Key"], one["UploadId"]) for one in found] == list(zip(("a/b", "c"), begun))
    fs.clear_multipart_uploads("s3://" + bucket)
    assert fs.list_multipart_uploads(bucket) == []
    fs.connect()
    fs.invalidate_cache()
    fs.invalidate_cache(root)
    fs.invalidate_region_cache()


def test_what_is_read_and_written_in_one_copy_keeps_its_order(fs, root):
    a, b, c = (root + "/" + name for name in "abc")
    fs.pipe({a: b"a", b: b"b"})
    fs.copy([a, b], [b, c])
    assert fs.cat(b) == fs.cat(c) == b"a"
    fs.pipe({a: b"1", b: b"2"})
    fs.copy([a, b], [c, c])
    assert fs.cat(c) == b"2"
    with pytest.raises(FileNotFoundError):
        fs.copy([a, root + "/none"], [b, c])
    fs.copy([a, root + "/none"], [b, c], on_error="ignore")
    assert (fs.cat(b), fs.cat(c)) == (b"1", b"2")
    bucket = "b" + uuid.uuid4().hex
    fs.pipe(root + "/d/x", b"x")
    fs.copy(root + "/d", bucket + "/d", recursive=True)
    assert fs.find(bucket) == [bucket + "/d/x"]


def test_directories_and_urls_are_what_others_take_them_for(fs, root, monkeypatch):
    path = root[len("s3://") :]
    fs.pipe(root + "/d/k", b"v")
    for name in ("/d", ""):
        with pytest.raises(IsADirectoryError):
            fs.open(root + name)
    with pytest.raises(IsADirectoryError):
        fs.open("demo")
    monkeypatch.setattr(S3FileSystem, "_registered_for", "mfs3")
    assert fs.unstrip_protocol(path) == "mfs3://" + path
    mfs3.register("s3")
    assert fs.unstrip_protocol(path) == fs.unstrip_protocol(root) == root
    with fs.open(root + "/d/k") as file:
        assert file.full_name == root + "/d/k"
    bucket = "b" + uuid.uuid4().hex
    with pytest.raises(FileNotFoundError):
        fs.mkdir(bucket + "/d", create_parents=False)
    with pytest.raises(TypeError, match="acl"):
        fs.mkdir(bucket, acl="public-read")
    with pytest.raises(OSError):
        fs.mkdir("")
    assert not fs.exists(bucket)
    assert S3FileSystem(anon=True).ls("") == []


def test_a_callback_sees_files_and_bytes(fs, root, tmp_path):
    from fsspec.callbacks import Callback

    class Watch(Callback):
        def __init__(self, into, **kwargs):
            super().__init__(**kwargs)
            self.into = into

        def branched(self, *paths, **kwargs):
            self.into.append((Watch([]), *paths))
            return self.into[-1][0]

    for name in "ab":
        (tmp_path / name).write_bytes(b"12")
    for call in (
        lambda watch: fs.put([str(tmp_path / "a"), str(tmp_path / "b")], root + "/", callback=watch),
        lambda watch: fs.get(root, str(tmp_path / "got"), recursive=True, callback=watch),
    ):
        watch = Watch([])
        call(watch)
        assert (watch.size, watch.value) == (2, 2)
        assert [(child.size, child.value) for child, *_ in watch.into] == [(2, 2)] * 2
    data = bytes(30 << 20)
    (tmp_path / "large").write_bytes(data)
    for call in (
        lambda watch: fs.put_file(str(tmp_path / "large"), root + "/large", callback=watch),
        lambda watch: fs.get_file(root + "/large", str(tmp_path / "large2"), callback=watch),
    ):
        watch = Watch([])
        call(watch)
        assert (watch.size, watch.value) == (len(data), len(data))


def test_files_and_directories_are_moved(fs, root):
    path = root[len("s3://") :]
    fs.pipe({root + "/x": b"x", root + "/d/x": b"dx", root + "/d/s/y": b"y", root + "/d//z": b"z"})
    # The marker of a directory.
    fs._client().put(root + "/d/", b"")
    fs.mv(root + "/x", root + "/d/")
    assert fs.find(root) == [path + name for name in ("/d//z", "/d/s/y", "/d/x")]
    assert fs.cat(root + "/d/x") == b"x"
    fs.mv(root + "/d", root + "/e", recursive=True)
    assert fs.find(root) == [path + name for name in ("/e//z", "/e/s/y", "/e/x")]
    assert not fs.exists(root + "/d")
    fs.rename(root + "/e/x", root + "/y")
    assert fs.find(root) == [path + name for name in ("/e//z", "/e/s/y", "/y")]


def test_the_content_of_markers_is_copied_and_moved(fs, root):
    """A key may end in a slash and have content."""
    markers = {"d/sub/": b"content of a marker", "d/empty/": b"", "d/sub/deep/": b"2"}

    def found(directory):
        return {one.key: one.blob for one in mfs3.S3(s3root=root + "/" + directory).get_all()}

    fs.pipe({root + "/d/k": b"k", root + "/d/sub/x": b"x"})
    for name, data in markers.items():
        fs._client().put(root + "/" + name, data)
    before = found("d")
    assert len(before) == 5
    fs.copy(root + "/d", root + "/e", recursive=True)
    assert found("e") == found("d") == before
    fs.mv(root + "/d", root + "/f", recursive=True)
    assert (found("d"), found("f")) == ({}, before)
    # Two contents for one marker, and a bucket, which has none.
    fs._client().put(root + "/g/sub/", b"other")
    with pytest.raises(OSError, match="cannot move two"):
        fs.mv([root + "/f/sub", root + "/g/sub"], [root + "/h", root + "/h"], recursive=True)
    bucket = "b" + os.path.basename(root)
    fs.mkdir(bucket)
    with pytest.raises(OSError, match="cannot copy the content"):
        fs.mv([root + "/f/sub"], [bucket], recursive=True)
    with pytest.raises(OSError, match="not empty"):
        fs.rmdir(root + "/g/sub")
    assert (found("f"), found("g")) == (before, {"sub": b"other"})


def test_it_works_inside_of_a_running_event_loop(root):
    """That is where notebooks and web servers run."""

    async def program():
        fs = S3FileSystem(skip_instance_cache=True)
        fs.pipe(root + "/k", b"value")
        with fs.open(root + "/w", "w") as file:
            file.write("text")
        assert fs.cat(root + "/k") == b"value" and fs.open(root + "/w", "r").read() == "text"
        assert len(fs.ls(root)) == len(fs.glob(root + "/*")) == 2
        mfs3.register("mfs3")
        url = "mfs3://" + root[len("s3://") :] + "/frame.csv"
        with fsspec.open(url, "w") as file:
            file.write("a\n1\n2\n")
        # pandas wants a newer fsspec.
        assert IS_OLDEST or list(pandas.read_csv(url)["a"]) == [1, 2]
        # And beside it, on a thread of it.
        assert await asyncio.to_thread(fs.cat, root + "/k") == b"value"
        fs.rm(root, recursive=True)
        assert not fs.exists(root)

    asyncio.run(program())


def test_a_transaction_closes_what_is_open(fs, root):
    data = os.urandom(8 << 20) + b"tail"
    with fs.transaction:
        small, large = fs.open(root + "/small", "wb"), fs.open(root + "/large", "wb")
        text = fs.open(root + "/text", "w")
        compression = None if IS_OLDEST else "gzip"
        zipped = fs.open(root + "/zipped", "wb", compression=compression)
        small.write(b"1")
        large.write(data)
        text.write("text")
        zipped.write(b"zipped")
        assert fs.find(root) == []
    assert small.closed and large.closed and text.closed and zipped.closed
    assert (fs.cat(root + "/small"), fs.cat(root + "/large")) == (b"1", data)
    found = fs.cat(root + "/zipped")
    assert (fs.cat(root + "/text"), found if IS_OLDEST else gzip.decompress(found)) == (b"text", b"zipped")
    with pytest.raises(RuntimeError):
        with fs.transaction:
            small, large = fs.open(root + "/a", "wb"), fs.open(root + "/b", "wb")
            text = fs.open(root + "/c", "w")
            small.write(b"1")
            large.write(data)
            text.write("text")
            raise RuntimeError
    for file in (small, large, text):
        file.close()
    assert not {root + "/" + name for name in "abc"} & set(fs.find(root))
    assert len(fs.find(root)) == 4


def test_listings_are_never_stale(fs, root):
    other = pickle.loads(pickle.dumps(fs))
    path = root[len("s3://") :]
    assert fs.glob(root + "/*") == [] and not fs.exists(root)
    other.pipe({root + "/a/1": b"1", root + "/a/b/2": b"2", root + "/c": b"3"})
    assert fs.ls(root, detail=False) == [path + "/a", path + "/c"]
    assert fs.find(root) == [path + "/a/1", path + "/a/b/2", path + "/c"]
    assert fs.find(root, prefix="a/") == [path + "/a/1", path + "/a/b/2"]
    assert list(fs.find(root, prefix="c", maxdepth=1, detail=True)) == [path + "/c"]
    assert fs.glob(root + "/**/2") == [path + "/a/b/2"]
    assert fs.isdir(root + "/a") and fs.isfile(root + "/c")
    assert fs.du(root) == 3
    other.rm(root + "/a", recursive=True)
    assert fs.find(root) == [path + "/c"]


def test_a_directory_lists_names_or_details(fs, root):
    path = root[len("s3://") :]
    fs.pipe({root + "/a/1": b"1", root + "/b": b"22"})
    names = [path + "/a", path + "/b"]
    assert fs.ls(root) == fs.ls(root, False) == fs.ls(root, detail=False) == names
    for details in (fs.ls(root, True), fs.ls(root, detail=True), fs.listdir(root)):
        assert [(one["name"], one["type"], one["size"]) for one in details] == [
            (names[0], "directory", 0),
            (names[1], "file", 2),
        ]
    assert fs.ls(root + "/b") == [path + "/b"] and fs.ls(root + "/b", detail=True)[0]["size"] == 2
    assert fs.ls("") == [one["name"] for one in fs.ls("", detail=True)]
    other = pytest.importorskip("s3fs", exc_type=ImportError).S3FileSystem(endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    assert other.ls(root) == fs.ls(root)
    assert [one["name"] for one in other.ls(root, detail=True)] == fs.ls(root)


def test_a_path_may_begin_with_a_slash(fs, root):
    path = root[len("s3://") :]
    fs.pipe("/" + path + "/k", b"v")
    for one in ("/" + path, "s3:///" + path, "s3::" + path, "s3a://" + path):
        assert fs.ls(one) == fs.find(one) == fs.glob(one + "/*") == [path + "/k"]
        assert fs.exists(one + "/k") and fs.isdir(one)
        with fs.open(one + "/k") as file:
            assert file.read() == b"v"
    # Below the bucket, a slash is part of the key.
    fs.pipe(path + "//k", b"2")
    assert fs.cat(path + "//k") == b"2" and fs.cat(path + "/k") == b"v"


def test_details_have_the_names_that_they_have_in_s3fs(fs, root):
    other = pytest.importorskip("s3fs", exc_type=ImportError).S3FileSystem(endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    path = root[len("s3://") :]
    fs.pipe({root + "/d/k": b"123"})
    for name in ("/d/k", "/d", ""):
        ours, theirs = fs.info(root + name), other.info(root + name)
        assert {key: ours.get(key) for key in theirs} == theirs
        assert ours["size"] == ours["Size"]
    for call in (
        lambda fs: fs.ls(path, detail=True)[0],
        lambda fs: fs.ls(path + "/d", detail=True)[0],
        lambda fs: fs.find(path, detail=True)[path + "/d/k"],
        lambda fs: fs.glob(path + "/d/*", detail=True)[path + "/d/k"],
    ):
        ours, theirs = call(fs), call(other)
        compared = theirs.keys() & {"Key", "name", "Size", "size", "type", "ETag", "LastModified", "StorageClass"}
        assert len(compared) >= 6 and {key: ours[key] for key in compared} == {key: theirs[key] for key in compared}
    assert fs.info("demo")["type"] == "directory" and "LastModified" not in fs.info(path)
    assert fs.modified(path + "/d/k", refresh=True) == fs.created(path + "/d/k") == other.modified(path + "/d/k")
    for call in (fs.modified, fs.created):
        with pytest.raises(IsADirectoryError):
            call(path + "/d")
    assert fs.checksum(path + "/d") == 0 and fs.ukey(path + "/d/k") != fs.ukey(path + "/d")


def test_an_object_does_not_hide_a_directory_of_its_name(fs, root):
    path = root[len("s3://") :]
    fs.pipe({root + "/a": b"file", root + "/a/x": b"1", root + "/a/b/y": b"2"})
    assert [(one["name"], one["type"]) for one in fs.ls(root, detail=True)] == [
        (path + "/a", "file"),
        (path + "/a", "directory"),
    ]
    assert list(fs.walk(root)) == [(path, ["a"], ["a"]), (path + "/a", ["b"], ["x"]), (path + "/a/b", [], ["y"])]
    assert fs.isdir(root + "/a") and fs.isfile(root + "/a") and fs.cat(root + "/a") == b"file"
    assert fs.find(root) == [path + "/a", path + "/a/b/y", path + "/a/x"]
    # One that is asked for by its name is the object.
    fs.get(root + "/a", "local")
    with open("local", "rb") as file:
        assert file.read() == b"file"
    fs.copy(root + "/a", root + "/copy")
    fs.mv(root + "/a", root + "/moved")
    assert fs.find(root) == [path + name for name in ("/a/b/y", "/a/x", "/copy", "/moved")]


def test_keys_with_empty_names_are_not_directories_of_themselves(fs, root):
    path = root[len("s3://") :]
    for key in ("/a//k", "/a/s//k", "/b/k", "//r"):
        fs.pipe(root + key, b"1")
    assert fs.ls(root, detail=False) == [path + "/a", path + "/b"]
    assert fs.ls(root + "/a", detail=False) == [path + "/a/s"]
    assert [found[0] for found in fs.walk(root)] == [path + name for name in ("", "/a", "/a/s", "/b")]
    everything = fs.find(root, withdirs=True)
    assert everything == [path + name for name in ("", "//r", "/a", "/a//k", "/a/s", "/a/s//k", "/b", "/b/k")]
    assert fs.find(root) == [name for name in everything if name[-2:] in ("/k", "/r")]


def test_directories_are_made_where_nothing_may_be_listed(fs, root, monkeypatch):
    def denied(*_, **__):
        raise mfs3.MetaflowS3AccessDenied("no")

    with monkeypatch.context() as patch:
        # As with credentials that may only write.
        patch.setattr(fs, "_client", lambda made=fs._client(): _Instead(made, list_prefix=denied, info=denied))
        fs.makedirs(root + "/out", exist_ok=True)
        fs.mkdir(root + "/out")
        fs.pipe(root + "/out/k", b"v")
        with pytest.raises(PermissionError):
            fs.info("demo")
    assert fs.cat(root + "/out/k") == b"v"


def test_an_empty_directory_is_removed_with_its_marker(fs, root):
    fs._client().put(root + "/d/", b"")
    assert fs.isdir(root + "/d")
    fs.rmdir(root + "/d")
    assert not fs.exists(root + "/d")
    with pytest.raises(FileNotFoundError):
        fs.rmdir(root + "/d")
    fs.pipe(root + "/d/k", b"v")
    with pytest.raises(OSError, match="not empty"):
        fs.rmdir(root + "/d")
    assert fs.exists(root + "/d/k")


def test_errors_are_those_of_files(fs, root):
    for call in (fs.cat, fs.info, fs.size, fs.ls, fs.rm, fs.open):
        with pytest.raises(FileNotFoundError):
            call(root + "/nothing")
    with pytest.raises(FileNotFoundError):
        fs.ls("mfs3://no-such-bucket/x")


@pytest.mark.parametrize(
    "cls, kind, status, number, raised",
    [
        ("NotFound", "NotFound", 404, errno.ENOENT, FileNotFoundError),
        ("NotFound", "NoSuchBucket", 404, errno.ENOENT, FileNotFoundError),
        ("AccessDenied", "AccessDenied", 403, errno.EACCES, PermissionError),
        ("URLException", None, None, errno.EINVAL, OSError),
        ("InvalidRange", "InvalidRange", 416, errno.EINVAL, OSError),
        ("InsufficientDiskSpace", "DiskFull", None, errno.ENOSPC, OSError),
        ("Exception", "AlreadyExists", 409, errno.EEXIST, FileExistsError),
        ("Exception", "InvalidInput", 409, errno.ENOTEMPTY, OSError),
        ("Exception", "InvalidInput", 400, errno.EINVAL, OSError),
        ("Exception", "Archived", 403, errno.EACCES, PermissionError),
        ("Exception", "Throttled", 503, errno.EBUSY, OSError),
        ("Exception", "Timeout", None, errno.ETIMEDOUT, TimeoutError),
        ("Exception", "Network", None, errno.EIO, OSError),
        ("Exception", None, None, errno.EIO, OSError),
    ],
)
def test_errors_have_the_class_and_the_number_of_files(fs, monkeypatch, cls, kind, status, number, raised):
    def fail(*_, **__):
        error = getattr(mfs3.exceptions, "MetaflowS3" + cls)("what failed")
        error.kind, error.status = kind, status
        raise error

    made = fs._client()
    monkeypatch.setattr(fs, "_client", lambda: _Instead(made, **dict.fromkeys(["download_file", "copy", "presign"], fail)))
    for call in (lambda: fs.get_file("demo/k", "local"), lambda: fs.sign("demo/k")):
        with pytest.raises(raised) as caught:
            call()
        assert (caught.value.errno, caught.value.filename) == (number, "demo/k")


def test_errors_of_real_calls_are_those_of_files(fs, root, tmp_path):
    other = "b" + uuid.uuid4().hex
    fs.mkdir(other)
    fs.pipe(other + "/k", b"v")
    for call, number in (
        (lambda: fs.info("Bad_Bucket!/x"), errno.EINVAL),
        (lambda: fs.exists("Bad_Bucket!/x"), errno.EINVAL),
        (lambda: fs.mkdir(other), errno.EEXIST),
        (lambda: fs.rmdir(other), errno.ENOTEMPTY),
        (lambda: fs.cat(other + "/missing"), errno.ENOENT),
        (lambda: fs.cat(other), errno.EISDIR),
    ):
        with pytest.raises(OSError) as caught:
            call()
        assert caught.value.errno == number, caught.value
    fs.makedirs(other, exist_ok=True)
    missing = str(tmp_path / "missing")
    with pytest.raises(FileNotFoundError) as caught:
        fs.put_file(missing, root + "/k")
    assert caught.value.filename == missing and not fs.exists(root + "/k")


def test_a_file_system_of_the_parent_works_after_a_fork(fs, root):
    fs.pipe(root + "/k", b"v")
    for _ in range(10):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = 0 if fs.cat(root + "/k") == b"v" else 2
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0


def test_arguments(server, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv("SAVED_" + name, os.environ[name])
        monkeypatch.delenv(name)
    fs = S3FileSystem(
        key=os.environ["SAVED_AWS_ACCESS_KEY_ID"],
        secret=os.environ["SAVED_AWS_SECRET_ACCESS_KEY"],
        client_kwargs={"endpoint_url": server},
    )
    assert "demo" in fs.ls("", detail=False)
    # No bucket of this server is public.
    with pytest.raises(PermissionError):
        S3FileSystem(anon=True, endpoint_url=server).cat("demo/k")
    with pytest.raises(ValueError):
        S3FileSystem(anon=True, key="a", secret="b", skip_instance_cache=True)
    for wrong in (
        {"client_kwargs": {"endpoint": "http://wrong-name"}},
        {"config_kwargs": {"signature_version": "s3"}},
        {"token": "alone"},
        {"key": "alone"},
    ):
        with pytest.raises(ValueError):
            S3FileSystem(skip_instance_cache=True, **wrong)
    # As in s3fs: which of two counts, and other places for keys.
    with pytest.raises(PermissionError):
        S3FileSystem(endpoint_url=server, username="unknown", password="wrong").ls("demo")
    keys = {"aws_access_key_id": os.environ["SAVED_AWS_ACCESS_KEY_ID"]}
    keys["aws_secret_access_key"] = os.environ["SAVED_AWS_SECRET_ACCESS_KEY"]
    keys["region_name"] = "us-east-1"
    fs = S3FileSystem(endpoint_url=server, anon=None, client_kwargs={"endpoint_url": "http://127.0.0.1:1", **keys})
    assert "demo" in fs.ls("")


def test_a_profile_says_where_requests_go(server, root, tmp_path, monkeypatch):
    (tmp_path / "config").write_text(
        "[profile prod]\nregion = us-east-1\nendpoint_url = %s\naws_access_key_id = %s\naws_secret_access_key = %s\n"
        % (server, os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    fs = S3FileSystem(profile="prod", requester_pays=True)
    fs.pipe(root + "/k", b"v")
    assert fs.cat(root + "/k") == b"v"


@pytest.mark.parametrize("how", ["aws", "metaflow", "botocore", "botocore-total"])
def test_attempts_are_those_that_are_configured(root, monkeypatch, how):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    options = {}
    if how == "aws":
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    elif how == "metaflow":
        monkeypatch.setenv("METAFLOW_S3_RETRY_COUNT", "0")
        monkeypatch.setenv("METAFLOW_S3_TRANSIENT_RETRY_COUNT", "1")
    else:
        name = {"botocore": "max_attempts", "botocore-total": "total_max_attempts"}[how]
        options = {"config_kwargs": {"retries": {name: 1 if how == "botocore" else 2, "mode": "standard"}}}
    fs = S3FileSystem(skip_instance_cache=True, **options)
    began = time.monotonic()
    with pytest.raises(OSError) as caught:
        fs.exists("b/k")
    assert caught.value.__cause__.attempts == 2
    assert time.monotonic() - began < 5


def test_options_that_are_not_followed_are_errors(fs, root):
    mfs3.register("s3")
    for options in ({"session": object()}, {"s3_additional_kwargs": {"Tagging": "a=b"}}, {"version_aware": True}, {"use_ssl": False}):
        name = "Tagging" if "s3_additional_kwargs" in options else next(iter(options))
        with pytest.raises(TypeError, match=name):
            S3FileSystem(**options)
        with pytest.raises(TypeError, match=name):
            fsspec.open("s3://demo/k", **options)
    path, local = root + "/k", "local"
    fs.pipe(path, b"v")
    # Those of fsspec, and those that ask for nothing.
    S3FileSystem(use_listings_cache=False, listings_expiry_time=1, max_paths=1, skip_instance_cache=True)
    S3FileSystem(asynchronous=False, loop=None, profile=None)
    # The defaults of s3fs, and what only tunes it.
    for options in (
        {"use_ssl": True, "version_aware": False, "requester_pays": False, "session": None},
        {"s3_additional_kwargs": {}, "config_kwargs": {"max_pool_connections": 50}, "client_kwargs": {"use_ssl": True}},
        {"default_fill_cache": False, "max_concurrency": 10, "cache_regions": True, "fixed_upload_size": True},
        {"default_block_size": 5 << 20, "default_cache_type": "readahead"},
        {"use_ssl": False, "endpoint_url": os.environ["AWS_ENDPOINT_URL"]},
    ):
        S3FileSystem(**options)
    with S3FileSystem(default_block_size=5 << 20, default_cache_type="readahead").open(path, fill_cache=False) as file:
        assert (file.blocksize, file.cache.name) == (5 << 20, "readahead")

    for call in (
        lambda **options: fs.open(path, **options),
        lambda **options: fs.open(path, "wb", **options),
        lambda **options: fs.info(path, **options),
        lambda **options: fs.exists(path, **options),
        lambda **options: fs.ls(root, **options),
        lambda **options: fs.find(root, **options),
        lambda **options: fs.cat_file(path, **options),
        lambda **options: fs.cat([path], **options),
        lambda **options: fs.cat_ranges([path], 0, 1, **options),
        lambda **options: fs.get_file(path, local, **options),
        lambda **options: fs.cp_file(path, path + "2", **options),
        lambda **options: fs.sign(path, **options),
        lambda **options: fs.pipe_file(path, b"new", **options),
        lambda **options: fs.pipe({path: b"new"}, **options),
        lambda **options: fs.put_file(__file__, path, **options),
        lambda **options: fs.touch(path, **options),
    ):
        with pytest.raises(NotImplementedError, match="version_id"):
            call(version_id="1")
    for call in (
        lambda **options: fs.open(path, "wb", **options),
        lambda **options: fs.open(path, **options),
        lambda **options: fs.info(path, **options),
        lambda **options: fs.cat_file(path, **options),
        lambda **options: fs.pipe_file(path, b"new", **options),
        lambda **options: fs.put_file(__file__, path, **options),
        lambda **options: fs.touch(path, **options),
    ):
        with pytest.raises(TypeError, match="WebsiteRedirectLocation"):
            call(WebsiteRedirectLocation="/")
    for call in (fs.open, fs.info, fs.cat_file):
        with pytest.raises(TypeError, match="ContentType"):
            call(path, ContentType="text/plain")
    for value in (5, "text"):
        with pytest.raises(TypeError):
            fs.pipe(path, value)
    assert fs.cat(path) == b"v"
    assert fs.info(path, refresh=True)["size"] == 1
