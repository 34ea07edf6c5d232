//! Reads files that pandas and dask have written, recorded by `tests/golden/record.py`.

use std::num::NonZeroU64;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, TimestampSecondArray, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use arrow_select::concat::concat_batches;
use futures_util::stream;
use s3_frame::{Index, Split};

use crate::setup::{all, column, golden, texts, with_golden, with_objects};

macro_rules! golden {
    ($name:literal) => {
        include_bytes!(concat!("../golden/", $name)).as_slice()
    };
}

/// A dataset of 3 parts that dask has written.
const THREE: [(&str, &[u8]); 3] = [
    ("three/0.part", golden!("three/0.part")),
    ("three/1.part", golden!("three/1.part")),
    ("three/2.part", golden!("three/2.part")),
];

/// The same in 12 parts.
const TWELVE: [(&str, &[u8]); 12] = [
    ("twelve/00.part", golden!("twelve/00.part")),
    ("twelve/01.part", golden!("twelve/01.part")),
    ("twelve/02.part", golden!("twelve/02.part")),
    ("twelve/03.part", golden!("twelve/03.part")),
    ("twelve/04.part", golden!("twelve/04.part")),
    ("twelve/05.part", golden!("twelve/05.part")),
    ("twelve/06.part", golden!("twelve/06.part")),
    ("twelve/07.part", golden!("twelve/07.part")),
    ("twelve/08.part", golden!("twelve/08.part")),
    ("twelve/09.part", golden!("twelve/09.part")),
    ("twelve/10.part", golden!("twelve/10.part")),
    ("twelve/11.part", golden!("twelve/11.part")),
];

#[tokio::test]
async fn every_kind_of_value_is_read_with_its_type() {
    let (_, frames) = with_objects(&[("values.csv", golden!("values.csv"))]).await;
    let read = frames.read_csv(["s3://b/values.csv"]).open().await.unwrap();
    let schema = read.schema();
    let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
    assert_eq!(
        types(&schema),
        [
            ("Unnamed: 0", DataType::Int64),
            ("int", DataType::Int64),
            ("float", DataType::Float64),
            ("special", DataType::Float64),
            ("bool", DataType::Boolean),
            ("nullable", DataType::Int64),
            ("text", DataType::Utf8),
            ("date", DataType::Date32),
            ("time", micros),
        ]
    );
    let batches = all(read).await.unwrap();
    let floats = |name: &str| {
        let column = batches[0].column_by_name(name).unwrap();
        let values = column.as_primitive::<Float64Type>().iter();
        values
            .map(|value| value.map(f64::to_bits))
            .collect::<Vec<_>>()
    };
    let bits = |value: f64| Some(value.to_bits());
    assert_eq!(
        floats("float"),
        [bits(0.1 + 0.2), bits(1e16), bits(1e-7), bits(-0.0)]
    );
    let infinite = f64::INFINITY;
    assert_eq!(
        floats("special"),
        [bits(infinite), bits(-infinite), None, bits(5e-324)]
    );
    let (min, max) = (i64::MIN.to_string(), i64::MAX.to_string());
    assert_eq!(column(&batches, "int"), texts(&["1", &min, &max, "0"]));
    assert_eq!(
        column(&batches, "bool"),
        texts(&["true", "false", "true", "true"])
    );
    assert_eq!(column(&batches, "nullable")[1], None);
    let mut text = texts(&["a,b", "say \"hi\"", "two\nlines"]);
    text.push(None);
    assert_eq!(column(&batches, "text"), text);
    let mut date = texts(&["2020-01-01", "1969-12-31", "", "2100-02-28"]);
    date[2] = None;
    assert_eq!(column(&batches, "date"), date);
    let mut time = texts(&[
        "2020-01-01T01:02:03.000004",
        "2020-01-01T00:00:00",
        "1969-12-31T23:59:59.999999",
    ]);
    time.push(None);
    assert_eq!(column(&batches, "time"), time);
}

#[tokio::test]
async fn the_index_may_have_a_name_or_be_missing() {
    let (_, frames) = with_objects(&[
        ("named.csv", golden!("named.csv")),
        ("bare.csv", golden!("bare.csv")),
        ("no_rows.csv", golden!("no_rows.csv")),
    ])
    .await;
    for (key, index, first) in [
        ("named.csv", Index::Drop, "key"),
        ("bare.csv", Index::Drop, "int"),
        ("no_rows.csv", Index::Drop, "int"),
        ("no_rows.csv", Index::Keep, "Unnamed: 0"),
    ] {
        let read = frames.read_csv([format!("s3://b/{key}")]).index(index);
        let read = read.open().await.unwrap();
        assert_eq!(read.schema().field(0).name(), first, "{key}");
    }
}

