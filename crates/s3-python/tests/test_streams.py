"""Beyond Metaflow: objects as files, sync, and progress."""

import io
import os
import signal
import time

import pytest

import mfs3
from mfs3 import S3, S3GetObject
from mfs3.streams import ObjectReader


@pytest.fixture
def s3(root):
    with S3(s3root=root) as s3:
        yield s3


def test_an_object_is_read_piece_by_piece(s3):
    data = os.urandom(20_000_003)
    s3.put("k", data)
    with s3.open("k") as file:
        assert (file.readable(), file.writable(), file.seekable()) == (True, False, False)
        pieces = list(iter(lambda: file.read(999_983), b""))
        assert file.read(1) == b"" and file.read() == b""
    assert [len(piece) for piece in pieces[:-1]] == [999_983] * 20
    assert b"".join(pieces) == data
    with pytest.raises(ValueError):
        file.read(1)
    with s3.open(S3GetObject("k", 5, 10)) as file:
        assert file.read() == data[5:15]
    with s3.open(S3GetObject("k", None, -10)) as file:
        buffer = bytearray(7)
        assert file.readinto(buffer) == 7 and bytes(buffer) + file.read() == data[-10:]
    s3.put("lines", "a\nb\n")
    assert list(io.TextIOWrapper(s3.open("lines"))) == ["a\n", "b\n"]
    s3.put("empty", b"")
    assert s3.open("empty").read() == b""
    with pytest.raises(mfs3.MetaflowS3NotFound):
        s3.open("nothing")


def test_a_reader_that_is_dropped_stops_its_download(s3):
    s3.put("k", bytes(100 << 20))
    for _ in range(20):
        with s3.open("k") as file:
            assert file.read(10) == bytes(10)
    # What is left in flight would use up the memory for downloads.
    assert s3.get("k").size == 100 << 20


def test_an_object_is_written_piece_by_piece(s3):
    data = os.urandom(20_000_003)
    with s3.open("k", "wb", "text/x", {"a": 1}) as file:
        for start in range(0, len(data), 999_983):
            file.write(memoryview(data)[start : start + 999_983])
        file.write(b"")
        assert s3.list_recursive() == []
    found = s3.get("k")
    assert (found.blob, found.content_type, found.metadata) == (data, "text/x", {"a": 1})
    with pytest.raises(ValueError):
        file.write(b"more")
    with pytest.raises(FileExistsError):
        with s3.open("k", "xb") as file:
            file.write(b"other")
    with pytest.raises(KeyError):
        with s3.open("failed", "wb") as file:
            file.write(data)
            raise KeyError
    s3.open("dropped", "wb").write(data)
    with s3.open("text", "wb") as file, io.TextIOWrapper(file) as text:
        text.write("héllo")
    assert sorted(found.key for found in s3.list_recursive()) == ["k", "text"]
    assert s3.get("text").text == "héllo" and s3.get("k").blob == data
    with pytest.raises(ValueError):
        s3.open("k", "r+b")


class Interrupted(Exception):
    pass


def interrupt(*_):
    raise Interrupted


@pytest.mark.parametrize("kind", ["class", "fsspec"])
def test_an_interrupted_write_leaves_no_object(s3, root, kind):
    from mfs3.fsspec import S3FileSystem

    def write(key):
        with s3.open(key, "wb") if kind == "class" else S3FileSystem().open(root + "/" + key, "wb") as file:
            for _ in range(100):
                file.write(data)

    data = bytes(24 << 20)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for delay in range(1, 11):
            signal.setitimer(signal.ITIMER_REAL, delay / 20)
            with pytest.raises(Interrupted):
                write("k%d" % delay)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    time.sleep(1)
    assert s3.list_recursive() == []


def test_a_signal_while_a_writer_closes_cancels_the_upload(s3):
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for number in range(10):
            file = s3.open("k%d" % number, "wb")
            file.write(bytes(64 << 20))
            signal.setitimer(signal.ITIMER_REAL, 0.001 * (number + 1))
            try:
                file.close()
                time.sleep(0.1)
            except Interrupted:
                # It may have been complete already, but it does not complete in the background.
                there = s3.info("k%d" % number, return_missing=True).exists
                time.sleep(0.5)
                assert s3.info("k%d" % number, return_missing=True).exists == there
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_signal_between_two_pieces_of_a_read_closes_the_reader():
    """What was read so far is lost, and a read that follows would leave it out."""

    class Native:
        pieces = [b"first", b"second"]

        def read(self, size):
            if self.pieces is None:
                raise ValueError("the reader is closed")
            if len(self.pieces) == 1:
                raise Interrupted
            return self.pieces.pop(0)

        def close(self):
            self.pieces = None

    reader = ObjectReader(Native())
    with pytest.raises(Interrupted):
        reader.read()
    with pytest.raises(ValueError, match="the reader is closed"):
        reader.read(1)


def test_a_stream_without_bytes_at_hand_is_an_error(s3):
    class Empty(io.RawIOBase):
        def readable(self):
            return True

        def seekable(self):
            return True

        def seek(self, offset, whence=0):
            return 0

        def read(self, size=-1):
            return None

    with pytest.raises(mfs3.MetaflowS3Exception, match="has no bytes now"):
        s3.put("k", Empty())
    assert s3.list_paths() == []


def test_the_exception_of_a_stream_is_the_cause(s3):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise KeyError("mine")

    for call in (lambda: s3.put("k", Broken()), lambda: s3.put_many([("k", Broken())])):
        with pytest.raises(mfs3.MetaflowS3Exception, match="mine") as caught:
            call()
        assert isinstance(caught.value.__cause__, KeyError)
    assert s3.list_paths() == []


