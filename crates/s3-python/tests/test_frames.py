"""pandas, dask, pyarrow and polars over the file system, as the tutorial on S3 writes it."""

import io
import os
import subprocess
import sys
import textwrap

import pytest

boto3 = pytest.importorskip("boto3")
import numpy as np
import pandas as pd

import fsspec
import mfs3
from mfs3.fsspec import S3FileSystem


@pytest.fixture
def bucket(root):
    """A bucket of the tutorial, with only what the test writes below one prefix."""
    return root[len("s3://") :]


@pytest.fixture
def registered(root):
    mfs3.register("s3")
    yield
    fsspec.register_implementation("s3", "s3fs.S3FileSystem", clobber=True)


@pytest.fixture
def df():
    return pd.DataFrame(np.random.default_rng(7).integers(0, 100, size=(100, 4)), columns=list("ABCD"))


def s3fs_options():
    return {"client_kwargs": {"endpoint_url": os.environ["AWS_ENDPOINT_URL"]}}


TUTORIAL = """
    import sys
    import boto3
    import numpy as np
    import pandas as pd
    import dask
    import dask.dataframe as dd
    from io import StringIO, BytesIO

    if sys.argv[2] == "mfs3":
        import mfs3
        mfs3.register("s3")

    def main():
        s3 = boto3.client("s3")
        s3_resource = boto3.resource('s3')
        bucket_name = sys.argv[1]
        if sys.argv[3] == "distributed":
            from distributed import Client
            client = Client(n_workers=2, threads_per_worker=1, dashboard_address=None)
        else:
            dask.config.set(scheduler=sys.argv[3])

        np.random.seed(1)
        df = pd.DataFrame(np.random.randint(0,100,size=(100, 4)), columns=list('ABCD'))
        dask_df = dd.from_pandas(df, 3)
        dask_df.to_csv("s3://{}/dask_data_parts".format(bucket_name))
        dask_df2 = dd.read_csv("s3://{}/dask_data_parts/*".format(bucket_name))
        print(dask_df2.compute().to_csv())
        df.to_csv("s3://{}/df.csv".format(bucket_name))
        print(pd.read_csv("s3://{}/df.csv".format(bucket_name)).to_csv())
        csv_buffer = StringIO()
        df.to_csv(csv_buffer)
        s3_resource.Object(bucket_name, 'buffer.csv').put(Body=csv_buffer.getvalue())
        obj = s3.get_object(Bucket=bucket_name, Key='df.csv')
        print(pd.read_csv(BytesIO(obj['Body'].read())).to_csv())
        print(pd.read_csv("s3://{}/buffer.csv".format(bucket_name)).to_csv())
        response = s3.list_objects_v2(Bucket=bucket_name)
        print(pd.DataFrame.from_dict(response['Contents'])[['Key', 'Size', 'ETag']].to_csv())
        if sys.argv[3] == "distributed":
            client.close()

    if __name__ == "__main__":
        main()
"""


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory):
    """Runs the tutorial's lines with a file system and a scheduler of dask, in a bucket of their own."""
    program = tmp_path_factory.mktemp("tutorial") / "tutorial.py"
    program.write_text(textwrap.dedent(TUTORIAL))
    buckets = iter(range(100))

    def run(system, scheduler):
        bucket = "tutorial-%d" % next(buckets)
        boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"]).create_bucket(Bucket=bucket)
        done = subprocess.run(
            [sys.executable, str(program), bucket, system, scheduler],
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout, fs_content(bucket)

    return run


def fs_content(bucket):
    fs = S3FileSystem()
    return {name[len(bucket) :]: data for name, data in fs.cat(fs.find(bucket)).items()}


@pytest.mark.parametrize("scheduler", ["threads", "processes", "distributed"])
def test_the_lines_of_the_tutorial_give_what_they_give_with_s3fs(tutorial, scheduler):
    output, objects = tutorial("mfs3", scheduler)
    expected, expected_objects = tutorial("s3fs", "threads")
    assert objects == expected_objects and len(objects) == 5
    assert objects["/buffer.csv"] == objects["/df.csv"]
    assert output == expected and output.count("\n") > 400


def test_pandas_reads_and_writes(registered, bucket, df):
    for name in ("df.csv", "df.csv.gz", "df.parquet", "df.json"):
        url = "s3://%s/%s" % (bucket, name)
        kind = name.split(".")[1]
        getattr(df, "to_" + kind)(url)
        read = getattr(pd, "read_" + kind)(url)
        pd.testing.assert_frame_equal(read[list("ABCD")], df)


def test_pyarrow_reads_and_writes_datasets(bucket, df):
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    fs = S3FileSystem()
    table = pa.Table.from_pandas(df.assign(part=df["A"] % 3))
    ds.write_dataset(table, bucket + "/set", filesystem=fs, format="parquet", partitioning=["part"], partitioning_flavor="hive")
    read = ds.dataset(bucket + "/set", filesystem=fs, format="parquet", partitioning="hive")
    assert read.count_rows() == 100
    some = read.to_table(filter=ds.field("part") == 1).to_pandas()
    assert sorted(some["A"]) == sorted(df["A"][df["A"] % 3 == 1])
    pq.write_table(table, bucket + "/one.parquet", filesystem=fs)
    assert pq.read_table(bucket + "/one.parquet", filesystem=fs) == table
    wrapped = pa.fs.PyFileSystem(pa.fs.FSSpecHandler(fs))
    assert wrapped.get_file_info(bucket + "/one.parquet").size == fs.size(bucket + "/one.parquet")


def test_polars_reads_and_writes(bucket, df):
    import polars as pl

    frame = pl.DataFrame({name: df[name].to_list() for name in "ABCD"})
    fs = S3FileSystem()
    with fs.open(bucket + "/p.parquet", "wb") as file:
        frame.write_parquet(file)
    with fs.open(bucket + "/p.csv", "wb") as file:
        frame.write_csv(file)
    with fs.open(bucket + "/p.parquet") as file:
        assert pl.read_parquet(file).equals(frame)
    with fs.open(bucket + "/p.csv") as file:
        assert pl.read_csv(file).equals(frame)
    # Bytes that polars reads where they are.
    with mfs3.S3(s3root="s3://" + bucket) as s3:
        assert pl.read_parquet(io.BytesIO(s3.get("p.parquet").view)).equals(frame)


def test_a_listing_by_prefix_lists_nothing_else(bucket):
    """`find` with a prefix and `glob` do not list what cannot match."""
    # An instance of its own: fsspec hands a cached one to other tests, which must not get the counting client.
    fs = S3FileSystem(skip_instance_cache=True)
    fs.pipe({"%s/d/a%03d" % (bucket, n): b"" for n in range(50)} | {bucket + "/d/b/%d" % n: b"x" for n in range(3)})
    listed = []

    class Counted:
        def __init__(self, client):
            self._client = client

        def __getattr__(self, name):
            return getattr(self._client, name)

        def list_prefix(self, *arguments, **options):
            files, directories = self._client.list_prefix(*arguments, **options)
            listed.append(len(files) + len(directories))
            return files, directories

    counted = Counted(fs._client())
    fs._client = lambda: counted
    assert fs.find(bucket + "/d", prefix="b/") == [bucket + "/d/b/%d" % n for n in range(3)]
    assert listed == [3]
    assert fs.glob(bucket + "/d/a01*") == [bucket + "/d/a%03d" % n for n in range(10, 20)]
    assert fs.glob(bucket + "/d/b/?", detail=True)[bucket + "/d/b/1"]["size"] == 1
    assert listed == [3, 10, 3]
    assert fs.glob(bucket + "/*/b/*") == [bucket + "/d/b/%d" % n for n in range(3)]
    assert fs.isdir(bucket + "/d") and fs.exists(bucket + "/d/b")
    assert listed[4:] == [1, 1]