#[tokio::test]
async fn the_parts_of_dask_are_read_in_order() {
    let objects = [&THREE[..], &TWELVE].concat();
    let (_, frames) = with_objects(&objects).await;
    for folder in ["three", "twelve"] {
        let read = frames
            .read_csv([format!("s3://b/{folder}/*")])
            .index(Index::Drop);
        let batches = all(read.open().await.unwrap()).await.unwrap();
        let numbers: Vec<String> = (0..100).map(|row| row.to_string()).collect();
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        assert_eq!(column(&batches, "A"), texts(&numbers), "{folder}");
        assert_eq!(column(&batches, "B")[99].as_deref(), Some("row 99"));
    }
}

#[tokio::test]
async fn an_index_with_a_name_is_a_column_beside_the_same_values() {
    let (_, frames) = with_golden(&["named.csv", "values.csv"]).await;
    let read = async |name: &str| {
        let read = frames.read_csv([format!("s3://b/{name}")]).open().await;
        all(read.unwrap()).await.unwrap().remove(0)
    };
    let (named, values) = (read("named.csv").await, read("values.csv").await);
    assert_eq!(named.schema().field(0).name(), "key");
    assert_eq!(values.schema().field(0).name(), "Unnamed: 0");
    assert_eq!(named.columns(), values.columns());
    assert_eq!((named.num_rows(), named.num_columns()), (4, 9));
}

/// Returns the names and types of columns.
fn types(schema: &Schema) -> Vec<(&str, DataType)> {
    let fields = schema.fields().iter();
    fields
        .map(|field| (field.name().as_str(), field.data_type().clone()))
        .collect()
}

#[tokio::test]
async fn wide_integers_nullable_booleans_and_whole_seconds_are_read_with_their_types() {
    let (_, frames) = with_golden(&["more.csv"]).await;
    let read = frames.read_csv(["s3://b/more.csv"]).index(Index::Drop);
    let read = read.open().await.unwrap();
    let schema = read.schema();
    let batches = all(read).await.unwrap();
    assert_eq!(concat_batches(&schema, &batches).unwrap(), more_values());
}

#[tokio::test]
async fn times_of_a_later_part_are_not_cut_off() {
    // dask formats each partition by itself: the first has midnights only, and no time of day.
    let (_, frames) = with_golden(&["midnight"]).await;
    let read = || frames.read_csv(["s3://b/midnight/*"]).index(Index::Drop);
    let dates = read().open().await.unwrap();
    assert_eq!(types(&dates.schema()), [("at", DataType::Date32)]);
    let error = all(dates).await.unwrap_err().to_string();
    assert!(
        error.starts_with("read s3://b/midnight/1.part: ")
            && error.contains("has a time, and the column type is a date"),
        "{error}"
    );
    let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
    let fields = [("", DataType::Int64), ("at", micros)];
    let fields = fields.map(|(name, data_type)| Field::new(name, data_type, true));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let read = read().schema(schema).open().await.unwrap();
    assert_eq!(
        column(&all(read).await.unwrap(), "at"),
        texts(&[
            "2020-01-01T00:00:00",
            "2020-01-02T00:00:00",
            "2020-01-02T10:00:00.000004",
            "2020-01-03T00:00:00",
        ])
    );
}

#[tokio::test]
async fn times_of_a_later_row_are_not_cut_off() {
    // Types are those of the first rows: later rows may have more digits, or an offset.
    for (first, last) in [
        ("2020-01-01", "2020-01-01 01:02:03"),
        ("2020-01-01 01:02:03", "2020-01-01 01:02:03.000004"),
        ("2020-01-01 01:02:03.004", "2020-01-01 01:02:03.000004"),
        ("2020-01-01 01:02:03", "2020-01-01 01:02:03+02:00"),
    ] {
        let text = format!("at\n{}{last}\n", format!("{first}\n").repeat(1000));
        let (_, frames) = with_objects(&[("t.csv", text.as_bytes())]).await;
        let read = frames.read_csv(["s3://b/t.csv"]).open().await.unwrap();
        let error = all(read).await.unwrap_err().to_string();
        assert!(error.contains(&format!("{last:?}")), "{error}");
        let read = frames.read_csv(["s3://b/t.csv"]).infer_rows(2000);
        let read = all(read.open().await.unwrap()).await.unwrap();
        let expected = match last.ends_with("+02:00") {
            // The offset stays in the text.
            true => last.to_owned(),
            false => last.replace(' ', "T"),
        };
        assert_eq!(column(&read, "at")[1000], Some(expected));
    }
}

