"""The client for asyncio."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time

import boto3
import pytest

import mfs3
from mfs3 import AsyncS3, S3GetObject


def test_calls_are_those_of_the_other_client(root, tmp_path):
    async def program():
        async with AsyncS3(s3root=root) as s3:
            assert await s3.put("a", "1", metadata={"m": 1}) == root + "/a"
            assert await s3.put_many((key, key) for key in "bc") == [("b", root + "/b"), ("c", root + "/c")]
            (tmp_path / "f").write_text("file")
            assert await s3.put_files([("d", tmp_path / "f")]) == [("d", root + "/d")]
            assert [one.text for one in await s3.get_many(["a", "b"])] == ["1", "b"]
            assert (await s3.get(S3GetObject("d", 1, 2))).text == "il"
            assert (await s3.info("a")).metadata == {"m": 1}
            assert [one.exists for one in await s3.info_many(["a", "no"], return_missing=True)] == [True, False]
            for listed in (s3.list_paths(), s3.list_recursive(), s3.get_all(), s3.get_recursive([""])):
                assert [one.key for one in await listed] == ["a", "b", "c", "d"]
            assert await s3.copy("a", "e") == root + "/e"
            assert (await s3.presign("a")).startswith("http://")
            await s3.download_file("a", tmp_path / "copy")
            assert (tmp_path / "copy").read_text() == "1"
            (tmp_path / "directory").mkdir()
            for name in ("file", "other"):
                (tmp_path / "directory" / name).write_text(name)
            for expected in ((2, 0, 0), (0, 0, 2)):
                assert await s3.sync(tmp_path / "directory", root + "/s") == expected
            (tmp_path / "directory/file").unlink()
            assert await s3.sync(str(tmp_path / "directory"), root + "/s", delete=True) == (0, 1, 1)
            assert await s3.delete("s/other")
            assert await s3.delete("a") == root + "/a"
            assert await s3.delete_many(["b", "c", "d", "e"]) == [root + "/" + key for key in "bcde"]
            with pytest.raises(mfs3.MetaflowS3NotFound) as caught:
                await s3.get("a")
            assert caught.value.kind == "NotFound"
            with pytest.raises(mfs3.MetaflowS3InvalidObject):
                await s3.put("a", 5)

    asyncio.run(program())


def test_calls_run_at_the_same_time_and_without_threads_of_python(root):
    async def program():
        async with AsyncS3(s3root=root) as s3:
            await s3.put("k", "v")
            threads = threading.active_count()
            found = await asyncio.gather(*(s3.get("k") for _ in range(1000)))
            assert [one.text for one in found] == ["v"] * 1000
            # The thread that tells of the end of calls may have shown itself to Python.
            assert threading.active_count() <= threads + 1

    asyncio.run(program())


def test_objects_are_read_and_written_piece_by_piece(root):
    data = os.urandom(20 << 20)

    async def program():
        async with AsyncS3(s3root=root) as s3:
            async with s3.open("k", "wb", content_type="text/x", metadata={"m": 1}) as file:
                assert await file.write(b"") == 0
                # Small pieces, large ones, and such that are no bytes.
                for start, end in ((0, 10), (10, 5 << 20), (5 << 20, 6 << 20)):
                    assert await file.write(data[start:end]) == end - start
                assert await file.write(memoryview(data)[6 << 20 :]) == 14 << 20
                assert await s3.list_paths() == []
            info = await s3.info("k")
            assert (info.size, info.content_type, info.metadata) == (20 << 20, "text/x", {"m": 1})
            async with s3.open("k") as file:
                assert await file.read(0) == b""
                head = await file.read(7)
                rest = [piece async for piece in file]
                assert head + b"".join(rest) == data and len(rest) > 2
                assert await file.read() == await file.read(1) == b""
            with pytest.raises(ValueError, match="the reader is closed"):
                await file.read(1)
            async with s3.open(S3GetObject("k", 5, 6)) as file:
                assert await file.read() == data[5:11]
            for other in (b"other", data):
                with pytest.raises(FileExistsError):
                    async with s3.open("k", "xb") as file:
                        await file.write(other)
                        await file.write(other)
            with pytest.raises(KeyError):
                async with s3.open("new", "wb") as file:
                    await file.write(data)
                    raise KeyError
            with pytest.raises(ValueError, match="the upload is closed"):
                await file.write(b"more")
            with pytest.raises(mfs3.MetaflowS3NotFound):
                async with s3.open("no"):
                    pass
            with pytest.raises(ValueError, match="rb, wb or xb"):
                s3.open("k", "r")
            assert [one.key for one in await s3.list_paths()] == ["k"]
            assert (await s3.get("k")).blob == data
        async with AsyncS3() as s3:
            with pytest.raises(mfs3.MetaflowS3NotFound):
                async with s3.open("s3://no-such-bucket/k", "wb") as file:
                    for _ in range(3):
                        await file.write(data)

    asyncio.run(program())


def test_a_task_that_is_cancelled_while_it_writes_leaves_nothing(root):
    async def write(s3, key):
        async with s3.open(key, "wb") as file:
            for _ in range(8):
                await file.write(bytes(8 << 20))

    async def program():
        async with AsyncS3(s3root=root) as s3:
            cancelled = 0
            for number in range(10):
                try:
                    await asyncio.wait_for(write(s3, str(number)), 0.01 * (number + 1))
                except TimeoutError:
                    cancelled += 1
                    there = (await s3.info(str(number), return_missing=True)).exists
                    await asyncio.sleep(0.2)
                    assert (await s3.info(str(number), return_missing=True)).exists == there
            assert cancelled > 0

    asyncio.run(program())
    found = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"]).list_multipart_uploads(Bucket="demo")
    prefix = root.removeprefix("s3://demo/")
    assert [upload for upload in found.get("Uploads", []) if upload["Key"].startswith(prefix)] == []


def test_a_cancelled_read_or_write_closes_its_file(root):
    """Its bytes may have been read or taken: a read that follows would leave them out, a write repeat them."""
    data = os.urandom(20 << 20)

    async def cancel(call):
        task = asyncio.create_task(call)
        await asyncio.sleep(0)
        # The call ends, and the loop does not learn of it.
        time.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def program():
        async with AsyncS3(s3root=root) as s3:
            await s3.put("k", data)
            async with s3.open("k") as file:
                await cancel(file.read(1 << 20))
                with pytest.raises(ValueError, match="the reader is closed"):
                    await file.read(1)
            with pytest.raises(ValueError, match="the upload is closed"):
                async with s3.open("new", "wb") as file:
                    await cancel(file.write(data[: 2 << 20]))
                    await file.write(data)
            with pytest.raises(ValueError, match="the upload is closed"):
                async with s3.open("new", "wb") as file:
                    task = asyncio.create_task(file.write(data))
                    await asyncio.sleep(0)
                    file.abort()
                    await asyncio.wait([task])
                    await file.write(data)
            assert [one.key for one in await s3.list_paths()] == ["k"]

    asyncio.run(program())


def test_uploads_that_are_in_flight_at_exit_are_aborted(root):
    program = """
