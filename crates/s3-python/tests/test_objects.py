"""Reads and writes of the drop-in."""

import asyncio
import bz2
import copy
import gc
import gzip
import io
import lzma
import os
import pickle
import subprocess
import sys
import tracemalloc
import weakref

import pytest

import mfs3
import mfs3.fsspec
import numpy as np
from mfs3 import S3, RangeInfo, S3GetObject, S3PutObject


@pytest.fixture
def s3(root):
    with S3(s3root=root) as s3:
        yield s3


def test_an_object_comes_back_with_all_its_properties(s3, root):
    url = s3.put("a/b", "héllo", content_type="text/plain", metadata={"user": ["x", 1]})
    assert url == root + "/a/b"
    found = s3.get("a/b")
    assert isinstance(found, mfs3.S3Object)
    assert (found.key, found.prefix, found.url) == ("a/b", root, url)
    assert (found.blob, found.text, found.size) == ("héllo".encode(), "héllo", 6)
    assert found.exists and found.downloaded and found.has_info
    assert found.content_type == "text/plain"
    assert found.metadata == {"user": ["x", 1]}
    assert found.range_info == RangeInfo(6, 0, 6)
    assert isinstance(found.last_modified, float)
    assert open(found.path, "rb").read() == "héllo".encode()
    assert str(found) == repr(found) == "<S3Object %s (6 bytes, local)>" % url
    bare = s3.get("a/b", return_info=False)
    assert not bare.has_info and bare.last_modified is None


def test_metadata_is_the_text_of_python(s3):
    value = {"z": float("inf"), "a": float("nan"), "m": "\ud83d"}
    s3.put("k", b"", metadata=value)
    read = s3.info("k").metadata
    assert list(read) == ["z", "a", "m"]
    assert read["z"] == float("inf") and read["a"] != read["a"] and read["m"] == "\ud83d"


@pytest.mark.parametrize(
    "offset, length, expected, first",
    [
        (None, None, b"0123456789", 0),
        (2, 3, b"234", 2),
        (5, None, b"56789", 5),
        (None, 4, b"0123", 0),
        (None, -3, b"789", 7),
        (None, -30, b"0123456789", 0),
        (4, -1, b"456789", 4),
        (0, 10 * 1024**3, b"0123456789", 0),
    ],
)
def test_ranges(s3, offset, length, expected, first):
    s3.put("k", b"0123456789")
    for found in (s3.get(S3GetObject("k", offset, length)), s3.get_many([S3GetObject("k", offset, length)])[0]):
        assert found.blob == expected
        assert found.range_info == RangeInfo(10, first, len(expected))


def test_a_range_beyond_the_end_is_an_error(s3):
    s3.put("k", b"0123456789")
    for read in (s3.get, lambda key: s3.get_many([key])):
        with pytest.raises(mfs3.MetaflowS3InvalidRange):
            read(S3GetObject("k", 10, 1))
        with pytest.raises(mfs3.MetaflowS3InvalidRange):
            read(S3GetObject("k", 0, 0))


def test_missing_objects(s3, root):
    s3.put("there", b"x")
    for call in (s3.get, s3.info, lambda key: s3.get_many([key]), lambda key: s3.info_many([key])):
        with pytest.raises(mfs3.MetaflowS3NotFound) as caught:
            call("missing")
        assert caught.value.kind == "NotFound"
    for found in (
        s3.get("missing", return_missing=True),
        s3.info("missing", return_missing=True),
        s3.get_many(["there", "missing"], return_missing=True)[1],
        s3.info_many(["there", "missing"], return_missing=True)[1],
    ):
        assert not found.exists and not found.downloaded and found.size is None
        assert (found.key, found.url, found.blob) == ("missing", root + "/missing", None)
    with pytest.raises(mfs3.MetaflowS3NotFound):
        S3().get_many(["s3://no-such-bucket/x"])


