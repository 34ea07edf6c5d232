"""Listings, CSV and Parquet objects as Arrow record batches, read by pandas, polars and pyarrow."""

import datetime
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import mfs3
from mfs3 import S3, _native


@pytest.fixture
def s3(root):
    with S3(s3root=root) as s3:
        yield s3


@pytest.fixture
def df():
    random = np.random.default_rng(3)
    frame = pd.DataFrame(random.integers(0, 100, size=(300, 2)), columns=list("AB"))
    return frame.assign(C=random.normal(size=300), D=["text %d" % n for n in range(300)])


def write_parts(s3, df, encode, suffix):
    for number in range(3):
        s3.put("set/%d.%s" % (number, suffix), encode(df.iloc[number * 100 : (number + 1) * 100]))


def test_a_listing_is_a_table(s3, root):
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
    s3.put_many([("k%04d" % n, "x" * (n % 7)) for n in range(2500)])
    listed = s3.list_recursive()
    reader = pa.RecordBatchReader.from_stream(s3.list_arrow(batch_rows=1000))
    batches = list(reader)
    assert [batch.num_rows for batch in batches] == [1000, 1000, 500]
    table = pa.Table.from_batches(batches)
    assert table.column_names == ["url", "key", "prefix", "size", "last_modified", "etag", "storage_class"]
    assert table["url"].to_pylist() == [found.url for found in listed]
    assert table["key"].to_pylist() == [found.key for found in listed]
    assert table["prefix"].unique().to_pylist() == [root]
    assert table["size"].to_pylist() == [n % 7 for n in range(2500)]
    assert before < min(table["last_modified"].to_pylist())
    assert [str(etag) for etag in table["etag"].to_pylist()[:7]] == [s3.get("k%04d" % n).etag for n in range(7)]
    for frame in (pd.DataFrame.from_arrow(s3.list_arrow()), pl.DataFrame(s3.list_arrow())):
        assert list(frame["key"]) == table["key"].to_pylist()
        assert frame["size"].sum() == sum(n % 7 for n in range(2500))
    assert pa.table(s3.list_arrow(["k00"])).num_rows == 0
    assert pa.table(s3.list_arrow([])).num_rows == 0


def test_duckdb_queries_a_listing_and_parts(s3, df):
    import duckdb

    s3.put_many([("k%04d" % n, "x" * (n % 7)) for n in range(2500)])
    write_parts(s3, df, lambda part: part.to_csv(), "part")
    # DuckDB finds these by their names.
    files, rows = s3.list_arrow(), s3.read_csv("set/*", index="drop")
    with duckdb.connect() as connection:
        counted = connection.sql("select count(*), sum(size) from files where key like 'k%'").fetchall()
        largest = connection.sql("select max(A), count(distinct D) from rows").fetchall()
    assert counted == [(2500, sum(n % 7 for n in range(2500)))]
    assert largest == [(df["A"].max(), 300)]


def test_parts_of_csv_are_a_table(s3, root, df):
    write_parts(s3, df, lambda part: part.to_csv(), "part")
    batches = s3.read_csv("set/*", index="drop")
    assert batches.parts == [root + "/set/%d.part" % n for n in range(3)]
    assert repr(batches) == "<RecordBatches A, B, C, D>"
    pd.testing.assert_frame_equal(pd.DataFrame.from_arrow(batches), df, check_dtype=False)
    assert pl.DataFrame(s3.read_csv(["set/*"], index="drop")).equals(pl.from_pandas(df))
    kept = pa.table(s3.read_csv("set/*", include_path="path", batch_rows=64))
    assert kept.column_names == ["Unnamed: 0", "A", "B", "C", "D", "path"]
    assert kept["path"].to_pylist() == [url for url in batches.parts for _ in range(100)]
    assert max(map(len, kept.to_batches())) == 64


def test_the_options_of_csv(s3):
    s3.put("k", "1;NA\n2;b\n")
    table = pa.table(s3.read_csv("k", delimiter=";", header=False, pandas_nulls=True))
    assert table.to_pydict() == {"column_1": [1, 2], "column_2": [None, "b"]}
    s3.put("k", "a\n1\nb\n")
    with pytest.raises(ValueError):
        pa.table(s3.read_csv("k", infer_rows=1))
    assert pa.table(s3.read_csv("k"))["a"].to_pylist() == ["1", "b"]
    for options in ({"delimiter": "é"}, {"delimiter": ""}, {"delimiter": "ab"}, {"index": "no"}):
        with pytest.raises(ValueError):
            s3.read_csv("k", **options)


@pytest.mark.parametrize("compression", ["snappy", "gzip", "zstd", "lz4"])
def test_parts_of_parquet_are_a_table(s3, root, df, compression):
    write_parts(s3, df, lambda part: part.to_parquet(index=False, compression=compression), "parquet")
    batches = s3.read_parquet("set/*.parquet")
    assert batches.parts == [root + "/set/%d.parquet" % n for n in range(3)]
    pd.testing.assert_frame_equal(pd.DataFrame.from_arrow(batches), df)
    assert pl.DataFrame(s3.read_parquet("set/*.parquet")).equals(pl.from_pandas(df))
    schema = pa.schema(s3.read_parquet("set/0.parquet"))
    assert schema.names == list("ABCD")


