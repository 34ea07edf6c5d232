"""A program whose types mypy and pyright check in their strict modes."""

import asyncio
from typing import Any, assert_type

import mfs3
from mfs3 import S3, AsyncS3, RangeInfo, RecordBatches, S3GetObject, S3Object, S3PutObject, SyncSummary
from mfs3.fsspec import S3FileSystem


def read(s3: S3) -> None:
    found = s3.get("key")
    assert_type(found, S3Object)
    assert_type(found.blob, bytes | None)
    assert_type(found.view, memoryview | None)
    assert_type(found.text, str | None)
    assert_type(found.range_info, RangeInfo | None)
    assert_type(found.size, int | None)
    assert_type(s3.get_many(["a", S3GetObject("b", 0, 10), found]), list[S3Object])
    assert_type(s3.list_paths(), list[S3Object])
    assert_type(s3.info("key", return_missing=True).exists, bool)


def write(s3: S3) -> None:
    assert_type(s3.put("key", b"value", metadata={"a": 1}), str)
    assert_type(s3.put_many([("a", "1"), ("b", b"2")]), list[tuple[str, str]])
    assert_type(s3.put_many(S3PutObject(key, value=key) for key in "ab"), list[tuple[str, str]])
    assert_type(s3.put_files([("a", "/tmp/a")]), list[tuple[str, str]])
    assert_type(s3.presign("key", 60, "PUT"), str)


def beyond_metaflow(s3: S3) -> None:
    with s3.open("key") as source, s3.open("copy", "wb", metadata={"a": 1}) as target:
        assert_type(source.read(10), bytes)
        assert_type(target.write(b"more"), int)
    moved: list[int] = []
    with s3.progress(moved.append):
        assert_type(s3.sync("/tmp/directory", "s3://bucket/prefix", delete=True), SyncSummary)
    assert_type(s3.list_arrow(["key"]), RecordBatches)
    assert_type(s3.read_csv("set/*.csv", index="drop").parts, list[str])
    assert_type(s3.read_parquet(["set/*.parquet"]), RecordBatches)


def fail(s3: S3) -> str | None:
    try:
        s3.get("missing")
    except mfs3.MetaflowS3NotFound as error:
        assert_type(error.attempts, int | None)
        return error.kind
    return None


async def concurrently() -> None:
    async with AsyncS3(s3root="s3://bucket/prefix") as s3:
        assert_type(s3, AsyncS3)
        async with s3.open("new", "wb", metadata={"a": 1}) as writer:
            assert_type(await writer.write(b"1"), int)
        async with s3.open("new") as reader:
            assert_type(await reader.read(), bytes)
        with s3.progress(print) as same:
            assert_type(same, AsyncS3)
        one, many = await asyncio.gather(s3.get("key"), s3.get_many(["a"]))
        assert_type(one, S3Object)
        assert_type(many, list[S3Object])
        assert_type(await s3.put("key", "value"), str)
        assert_type(await s3.sync("directory", "s3://bucket/prefix"), SyncSummary)


def files() -> None:
    fs = S3FileSystem(client_kwargs={"endpoint_url": "http://127.0.0.1"})
    assert_type(fs.cat_file("bucket/key", 0, 10), bytes)
    assert_type(fs.info("bucket/key"), dict[str, Any])
    mfs3.register("s3")


def main() -> None:
    with S3(s3root="s3://bucket/prefix", tmproot="/tmp") as s3:
        assert_type(s3, S3)
        read(s3)
        write(s3)
        beyond_metaflow(s3)
        print(fail(s3), mfs3.info()["version"], mfs3.__version__)
    asyncio.run(concurrently())
    files()


if __name__ == "__main__":
    main()
