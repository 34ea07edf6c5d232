"""Records what pandas and dask write, for the tests of s3-frame.

    python -m venv venv && venv/bin/pip install pandas==3.1.1 dask==2026.8.0 pyarrow
    venv/bin/python crates/s3-frame/tests/golden/record.py

Run it when their versions change; the recorded files are part of the repository. `cargo xtask python` runs it with
`--check`: pandas and dask still write what was recorded, and read it. With `--check DIR` they also read what
`cargo run -p s3-frame --all-features --example pandas_samples -- DIR` has written there; `written` is such a directory,
and a test of s3-frame compares its bytes.
"""

import datetime
import filecmp
import math
import pathlib
import sys
import tempfile

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

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


def more_values():
    """Integers beyond 63 bits, booleans with nulls, and whole seconds."""
    return pd.DataFrame(
        {
            "unsigned": np.array([2**64 - 1, 0, 2**63, 1], dtype="uint64"),
            "wide": [2**64, -(2**63) - 1, 1, 0],
            "flag": [True, None, False, True],
            "nullable": pd.array([True, None, False, True], dtype="boolean"),
            "second": pd.to_datetime(
                ["2020-01-01 01:02:03", "1969-12-31 23:59:59", None, "2100-02-28 00:00:00"]
            ).astype("datetime64[s]"),
        }
    )


def numbers(rows=100):
    return pd.DataFrame({"A": range(rows), "B": [f"row {i}" for i in range(rows)]})


def midnights():
    """Times of which the first partition has only midnights: pandas writes no time of day for these."""
    times = ["2020-01-01", "2020-01-02", "2020-01-02 10:00:00.000004", "2020-01-03"]
    return pd.DataFrame({"at": pd.to_datetime(times, format="ISO8601")})


def offsets():
    """Times of a zone, which pandas writes with their offset."""
    return pd.DataFrame({"at": pd.to_datetime(["2020-01-01 01:02:03", "2020-07-01 01:02:03"]).tz_localize("+02:00")})


def record(folder):
    """Writes all files into a folder."""
    values().to_csv(folder / "values.csv")
    values().to_csv(folder / "named.csv", index_label="key")
    values().to_csv(folder / "bare.csv", index=False)
    values().head(0).to_csv(folder / "no_rows.csv")
    more_values().to_csv(folder / "more.csv")
    offsets().to_csv(folder / "offsets.csv")
    values().to_parquet(folder / "values.parquet")
    values().head(0).to_parquet(folder / "no_rows.parquet")
    # Parquet has no integers beyond 64 bits.
    more_values().drop(columns="wide").to_parquet(folder / "more.parquet")
    three = dd.from_pandas(numbers(), npartitions=3)
    twelve = dd.from_pandas(numbers(), npartitions=12)
    # The first part has no rows, and the second fewer than before.
    filtered = three[three["A"] >= 60]
    nothing = three[three["A"] < 0]
    midnight = dd.from_pandas(midnights(), npartitions=2)
    sets = {"three": three, "twelve": twelve, "filtered": filtered, "nothing": nothing, "midnight": midnight}
    for name, frame in sets.items():
        frame.to_csv(str(folder / name))
    sets = {"parts": three, "twelve_parquet": twelve, "filtered_parquet": filtered, "nothing_parquet": nothing}
    for name, frame in sets.items():
        frame.to_parquet(str(folder / name), write_metadata_file=False)


def recorded(folder):
    """All files that `record` writes, relative to the folder."""
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return sorted(file for file in files if file.suffix != ".py" and file.parts[0] != "written")