def test_get_many_keeps_the_order_and_the_duplicates(s3):
    s3.put_many([(str(n), str(n)) for n in range(200)])
    keys = [str(n % 200) for n in range(400, 0, -1)]
    assert [found.text for found in s3.get_many(iter(keys))] == keys
    assert s3.get_many([]) == []


def test_recursive_reads(s3, root):
    s3.put_many([(key, key) for key in ("foo/1", "foo/sub/2", "foobar/3", "zed")])
    found = s3.get_recursive(["zed", "foo/"])
    assert [(one.key, one.prefix) for one in found] == [
        (root + "/zed", None),
        ("1", root + "/foo/"),
        ("sub/2", root + "/foo/"),
    ]
    assert not found[1].has_info
    found = s3.get_recursive(["foo/"], return_info=True)
    assert [(one.key, one.prefix) for one in found] == [("foo/1", root), ("foo/sub/2", root)]
    assert found[0].has_info
    assert [one.text for one in s3.get_all()] == ["foo/1", "foo/sub/2", "foobar/3", "zed"]
    with pytest.raises(mfs3.MetaflowS3URLException):
        S3().get_all()


def test_listings(s3, root):
    s3.put_many([(key, key) for key in ("a/0.txt", "a/b/1.txt", "a/c/2.txt", "f/4.txt", "foo")])
    found = [(one.key, one.exists, one.size) for one in s3.list_paths(["a", "f"])]
    assert found == [("0.txt", True, 7), ("b", False, None), ("c", False, None), ("4.txt", True, 7)]
    assert [one.key for one in s3.list_paths()] == ["foo", "a", "f"]
    assert [one.key for one in s3.list_recursive(["a"])] == ["0.txt", "b/1.txt", "c/2.txt"]
    assert s3.list_paths([]) == [] and s3.list_paths(["nothing"]) == []
    with pytest.raises(mfs3.MetaflowS3URLException):
        S3().list_paths()


@pytest.mark.parametrize("value", ["text", b"bytes", ""])
def test_values(s3, value):
    s3.put("k", value)
    assert s3.get("k").blob == (value if isinstance(value, bytes) else value.encode())


def test_streams(s3, tmp_path):
    stream = io.BytesIO(b"abcdef")
    stream.seek(3)
    s3.put_many([("many", stream)])
    assert s3.get("many").blob == b"def" and not stream.closed
    s3.put("one", stream)
    assert s3.get("one").blob == b"abcdef" and stream.closed
    path = tmp_path / "file"
    path.write_bytes(os.urandom(20 << 20))
    with open(path, "rb") as file:
        s3.put("file", file)
        assert file.closed
    assert s3.get("file").blob == path.read_bytes()
    with open(path, "rb", buffering=0) as file:
        file.seek(5 << 20)
        s3.put_many([("tail", file)])
    assert s3.get("tail").blob == path.read_bytes()[5 << 20 :]


class Window(io.RawIOBase):
    """The bytes of a file from a position on."""

    def __init__(self, path, start):
        self._file = open(path, "rb", buffering=0)
        self._start = self._file.seek(start)

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=0):
        return self._file.seek(offset + (0 if whence else self._start), whence) - self._start

    def readinto(self, buffer):
        return self._file.readinto(buffer)

    def fileno(self):
        return self._file.fileno()


def test_what_a_stream_makes_of_its_file_is_uploaded(s3, tmp_path):
    data = os.urandom(1000) * 1000
    for module in (gzip, bz2, lzma):
        path = tmp_path / module.__name__
        with module.open(path, "wb") as file:
            file.write(data)
        s3.put("one", io.BufferedReader(module.open(path)))
        s3.put_many([("many", io.BufferedReader(module.open(path)))])
        s3.put_many((key, io.BufferedReader(module.open(path))) for key in ["generated"])
        for key in ("one", "many", "generated"):
            assert s3.get(key).blob == data, (module, key)
    (tmp_path / "plain").write_bytes(data)
    s3.put("window", io.BufferedReader(Window(tmp_path / "plain", 10)))
    assert s3.get("window").blob == data[10:]


class Endless(io.RawIOBase):
    def readable(self):
        return True

    def read(self, size=-1):
        raise OSError("nothing to read")