import asyncio
from mfs3 import AsyncS3

s3 = AsyncS3(s3root=%r)

async def begin():
    opened = s3.open("file", "wb")
    file = await opened.__aenter__()
    await file.write(bytes(20 << 20))
    put = asyncio.create_task(s3.put("put", bytes(512 << 20)))
    await asyncio.sleep(0.1)
    return opened, file, put

loop = asyncio.new_event_loop()
kept = loop.run_until_complete(begin())
"""
    subprocess.run([sys.executable, "-c", program % root], check=True, stderr=subprocess.DEVNULL, timeout=60)
    found = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"]).list_multipart_uploads(Bucket="demo")
    prefix = root.removeprefix("s3://demo/")
    assert [upload for upload in found.get("Uploads", []) if upload["Key"].startswith(prefix)] == []


def test_tasks_have_a_progress_of_their_own(root):
    async def program():
        async with AsyncS3(s3root=root) as s3:
            sizes = [10 << 20, 20 << 20]
            for size in sizes:
                await s3.put(str(size), bytes(size))

            async def get(size):
                told = []
                with s3.progress(told.append):
                    for _ in range(size >> 20):
                        await s3.get(str(size))
                return sum(told)

            assert await asyncio.gather(*map(get, sizes)) == [size * (size >> 20) for size in sizes]
            # None of them is told of this one.
            await s3.get(str(sizes[0]))

    asyncio.run(program())


def test_progress_is_told_on_the_loop(root):
    size = 40 << 20

    async def program():
        async with AsyncS3(s3root=root) as s3:
            told = []

            def update(moved):
                assert asyncio.get_running_loop() is not None
                told.append(moved)

            with s3.progress(update) as same:
                assert same is s3
                await s3.put("k", bytes(size))
                assert sum(told) == size
                await asyncio.gather(s3.get("k"), s3.get_many(["k"]))
                assert sum(told) == 3 * size
                await s3.info("k")
            await s3.get("k")
            assert sum(told) == 3 * size

            def fails(moved):
                raise KeyError("mine")

            with s3.progress(fails), pytest.raises(KeyError, match="mine"):
                await s3.get("k")
            assert (await s3.get("k")).size == size

    asyncio.run(program())


def test_a_cancelled_task_cancels_its_call(root, monkeypatch):
    closed = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:%d" % listener.getsockname()[1])

    def serve():
        connection, _ = listener.accept()
        with connection:
            while connection.recv(1 << 16):
                pass
        closed.set()

    threading.Thread(target=serve, daemon=True).start()

    async def program():
        async with AsyncS3() as s3:
            began = time.monotonic()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(s3.get("s3://b/k"), 0.5)
            assert time.monotonic() - began < 5

    asyncio.run(program())
    assert closed.wait(5)
    listener.close()


async def _longest_pause(work):
    """Returns the result of `work`, and for how long at most nothing else ran on the loop meanwhile."""
    pauses = []

    async def tick():
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.005)
            pauses.append(time.monotonic() - began)

    ticks = asyncio.create_task(tick())
    await asyncio.sleep(0)
    result = await work
    ticks.cancel()
    return result, max(pauses)


def test_a_slow_generator_does_not_block_the_loop(root, tmp_path):
    (tmp_path / "f").write_text("file")

    def slow(*items):
        for item in items:
            time.sleep(0.5)
            yield item

    async def program():
        async with AsyncS3(s3root=root) as s3:
            for call, count in (
                (s3.put_many(slow(("a", "1"), ("b", "2"))), 2),
                (s3.put_files(slow(("c", tmp_path / "f"), ("d", tmp_path / "f"))), 2),
                (s3.get_many(slow("a", "b")), 2),
                (s3.info_many(slow("a", "b")), 2),
                (s3.list_paths(slow("", "")), 8),
                (s3.delete_many(slow("a", "b")), 2),
            ):
                found, pause = await _longest_pause(call)
                assert len(found) == count and pause < 0.8, pause

            def fails():
                yield "k", "v"
                raise KeyError("mine")

            with pytest.raises(KeyError, match="mine"):
                await s3.put_many(fails())
            with pytest.raises(mfs3.MetaflowS3InvalidObject):
                await s3.put_many([("k", 5)])

    asyncio.run(program())


def test_a_client_of_boto3_is_made_beside_the_loop(server, root):
    """Metaflow's may ask STS for credentials."""
    made = []

    class External:
        @property
        def client(self):
            time.sleep(1)
            made.append(threading.current_thread())
            return boto3.client("s3", endpoint_url=server, region_name="us-east-1")

    async def use():
        async with AsyncS3(s3root=root, external_client=External()) as s3:
            await asyncio.gather(*(s3.put(str(n), "v") for n in range(10)))
            return await s3.list_paths()

    async def program():
        # The module is loaded by now.
        boto3.client("s3", region_name="us-east-1")
        found, pause = await _longest_pause(use())
        assert len(found) == 10 and pause < 0.8, pause

    asyncio.run(program())
    assert len(made) == 1 and made[0] is not threading.main_thread()


def test_a_loop_may_end_before_its_calls(root, monkeypatch):
    async def program():
        s3 = AsyncS3(s3root=root)
        await s3.put("k", b"x" * 5_000_000)
        tasks = [asyncio.create_task(s3.get("k")) for _ in range(20)]
        await asyncio.sleep(0)
        return tasks

    assert all(task.cancelled() for task in asyncio.run(program()))