def check_recorded():
    """Fails unless pandas and dask still write what was recorded."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        record(folder)
        assert recorded(folder) == recorded(HERE), (recorded(folder), recorded(HERE))
        for file in recorded(HERE):
            if file.suffix == ".parquet":
                # The bytes depend on the version of pyarrow.
                same = pq.read_table(folder / file).equals(pq.read_table(HERE / file))
            else:
                same = filecmp.cmp(folder / file, HERE / file, shallow=False)
            assert same, f"{file} is not what was recorded: run record.py and the tests of s3-frame"


def check_read():
    """Reads what was recorded, and so what s3-frame writes: a test of it compares the bytes."""
    expected = values()
    read = pd.read_csv(HERE / "values.csv", index_col=0, parse_dates=["date", "time"], dtype={"nullable": "Int64"})
    for name in ("date", "time"):
        read[name] = read[name].astype(expected[name].dtype)
    pd.testing.assert_frame_equal(read, expected, check_exact=True)
    more = pd.read_csv(HERE / "more.csv", index_col=0, parse_dates=["second"])
    assert more["unsigned"].tolist() == [2**64 - 1, 0, 2**63, 1]
    assert [int(value) for value in more["wide"]] == [2**64, -(2**63) - 1, 1, 0]
    assert [None if pd.isna(value) else value for value in more["flag"]] == [True, None, False, True]
    assert more["second"].tolist()[:2] == [pd.Timestamp("2020-01-01 01:02:03"), pd.Timestamp("1969-12-31 23:59:59")]
    for folder, first in (("three", 0), ("twelve", 0), ("filtered", 60)):
        # dask takes the types from the first part, which may have no rows.
        types = {"Unnamed: 0": "int64", "A": "int64"} if folder == "filtered" else None
        parts = dd.read_csv(str(HERE / folder / "*"), dtype=types).compute()
        assert parts["A"].tolist() == list(range(first, 100))
        assert parts["Unnamed: 0"].tolist() == list(range(first, 100))
    for folder, first in (("parts", 0), ("twelve_parquet", 0), ("filtered_parquet", 60)):
        # A directory and a pattern, in the order of the numbers.
        for path in (HERE / folder, HERE / folder / "*.parquet"):
            assert dd.read_parquet(str(path)).compute()["A"].tolist() == list(range(first, 100)), path
    assert len(dd.read_parquet(str(HERE / "nothing_parquet")).compute()) == 0
    assert len(dd.read_csv(str(HERE / "nothing" / "*")).compute()) == 0
    assert pd.read_csv(HERE / "named.csv", index_col="key").index.tolist() == [0, 1, 2, 3]
    assert len(pd.read_csv(HERE / "no_rows.csv")) == 0
    assert len(pd.read_parquet(HERE / "no_rows.parquet")) == 0


def check_samples(folder):
    """Reads what s3-frame has written: one object and 12 parts, of which 7 have no rows; NaN; and sets without rows."""
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
    for number in (
        pd.read_csv(folder / "nan_one.csv", index_col=0)["number"],
        dd.read_csv(str(folder / "nan_csv" / "*")).compute()["number"],
        pd.read_parquet(folder / "nan_one.parquet")["number"],
        dd.read_parquet(str(folder / "nan_parquet")).compute()["number"],
    ):
        assert number.dtype == "float64" and number[0] == 1.5 and number[1:].isna().tolist() == [True, True], number
    number = pq.read_table(folder / "nan_one.parquet")["number"].to_pylist()
    assert number[0] == 1.5 and math.isnan(number[1]) and number[2] is None, number
    for none in (
        pd.read_csv(folder / "no_rows_one.csv", index_col=0),
        dd.read_csv(str(folder / "no_rows_csv" / "*")).compute().drop(columns="Unnamed: 0"),
        pd.read_parquet(folder / "no_rows_one.parquet"),
        dd.read_parquet(str(folder / "no_rows_parquet")).compute(),
    ):
        assert len(none) == 0 and none.columns.tolist() == one.columns.tolist(), none
    print("pandas", pd.__version__, "reads what was written")


def main():
    if sys.argv[1:2] == ["--check"]:
        check_recorded()
        check_read()
        for folder in sys.argv[2:]:
            check_samples(pathlib.Path(folder))
        return
    for file in recorded(HERE):
        (HERE / file).unlink()
    record(HERE)
    check_read()


main()