def test_values_that_cannot_be_uploaded(s3):
    for value in (1, None, bytearray(b"x"), {"a": 1}, io.StringIO("x"), Endless()):
        with pytest.raises(mfs3.MetaflowS3InvalidObject):
            s3.put("k", value)
        with pytest.raises(mfs3.MetaflowS3InvalidObject):
            s3.put_many([("ok", "1"), ("k", value)])
    with pytest.raises(TypeError):
        s3.put_many([S3PutObject("k", "v", metadata={"x": {1}})])
    assert s3.list_recursive() == []


def test_put_many_keeps_existing_objects(s3, root):
    assert s3.put_many({"a": "1", "b": "2"}.items()) == [("a", root + "/a"), ("b", root + "/b")]
    assert s3.put_many([("a", "new"), ("c", "3")], overwrite=False) == [("c", root + "/c")]
    assert s3.put("a", "new", overwrite=False) == root + "/a"
    assert s3.get("a").text == "1"


def test_a_failed_write_tells_the_outcome_of_each_input(root):
    with S3() as s3:
        with pytest.raises(mfs3.MetaflowS3NotFound) as caught:
            s3.put_many([("s3://no-such-bucket/a", "1"), (root + "/b", "2")])
        assert [one["outcome"] for one in caught.value.outcomes] == ["failed", "written"]
        assert caught.value.index == 0
        assert isinstance(caught.value.outcomes[0]["error"], mfs3.MetaflowS3NotFound)
        again = pickle.loads(pickle.dumps(caught.value))
        assert (str(again), again.kind) == (str(caught.value), "NoSuchBucket")
        assert s3.get(root + "/b").text == "2"