#[tokio::test]
async fn times_with_an_offset_are_text_unless_their_type_has_a_zone() {
    let (_, frames) = with_golden(&["offsets.csv"]).await;
    let read = || frames.read_csv(["s3://b/offsets.csv"]).index(Index::Drop);
    let inferred = read().open().await.unwrap();
    assert_eq!(types(&inferred.schema()), [("at", DataType::Utf8)]);
    assert_eq!(
        column(&all(inferred).await.unwrap(), "at"),
        texts(&["2020-01-01 01:02:03+02:00", "2020-07-01 01:02:03+02:00"])
    );
    let utc = DataType::Timestamp(TimeUnit::Second, Some("UTC".into()));
    let fields = [("", DataType::Int64), ("at", utc)];
    let fields = fields.map(|(name, data_type)| Field::new(name, data_type, true));
    let read = read().schema(Arc::new(Schema::new(fields.to_vec())));
    let read = all(read.open().await.unwrap()).await.unwrap();
    assert_eq!(
        column(&read, "at"),
        texts(&["2019-12-31T23:02:03Z", "2020-06-30T23:02:03Z"])
    );
}

#[tokio::test]
async fn parts_without_rows_add_none() {
    let (_, frames) = with_golden(&["filtered", "nothing"]).await;
    let integers = [
        ("Unnamed: 0", DataType::Int64),
        ("A", DataType::Int64),
        ("B", DataType::Utf8),
    ];
    // A column without a value is text.
    let texts_only = integers.clone().map(|(name, _)| (name, DataType::Utf8));
    for (folder, expected, first) in [("filtered", &integers, 60), ("nothing", &texts_only, 100)] {
        let read = frames.read_csv([format!("s3://b/{folder}/*")]);
        let read = read.open().await.unwrap();
        assert_eq!(types(&read.schema()), expected, "{folder}");
        assert_eq!(read.parts().len(), 3);
        let batches = all(read).await.unwrap();
        let numbers: Vec<_> = (first..100).map(|row| row.to_string()).collect();
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        assert_eq!(column(&batches, "A"), texts(&numbers), "{folder}");
        assert_eq!(column(&batches, "Unnamed: 0"), texts(&numbers), "{folder}");
        let rows: Vec<_> = (first..100).map(|row| format!("row {row}")).collect();
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        assert_eq!(column(&batches, "B"), texts(&rows), "{folder}");
    }
}

#[tokio::test]
async fn a_file_without_rows_has_its_columns_as_text() {
    let (_, frames) = with_golden(&["no_rows.csv"]).await;
    let read = frames
        .read_csv(["s3://b/no_rows.csv"])
        .open()
        .await
        .unwrap();
    let names = [
        "Unnamed: 0",
        "int",
        "float",
        "special",
        "bool",
        "nullable",
        "text",
        "date",
        "time",
    ];
    assert_eq!(
        types(&read.schema()),
        names.map(|name| (name, DataType::Utf8))
    );
    let batches = all(read).await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
}