def test_batches_are_read_once(s3):
    s3.put("k", "a\n1\n")
    batches = s3.read_csv("k")
    assert pa.table(batches).num_rows == 1
    with pytest.raises(RuntimeError, match="have been read"):
        pa.table(batches)
    # A consumer that is not interested leaves nothing behind.
    del batches
    s3.read_csv("k").__arrow_c_stream__()


def test_errors_are_exceptions_of_the_call(s3, root):
    s3.put("ok", "a,b\n1,2\n")
    s3.put("bad", "PAR1 no")
    with pytest.raises(mfs3.MetaflowS3NotFound, match="no object matches"):
        s3.read_csv("nothing/*")
    with pytest.raises(mfs3.MetaflowS3URLException):
        s3.read_csv("set/[")
    with pytest.raises(ValueError, match="bad"):
        s3.read_parquet("bad")
    with S3() as bare:
        for call in (bare.list_arrow, bare.read_csv):
            with pytest.raises((mfs3.MetaflowS3NotFound, TypeError)):
                call(["s3://no-such-bucket/x"])
        with pytest.raises(mfs3.MetaflowS3URLException):
            bare.list_arrow()


def test_a_part_that_is_wrong_is_an_error_of_the_read(s3, root):
    s3.put_many([("set/0", "a\n1\n"), ("set/1", "b\n1\n")])
    reader = pa.RecordBatchReader.from_stream(s3.read_csv("set/*"))
    with pytest.raises(ValueError, match=root + "/set/1"):
        reader.read_all()
    # What was read is not all, however often one asks.
    with pytest.raises(OSError, match="earlier read"):
        reader.read_next_batch()


def test_a_part_that_is_replaced_meanwhile_is_an_error(s3):
    s3.put_many([("set/%d" % n, "a\n1\n") for n in range(8)])
    batches = s3.read_csv("set/*")
    s3.put("set/7", "a\n5\n")
    with pytest.raises(OSError, match="set/7"):
        pa.table(batches)


def test_credentials_of_python_are_asked_for_while_a_consumer_waits(root):
    names = {"aws_access_key_id": "AWS_ACCESS_KEY_ID", "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY"}
    params = {name: os.environ[variable] for name, variable in names.items()}
    params["endpoint_url"] = os.environ["AWS_ENDPOINT_URL"]
    with S3(s3root=root) as s3:
        s3.put_many([("set/%02d" % n, "a\n%d\n" % n) for n in range(20)])
    asked = []

    def credentials():
        asked.append(1)
        return params["aws_access_key_id"], params["aws_secret_access_key"], None

    engine = _native.Engine(endpoint=params["endpoint_url"], region="us-east-1", credentials=credentials)
    client = _native.Client(engine, root=root, tmproot="/tmp")
    read = client.read_csv(
        ["set/*"],
        delimiter=",",
        header=True,
        drop_index=False,
        pandas_nulls=False,
        infer_rows=1000,
        include_path=None,
        batch_rows=1,
    )
    assert pl.DataFrame(read)["a"].to_list() == list(range(20)) and asked


def test_a_signal_ends_a_read_of_many_batches(s3, root):
    s3.put_many([("set/%d" % n, "a,b\n" + "1,2\n" * 250_000) for n in range(100)])
    program = """
import os, signal, sys, threading, time
import mfs3
import pyarrow as pa
with mfs3.S3(s3root=sys.argv[1]) as s3:
    reader = pa.RecordBatchReader.from_stream(s3.read_csv("set/*", batch_rows=1000))
    reader.read_next_batch()
    began = time.monotonic()
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        reader.read_all()
        time.sleep(1)
    except (KeyboardInterrupt, OSError):
        print("%.1f" % (time.monotonic() - began))
        try:
            # The signal is repeated once pyarrow has returned.
            time.sleep(1)
        except KeyboardInterrupt:
            pass
"""
    done = subprocess.run([sys.executable, "-c", program, root], timeout=120, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1, done.stdout


def test_a_forked_child_does_not_read_what_its_parent_opened(s3):
    s3.put_many([("set/%d" % n, "a\n1\n") for n in range(8)])
    batches = s3.read_csv("set/*")
    reader = pa.RecordBatchReader.from_stream(s3.read_csv("set/*"))
    child = os.fork()
    if child == 0:
        status = 1
        try:
            for read in (reader.read_all, lambda: pl.DataFrame(batches)):
                try:
                    read()
                except Exception as error:
                    status = 0 if "before a fork" in str(error) else 2
            del reader, batches
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert reader.read_all().num_rows == 8
    assert pa.table(batches).num_rows == 8