def test_a_writer_tells_why_its_upload_failed(root):
    with S3() as s3:
        with pytest.raises(mfs3.MetaflowS3NotFound):
            with s3.open("s3://no-such-bucket/k", "wb") as file:
                for _ in range(200):
                    file.write(bytes(1 << 20))


def test_a_forked_child_has_its_own_streams(s3):
    s3.put("k", bytes(30 << 20))
    reader, writer = s3.open("k"), s3.open("w", "wb")
    reader.read(1)
    writer.write(b"parent")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for use in (lambda: reader.read(1), lambda: writer.write(b"child")):
                with pytest.raises(ValueError, match="another process"):
                    use()
            with s3.open("child", "wb") as file:
                file.write(s3.open("k").read())
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert len(reader.read()) == (30 << 20) - 1
    writer.close()
    assert s3.get("w").blob == b"parent"
    assert s3.info("child").size == 30 << 20


def test_directories_are_made_equal(s3, root, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    for name in ("a", "b/c"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name)
    assert s3.sync(source, root + "/d", dry_run=True) == (2, 0, 0) and s3.list_recursive() == []
    done = s3.sync(source, root + "/d")
    assert (done.transferred, done.deleted, done.unchanged) == (2, 0, 0)
    assert s3.sync(str(source), root + "/d") == (0, 0, 2)
    assert s3.sync(root + "/d", target) == (2, 0, 0)
    assert (target / "b/c").read_text() == "b/c"
    (source / "a").unlink()
    assert s3.sync(source, root + "/d", delete=True) == (0, 1, 1)
    assert [found.key for found in s3.list_recursive()] == ["d/b/c"]
    with pytest.raises(mfs3.MetaflowS3NotFound):
        s3.sync(tmp_path / "nothing", root + "/d")
    with pytest.raises(mfs3.MetaflowS3URLException):
        s3.sync(source, "s3://")
    with pytest.raises(mfs3.MetaflowS3Exception):
        s3.sync(source, target)


def test_progress_is_the_bytes_that_were_moved(s3, tmp_path):
    data = os.urandom(20_000_003)
    moved = []
    (tmp_path / "file").write_bytes(data)
    (tmp_path / "directory").mkdir()
    (tmp_path / "directory/file").write_bytes(data)

    def expect(call, size):
        moved.clear()
        result = call()
        assert sum(moved) == size and all(one > 0 for one in moved)
        return result

    with s3.progress(moved.append) as same:
        assert same is s3
        expect(lambda: s3.put("k", data), len(data))
        expect(lambda: s3.put_many([("a", "12"), ("b", "345")]), 5)
        expect(lambda: s3.put_files([("f", tmp_path / "file")]), len(data))
        assert expect(lambda: s3.get("k"), len(data)).blob == data
        expect(lambda: s3.get(S3GetObject("k", 10, 1000)), 1000)
        expect(lambda: s3.get_many(["a", "b", "missing"], return_missing=True), 5)
        expect(lambda: s3.get_recursive([""]), 5 + 2 * len(data))
        expect(lambda: s3.get_all(), 5 + 2 * len(data))
        expect(lambda: s3.download_file("k", tmp_path / "copy"), len(data))
        expect(lambda: s3.sync(tmp_path / "directory", s3._s3root + "/d"), len(data))
        expect(lambda: s3.list_paths(), 0)
    expect(lambda: s3.get("k"), 0)


def test_progress_bars_of_tqdm_and_rich_count_the_bytes(s3):
    import rich.console
    import rich.progress
    import tqdm

    size = 20_000_003
    drawn = io.StringIO()
    with tqdm.tqdm(total=2 * size, unit="B", unit_scale=True, file=drawn) as bar, s3.progress(bar.update):
        s3.put("k", bytes(size))
        s3.get("k")
    assert bar.n == 2 * size and "40.0M" in drawn.getvalue()
    console = rich.console.Console(file=io.StringIO(), force_terminal=True)
    with rich.progress.Progress(console=console) as shown:
        task = shown.add_task("read", total=size)
        with s3.progress(lambda moved: shown.advance(task, moved)):
            s3.get("k")
    assert shown.tasks[task].completed == size and shown.finished
    assert "100%" in console.file.getvalue()


def test_progress_comes_while_a_call_runs(s3):
    seen, read = [], []

    class Slow(io.RawIOBase):
        left = 40

        def readable(self):
            return True

        def seekable(self):
            return True

        def seek(self, *_):
            return 0

        def read(self, size=-1):
            if self.left == 0:
                return b""
            self.left -= 1
            time.sleep(0.02)
            read.append(time.monotonic())
            return bytes(size)

    with s3.progress(lambda moved: seen.append((time.monotonic(), moved))):
        s3.put("k", Slow())
        s3.get("k")
    assert sum(moved for _, moved in seen) == 2 * s3.info("k").size == 2 * 40 << 20
    assert seen[0][0] < read[-1]


def test_an_exception_of_progress_cancels_the_call(s3):
    class Stop(Exception):
        pass

    def stop(_):
        raise Stop

    s3.put("k", bytes(200 << 20))
    with s3.progress(stop), pytest.raises(Stop):
        s3.get("k")
    with s3.progress(stop), pytest.raises(Stop):
        s3.put_many([("never", bytes(1 << 20))] * 100)
    assert s3.get("k").size == 200 << 20