/// The frame of `more_values()` in `record.py`.
fn more_values() -> RecordBatch {
    let flags = || BooleanArray::from(vec![Some(true), None, Some(false), Some(true)]);
    let wide = ["18446744073709551616", "-9223372036854775809", "1", "0"];
    let seconds = [Some(1_577_840_523), Some(-1), None, Some(4_107_456_000)];
    let columns: [(&str, ArrayRef); 5] = [
        (
            "unsigned",
            Arc::new(UInt64Array::from(vec![u64::MAX, 0, 1 << 63, 1])),
        ),
        ("wide", Arc::new(StringArray::from_iter_values(wide))),
        ("flag", Arc::new(flags())),
        ("nullable", Arc::new(flags())),
        (
            "second",
            Arc::new(TimestampSecondArray::from(seconds.to_vec())),
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .unwrap()
}

/// The frame of `values()` in `record.py`.
fn values() -> RecordBatch {
    let day = |days| Some(days);
    let columns: [(&str, ArrayRef); 8] = [
        (
            "int",
            Arc::new(Int64Array::from(vec![1, i64::MIN, i64::MAX, 0])),
        ),
        (
            "float",
            Arc::new(Float64Array::from(vec![0.1 + 0.2, 1e16, 1e-7, -0.0])),
        ),
        (
            "special",
            Arc::new(Float64Array::from(vec![
                f64::INFINITY,
                f64::NEG_INFINITY,
                f64::NAN,
                5e-324,
            ])),
        ),
        (
            "bool",
            Arc::new(BooleanArray::from(vec![true, false, true, true])),
        ),
        (
            "nullable",
            Arc::new(Int64Array::from(vec![Some(1), None, Some(3), Some(4)])),
        ),
        (
            "text",
            Arc::new(StringArray::from(vec![
                Some("a,b"),
                Some("say \"hi\""),
                Some("two\nlines"),
                None,
            ])),
        ),
        (
            "date",
            Arc::new(Date32Array::from(vec![
                day(18_262),
                day(-1),
                None,
                day(47_540),
            ])),
        ),
        (
            "time",
            Arc::new(TimestampMicrosecondArray::from(vec![
                Some(1_577_840_523_000_004),
                Some(1_577_836_800_000_000),
                Some(-1),
                None,
            ])),
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .unwrap()
}

#[tokio::test]
async fn what_is_written_is_what_pandas_writes_to_the_byte() {
    let (s3, frames) = with_objects(&[]).await;
    let none = values().slice(0, 0);
    let key: ArrayRef = Arc::new(Int64Array::from_iter_values(0..4));
    let values_of = values();
    let columns = values_of.columns().iter().cloned();
    let names = values_of.schema();
    let names = names.fields().iter().map(|field| field.name().as_str());
    let named = std::iter::once(("key", key)).chain(names.zip(columns));
    let named = RecordBatch::try_from_iter(named).unwrap();
    for (name, rows, index, expected) in [
        ("named.csv", named, false, golden!("named.csv")),
        ("values.csv", values(), true, golden!("values.csv")),
        ("bare.csv", values(), false, golden!("bare.csv")),
        ("no_rows.csv", none, true, golden!("no_rows.csv")),
        ("more.csv", more_values(), true, golden!("more.csv")),
    ] {
        let write = frames.write_csv(format!("s3://b/{name}")).index(index);
        let url = write
            .send_single(rows.schema(), stream::iter([Ok(rows)]))
            .await
            .unwrap();
        let written = s3.get(url.as_str()).await.unwrap();
        assert_eq!(written.text().unwrap().as_bytes(), expected, "{name}");
    }
}

#[tokio::test]
async fn parts_without_rows_are_what_dask_writes_to_the_byte() {
    let (s3, frames) = with_objects(&[]).await;
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values([]));
    let texts: ArrayRef = Arc::new(StringArray::from(Vec::<String>::new()));
    let rows = RecordBatch::try_from_iter([("A", numbers), ("B", texts)]).unwrap();
    let parts = [(); 3].map(|()| stream::iter([Ok(rows.clone())]));
    let write = frames.write_csv("s3://b/nothing").index(true);
    write.send(rows.schema(), parts).await.unwrap();
    for (key, expected) in golden("nothing") {
        let written = s3.get(format!("s3://b/{key}")).await.unwrap();
        assert_eq!(written.text().unwrap().as_bytes(), expected, "{key}");
    }
    let read = frames.read_csv(["s3://b/nothing/*"]).index(Index::Drop);
    let read = read.open().await.unwrap();
    assert_eq!(
        types(&read.schema()),
        [("A", DataType::Int64), ("B", DataType::Utf8)]
    );
    let batches = all(read).await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
}

#[tokio::test]
async fn parts_are_what_dask_writes_to_the_byte() {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
    let texts: Vec<_> = (0..100).map(|row| format!("row {row}")).collect();
    let texts: ArrayRef = Arc::new(StringArray::from(texts));
    let rows = RecordBatch::try_from_iter([("A", numbers), ("B", texts)]).unwrap();
    for (folder, parts, names) in [("three", 3, &THREE[..]), ("twelve", 12, &TWELVE)] {
        let (s3, frames) = with_objects(&[]).await;
        let split = Split::Even {
            rows: 100,
            parts: NonZeroU64::new(parts).unwrap(),
        };
        let write = frames.write_csv(format!("s3://b/{folder}")).index(true);
        let stream = stream::iter([Ok(rows.clone())]);
        let manifest = write
            .send_split(rows.schema(), stream, split)
            .await
            .unwrap();
        let keys: Vec<_> = manifest
            .parts
            .iter()
            .map(|part| part.key.as_str())
            .collect();
        assert_eq!(keys, names.iter().map(|(key, _)| *key).collect::<Vec<_>>());
        for (key, expected) in names {
            let written = s3.get(format!("s3://b/{key}")).await.unwrap();
            assert_eq!(written.text().unwrap().as_bytes(), *expected, "{key}");
        }
    }
}