def test_a_generator_is_uploaded_piece_by_piece(s3, monkeypatch):
    monkeypatch.setattr(mfs3.s3, "_FEED_BYTES", 3 << 20)
    alive = []

    def objects():
        for number in range(20):
            yield "k%02d" % number, bytes([number]) * (1 << 20)
            alive.append(len(s3.list_recursive()))

    assert len(s3.put_many(objects())) == 20
    assert alive == [number // 3 * 3 for number in range(1, 21)]


@pytest.mark.parametrize("closing", [False, True])
def test_a_generator_may_open_its_files_one_after_the_other(s3, tmp_path, closing):
    names = ["%03d" % number for number in range(300)]
    for name in names:
        (tmp_path / name).write_text("content of " + name)
        with gzip.open(tmp_path / (name + ".gz"), "wb") as file:
            file.write(b"zipped " + name.encode())
    most = 0

    def files():
        nonlocal most
        for name in names:
            most = max(most, _open_files_below(tmp_path))
            opened = open(tmp_path / name, "rb")
            yield name, opened
            if closing:
                opened.close()
            del opened
        for name in names[:5]:
            with gzip.open(tmp_path / (name + ".gz")) as file:
                yield name + ".gz", file

    assert len(s3.put_many(files())) == 305
    assert [found.text for found in s3.get_many(names)] == ["content of " + name for name in names]
    zipped = s3.get_many([name + ".gz" for name in names[:5]])
    assert [found.text for found in zipped] == ["zipped " + name for name in names[:5]]
    assert 32 < most < 130 and _open_files_below(tmp_path) == 0


def _open_files_below(folder):
    found = 0
    for number in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink("/proc/self/fd/" + number).startswith(str(folder))
        except FileNotFoundError:
            # That of the listing.
            pass
    return found


def test_files(s3, tmp_path):
    path = tmp_path / "f"
    path.write_text("content")
    (tmp_path / "link").symlink_to(path)
    put = [S3PutObject("a", path=str(path), content_type="text/x", metadata={"m": 1}), ("b", tmp_path / "link")]
    assert [key for key, _ in s3.put_files(iter(put))] == ["a", "b"]
    assert [found.text for found in s3.get_many(["a", "b"])] == ["content", "content"]
    assert (s3.info("a").content_type, s3.info("a").metadata) == ("text/x", {"m": 1})
    with pytest.raises(mfs3.MetaflowS3NotFound):
        s3.put_files([("a", str(tmp_path / "nothing"))])
    s3.download_file("a", tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "content"


def test_encryption(root):
    with S3(s3root=root, encryption="AES256") as s3:
        s3.put("k", "v")
        s3.put_many([("m", "v")])
        assert [found.encryption for found in s3.info_many(["k", "m"])] == ["AES256"] * 2


@pytest.mark.parametrize("rate", [10, 50, 90])
def test_injected_failures_are_retried(root, rate):
    with S3(s3root=root, inject_failure_rate=rate) as s3:
        keys = [str(n) for n in range(50)]
        s3.put_many([(key, key) for key in keys])
        assert [found.text for found in s3.get_many(keys)] == keys
        assert all(found.exists for found in s3.info_many(keys))
        assert len(s3.get_all()) == 50


def test_injected_failures_are_real(root, monkeypatch):
    monkeypatch.setenv("METAFLOW_S3_RETRY_COUNT", "0")
    monkeypatch.setenv("METAFLOW_S3_TRANSIENT_RETRY_COUNT", "0")
    with S3(s3root=root, inject_failure_rate=100) as s3:
        with pytest.raises(mfs3.MetaflowS3Exception, match="failed") as caught:
            s3.put_many([("a", "1"), ("b", "2")])
        assert (caught.value.kind, caught.value.attempts) == ("Server", 1)
        s3.put("a", "calls on one object are not touched")
        assert s3.get("a").text == "calls on one object are not touched" and s3.info("a").exists
        assert len(s3.list_recursive()) == 1
        for call in (s3.get_many, s3.info_many):
            with pytest.raises(mfs3.MetaflowS3Exception, match="injected") as caught:
                call(["a"])
            assert (caught.value.kind, caught.value.attempts) == ("Server", 1)
        with pytest.raises(mfs3.MetaflowS3Exception, match="injected"):
            s3.get_all()


def test_keys_and_roots(root):
    with S3() as s3:
        for key in ("suffix", "s3://nopath", None, ""):
            with pytest.raises(mfs3.MetaflowS3URLException):
                s3.get(key)
        with pytest.raises(TypeError):
            s3.get(5)
    with S3(s3root=root + "/") as s3:
        for key in ("crazy spaces", "\x01\xff", "刺身/means sashimi", "a?b#c", "/".join("x" * 300)):
            assert s3.put(key, key) == root + "/" + key
            assert (s3.get(key).text, s3.get(key).key) == (key, key)
        with pytest.raises(mfs3.MetaflowS3URLException):
            s3.get("s3://some/address")
        assert s3.get(s3.get("a?b#c")).text == "a?b#c"
    with pytest.raises(mfs3.MetaflowS3URLException):
        S3(s3root="http://b/p")
    with pytest.raises(TypeError):
        S3(s3root=b"s3://b/p")
    with pytest.raises(FileNotFoundError):
        S3(tmproot="/no/such/directory")


def test_the_root_of_a_run(root, monkeypatch):
    class Named:
        id = "7"

        class parent:
            id = "Flow"

    with pytest.raises(mfs3.MetaflowS3URLException):
        S3(run=Named)
    monkeypatch.setenv("METAFLOW_DATATOOLS_S3ROOT", root)
    with S3(run=Named) as s3:
        assert s3.put("k", "v") == root + "/Flow/7/k"
    with S3(run=Named, bucket="demo", prefix="/other/") as s3:
        assert s3._s3root == "s3://demo/other/Flow/7"


def test_temporary_files(root, tmp_path):
    with S3(s3root=root) as s3:
        s3.put("k", b"x")
        found = s3.get("k")
        assert os.listdir(tmp_path) == []
        path = found.path
        assert os.path.isabs(path) and found.path == path
        os.rename(path, tmp_path / "mine")
        assert found.blob == b"x"
    assert os.listdir(tmp_path) == ["mine"]
    assert found.blob == b"x"
    with pytest.raises(mfs3.MetaflowS3Exception):
        s3.get("k").path


def test_results_can_be_pickled(s3):
    s3.put("k", "value", content_type="text/plain", metadata={"a": 1})
    listed = s3.list_paths()[0]
    for found in (s3.get("k"), s3.info("k"), listed, s3.get("no", return_missing=True)):
        again = pickle.loads(pickle.dumps(found))
        for name in ("url", "key", "prefix", "exists", "downloaded", "size", "blob", "text", "content_type"):
            assert getattr(again, name) == getattr(found, name), name
        for name in ("metadata", "has_info", "range_info", "last_modified", "encryption"):
            assert getattr(again, name) == getattr(found, name), name
        assert str(again) == str(found)
    again = pickle.loads(pickle.dumps(s3.get("k")))
    assert open(again.path).read() == "value"
    assert again.path == again.path


def test_files_of_a_client_that_is_gone_stay_until_the_process_ends(root, tmp_path):
    S3(s3root=root).put("k", "v")
    program = """
import gc, os, sys
import mfs3
def helper():
    client = mfs3.S3(s3root=sys.argv[1])
    return client.get_many(["k"])[0].path
path, other = helper(), helper()
mfs3.S3(s3root=sys.argv[1]).get("k").blob
gc.collect()
assert open(path).read() == open(other).read() == "v"
assert len(os.listdir(".")) == 2, os.listdir(".")
"""
    done = subprocess.run([sys.executable, "-c", program, root], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path) == []


def test_a_client_removes_the_files_of_all_its_settings(root, tmp_path, monkeypatch):
    with S3(s3root=root) as s3:
        s3.put("k", "v")
        first = s3.get("k").path
        monkeypatch.setenv("METAFLOW_S3_RETRY_COUNT", "30")
        second = s3.get("k").path
        assert os.path.dirname(first) != os.path.dirname(second) and open(first).read() == open(second).read() == "v"
    assert os.listdir(tmp_path) == []


def test_a_large_result_is_pickled_with_or_without_its_file(root):
    with S3(s3root=root) as s3:
        for key, size in (("large", 65 << 20), ("middle", 20 << 20)):
            s3.put(key, bytes(size), content_type="text/x", metadata={"a": 1})
        large, middle = s3.get("large"), s3.get("middle")
        path, pickled = large.path, pickle.dumps(large)
        assert pickle.loads(pickled).blob == bytes(65 << 20)
        assert pickle.loads(pickle.dumps(middle)).blob == bytes(20 << 20)
    # The directory of the client is gone, and so are the files.
    for again in (large, pickle.loads(pickled), pickle.loads(pickle.dumps(large))):
        assert (again.key, again.size, again.path, again.downloaded) == ("large", 65 << 20, path, True)
        assert (again.content_type, again.metadata) == ("text/x", {"a": 1})
    for again in (pickle.loads(pickle.dumps(large)), pickle.loads(pickle.dumps(middle))):
        assert again.exists and again.downloaded
        with pytest.raises(FileNotFoundError):
            again.blob
    with pytest.raises(FileNotFoundError):
        mfs3.S3Object(root, root + "/k", path)


def test_results_are_copied_subclassed_and_referred_to(s3):
    s3.put("k", "v")
    found = s3.get("k")
    assert copy.copy(found).text == copy.deepcopy(found).text == "v"
    assert weakref.ref(found)() is found
    global Subclass

    class Subclass(mfs3.S3Object):
        pass

    given = Subclass(None, "s3://b/k", blob=b"v")
    given.more = 1
    assert (given.text, type(pickle.loads(pickle.dumps(given)))) == ("v", Subclass)


def test_records():
    with pytest.raises(TypeError):
        S3GetObject("k", 1)
    assert S3PutObject("k") == ("k", None, None, None, None, None)
    assert RangeInfo(10) == (10, 0, -1)


def test_copy_delete_and_presign(s3, root):
    import urllib.request

    s3.put("a", "1")
    assert s3.copy("a", "b") == root + "/b"
    with urllib.request.urlopen(s3.presign("b", 60)) as response:
        assert response.read() == b"1"
    s3.delete("a")
    assert s3.delete_many(["b", "nothing"]) == [root + "/b", root + "/nothing"]
    assert s3.list_recursive() == []


def test_a_view_is_the_content_without_a_copy(s3):
    data = os.urandom(7 << 20)
    s3.put("k", data)
    found = s3.get("k")
    view = found.view
    assert isinstance(view, memoryview) and view.readonly and view == data
    address = np.frombuffer(view, np.uint8).ctypes.data
    assert np.frombuffer(found.view, np.uint8).ctypes.data == address
    # The bytes live as long as the view.
    del found
    gc.collect()
    assert view == data
    assert s3.info("k").view is None
    assert pickle.loads(pickle.dumps(s3.get("k"))).view == data


@pytest.mark.timeout(600)
def test_no_memory_is_lost_over_ten_thousand_calls(s3, root):
    fs = mfs3.fsspec.S3FileSystem()
    path = root[len("s3://") :]
    s3.put("k", b"x" * 10_000)

    def calls(number):
        for _ in range(number // 10):
            s3.get("k").blob
            s3.get("k").view.tobytes()
            s3.get_many(["k", "missing"], return_missing=True)
            s3.info("k").metadata
            s3.put("w", b"y" * 1000, metadata={"a": 1})
            s3.put_many([("w", "z")])
            s3.list_paths()
            fs.cat_file(path + "/k")
            fs.ls(path)
            with pytest.raises(mfs3.MetaflowS3NotFound):
                s3.get("missing")
        gc.collect()

    calls(1000)
    tracemalloc.start()
    traced, resident = tracemalloc.get_traced_memory()[0], _resident()
    calls(10_000)
    assert tracemalloc.get_traced_memory()[0] - traced < 100_000
    tracemalloc.stop()
    assert _resident() - resident < 8 << 20


def _new_client(root, number):
    for _ in range(number):
        with S3(s3root=root) as s3:
            assert s3.get("k").size == 10_000


def _dropped_client(root, number):
    for _ in range(number):
        S3(s3root=root).get("k")


def _readers_and_writers(root, number):
    with S3(s3root=root) as s3:
        for _ in range(number):
            with s3.open("w", "wb") as file:
                file.write(b"y" * 1000)
            with s3.open("k") as file:
                assert file.read(10) == b"x" * 10


def _files_of_fsspec(root, number):
    fs = mfs3.fsspec.S3FileSystem()
    for _ in range(number):
        with fs.open(root + "/w", "wb") as file:
            file.write(b"y" * 1000)
        with fs.open(root + "/k") as file:
            assert len(file.read()) == 10_000


def _async_client(root, number):
    async def program():
        for _ in range(number):
            async with mfs3.AsyncS3(s3root=root) as s3:
                await s3.get("k")
                with pytest.raises(mfs3.MetaflowS3NotFound):
                    await s3.get("missing")

    asyncio.run(program())


def _injected_failures(root, number):
    for _ in range(number):
        with S3(s3root=root, inject_failure_rate=30) as s3:
            s3.get_many(["k"])
            s3.put_many([("w", "z")])


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "use", [_new_client, _dropped_client, _readers_and_writers, _files_of_fsspec, _async_client, _injected_failures]
)
def test_no_memory_is_lost_by_what_is_made_and_opened(s3, root, use):
    s3.put("k", b"x" * 10_000)
    use(root, 300)
    gc.collect()
    tracemalloc.start()
    traced, resident, open_files = tracemalloc.get_traced_memory()[0], _resident(), len(os.listdir("/proc/self/fd"))
    use(root, 1000)
    gc.collect()
    assert tracemalloc.get_traced_memory()[0] - traced < 100_000
    tracemalloc.stop()
    # 8 KiB for each of them would be more.
    assert _resident() - resident < 8 << 20
    assert len(os.listdir("/proc/self/fd")) - open_files < 100


def _resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
