"""Records what pandas and dask write, for the tests of s3-frame.

    python -m venv venv && venv/bin/pip install pandas==3.1.1 dask==2026.8.0 pyarrow
    venv/bin/python crates/s3-frame/tests/golden/record.py

Run it when their versions change; the recorded files are part of the repository. With `--check DIR` it reads what
`cargo run -p s3-frame --all-features --example pandas_samples -- DIR` has written there.
"""

import datetime
import math
import pathlib
import shutil
import sys

import dask.dataframe as dd
import numpy as np
import pandas as pd

HERE = pathlib.Path(__file__).parent


def values():
    """One column of each kind of value that people have in frames."""
    return pd.DataFrame(
        {
            "int": [1, -(2**63), 2**63 - 1, 0],
            "float": [0.1 + 0.2, 1e16, 1e-7, -0.0],
            "special": [np.inf, -np.inf, np.nan, 5e-324],
            "bool": [True, False, True, True],
            "nullable": pd.array([1, None, 3, 4], dtype="Int64"),
            "text": ['a,b', 'say "hi"', "two\nlines", None],
            "date": pd.to_datetime(["2020-01-01", "1969-12-31", None, "2100-02-28"]),
            "time": pd.to_datetime(
                ["2020-01-01 01:02:03.000004", "2020-01-01 00:00:00.0", "1969-12-31 23:59:59.999999", None]
            ),
        }
    )


def dask(folder, frame, parts):
    shutil.rmtree(HERE / folder, ignore_errors=True)
    dd.from_pandas(frame, npartitions=parts).to_csv(str(HERE / folder))


def dask_parquet(folder, frame, parts):
    shutil.rmtree(HERE / folder, ignore_errors=True)
    dd.from_pandas(frame, npartitions=parts).to_parquet(str(HERE / folder), write_metadata_file=False)


def check():
    """Reads what was recorded, and so what s3-frame writes: a test of it compares the bytes."""
    expected = values()
    read = pd.read_csv(HERE / "values.csv", index_col=0, parse_dates=["date", "time"], dtype={"nullable": "Int64"})
    for name in ("date", "time"):
        read[name] = read[name].astype(expected[name].dtype)
    pd.testing.assert_frame_equal(read, expected, check_exact=True)
    for folder in ("three", "twelve"):
        parts = dd.read_csv(str(HERE / folder / "*")).compute()
        assert parts["A"].tolist() == list(range(100))
        assert parts["Unnamed: 0"].tolist() == list(range(100))
    assert len(pd.read_csv(HERE / "no_rows.csv")) == 0


def check_samples(folder):
    """Reads what s3-frame has written: one object and 12 parts, of which 7 have no rows."""
    types = {"int": "int64", "big": "uint64", "float": "float64", "nullable": "Int64"}
    dates = {"parse_dates": ["date", "time"]}
    one = pd.read_csv(folder / "one.csv", index_col=0, dtype=types, **dates)
    # dask takes the types from the first part and fails at a part whose dates are all missing.
    texts = {"bool": "bool", "text": "str", "date": "str", "time": "str"}
    parts = dd.read_csv(str(folder / "csv" / "*"), dtype=types | texts).compute()
    for name in ("date", "time"):
        parts[name] = pd.to_datetime(parts[name], format="ISO8601")
    assert parts["Unnamed: 0"].tolist() == [0, 1, 2, 3, 4]
    for frame in (
        one,
        parts,
        pd.read_parquet(folder / "one.parquet", dtype_backend="numpy_nullable"),
        dd.read_parquet(str(folder / "parquet"), dtype_backend="numpy_nullable").compute(),
    ):
        assert frame["int"].tolist() == [1, -(2**63), 2**63 - 1, 0, -7]
        assert frame["big"].tolist() == [2**64 - 1, 0, 1, 2, 3]
        assert frame["float"].tolist() == [0.1 + 0.2, 1e16, 1e-7, 0.0, math.inf]
        assert math.copysign(1, frame["float"].tolist()[3]) == -1
        assert frame["bool"].tolist() == [True, False, True, True, False]
        assert [None if pd.isna(v) else v for v in frame["nullable"]] == [1, None, 3, 4, None]
        assert [None if pd.isna(v) else v for v in frame["text"]] == ["a,b", 'say "hi"', "two\nlines", None, "ü"]
        days = [None if pd.isna(v) else pd.Timestamp(v).date() for v in frame["date"]]
        assert days == [datetime.date(2020, 1, 1), datetime.date(1969, 12, 31), None, datetime.date(2100, 2, 28), datetime.date(1970, 1, 1)]
        times = [None if pd.isna(v) else v for v in frame["time"]]
        assert times == [
            pd.Timestamp("2020-01-01 01:02:03.000004"),
            pd.Timestamp("2020-01-01"),
            pd.Timestamp("1969-12-31 23:59:59.999999"),
            None,
            pd.Timestamp(0),
        ]
    print("pandas", pd.__version__, "reads what was written")


def main():
    if sys.argv[1:2] == ["--check"]:
        return check_samples(pathlib.Path(sys.argv[2]))
    values().to_csv(HERE / "values.csv")
    values().to_csv(HERE / "named.csv", index_label="key")
    values().to_csv(HERE / "bare.csv", index=False)
    values().head(0).to_csv(HERE / "no_rows.csv")
    numbers = pd.DataFrame({"A": range(100), "B": [f"row {i}" for i in range(100)]})
    values().to_parquet(HERE / "values.parquet")
    dask_parquet("parts", numbers, 3)
    dask("three", numbers, 3)
    dask("twelve", numbers, 12)
    check()


main()
