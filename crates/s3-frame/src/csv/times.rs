//! Parses date and time columns of CSV text; a value that its type cannot represent exactly is an error.
//!
//! arrow-csv drops the parts of a value that its type cannot represent: the time of a value in a date column, digits
//! beyond the unit, and offsets. pandas formats each partition of a set separately, so later parts may have more
//! precise values than the first rows. Date and time columns are therefore decoded as text and parsed here.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::timezone::Tz;
use arrow_array::types::Date32Type;
use arrow_array::{
    ArrayRef, Date32Array, RecordBatch, RecordBatchOptions, StringArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
};
use arrow_cast::parse::{Parser, string_to_datetime};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};

/// Returns the schema for the decoder: date and time columns are text.
pub(super) fn decoded(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match is_time(field) {
        true => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8)),
        false => Arc::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

pub(super) fn is_time(field: &Field) -> bool {
    matches!(
        field.data_type(),
        DataType::Date32 | DataType::Timestamp(_, _)
    )
}

/// Converts a decoded batch to `schema`: parses the date and time columns, which are text in it.
///
/// # Errors
///
/// If a value is not a date or time, or its type cannot represent it exactly.
pub(super) fn parse_batch(
    batch: &RecordBatch,
    schema: &SchemaRef,
) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| match is_time(field) {
        true => parse_column(column.as_string(), field),
        false => Ok(Arc::clone(column)),
    });
    // The batch may have no columns.
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows)
}

/// Parses a column of dates or times.
pub(super) fn parse_column(column: &StringArray, field: &Field) -> Result<ArrayRef, ArrowError> {
    let invalid = |text: &str, reason: &str| {
        let (name, of_type) = (field.name(), field.data_type());
        ArrowError::ParseError(format!(
            "column {name:?}, of type {of_type}: {text:?} {reason}\nhint: `schema` sets the types of columns"
        ))
    };
    let DataType::Timestamp(unit, zone) = field.data_type() else {
        let dates = column.iter().map(|text| {
            let date = text.map(|text| date(text).map_err(|reason| invalid(text, reason)));
            date.transpose()
        });
        return Ok(Arc::new(dates.collect::<Result<Date32Array, _>>()?));
    };
    let in_zone: Tz = zone.as_deref().unwrap_or("+00:00").parse()?;
    let times = column.iter().map(|text| {
        let time = text.map(|text| {
            let time = time(text, *unit, &in_zone, zone.is_some());
            time.map_err(|reason| invalid(text, reason))
        });
        time.transpose()
    });
    let times = times.collect::<Result<Vec<Option<i64>>, _>>()?;
    let zone = zone.clone();
    Ok(match unit {
        TimeUnit::Second => Arc::new(TimestampSecondArray::from(times).with_timezone_opt(zone)),
        TimeUnit::Millisecond => {
            Arc::new(TimestampMillisecondArray::from(times).with_timezone_opt(zone))
        }
        TimeUnit::Microsecond => {
            Arc::new(TimestampMicrosecondArray::from(times).with_timezone_opt(zone))
        }
        TimeUnit::Nanosecond => {
            Arc::new(TimestampNanosecondArray::from(times).with_timezone_opt(zone))
        }
    })
}

/// Returns the days since 1970, or the reason why the text is invalid.
fn date(text: &str) -> Result<i32, &'static str> {
    // A year of more than four digits has a sign, and such a date has no time.
    if !text.starts_with(['+', '-']) {
        let (clock, fraction, offset) = split(text);
        let is_midnight = clock.bytes().all(|byte| matches!(byte, b'0' | b':'));
        if !is_midnight || !is_zero(fraction) || !offset.is_empty() {
            return Err("has a time, and the column type is a date");
        }
    }
    Date32Type::parse(text).ok_or("is no date")
}

fn is_zero(digits: &str) -> bool {
    digits.bytes().all(|digit| digit == b'0')
}

/// Returns the number of units since 1970, or the reason why the text is invalid.
fn time(text: &str, unit: TimeUnit, zone: &Tz, has_zone: bool) -> Result<i64, &'static str> {
    let time = string_to_datetime(zone, text).map_err(|_| "is no time")?;
    let (clock, fraction, offset) = split(text);
    if !has_zone && !offset.is_empty() {
        return Err("has an offset, and the type has no time zone");
    }
    if clock.ends_with("60") {
        return Err("is a leap second");
    }
    let digits = match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    };
    if !is_zero(fraction.get(digits..).unwrap_or_default()) {
        return Err("has more digits than the type");
    }
    match unit {
        TimeUnit::Second => Ok(time.timestamp()),
        TimeUnit::Millisecond => Ok(time.timestamp_millis()),
        TimeUnit::Microsecond => Ok(time.timestamp_micros()),
        TimeUnit::Nanosecond => time
            .timestamp_nanos_opt()
            .ok_or("is not within 64 bits of nanoseconds"),
    }
}

/// Returns the clock of a time without its fraction, the digits of the fraction, and the offset.
fn split(text: &str) -> (&str, &str, &str) {
    let clock = text.get(11..).unwrap_or_default();
    let end = clock.find(|char: char| !char.is_ascii_digit() && char != ':');
    let (clock, rest) = clock.split_at(end.unwrap_or(clock.len()));
    let Some(rest) = rest.strip_prefix('.') else {
        return (clock, "", rest);
    };
    let end = rest.find(|char: char| !char.is_ascii_digit());
    let (fraction, offset) = rest.split_at(end.unwrap_or(rest.len()));
    (clock, fraction, offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, data_type: DataType) -> Result<ArrayRef, ArrowError> {
        let column = StringArray::from(vec![Some(text), None]);
        parse_column(&column, &Field::new("at", data_type, true))
    }

    #[test]
    fn a_value_is_parsed_exactly_or_rejected() {
        let seconds = DataType::Timestamp(TimeUnit::Second, None);
        let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
        let nanos = DataType::Timestamp(TimeUnit::Nanosecond, None);
        let utc = DataType::Timestamp(TimeUnit::Second, Some("UTC".into()));
        let at = 1_577_840_523; // 2020-01-01 01:02:03
        for (text, data_type, expected) in [
            ("2020-01-01", DataType::Date32, Some(18_262)),
            ("2020-01-01 00:00:00", DataType::Date32, Some(18_262)),
            ("2020-01-01T00:00:00.000", DataType::Date32, Some(18_262)),
            ("2020-01-01 01:02:03", DataType::Date32, None),
            ("2020-01-01 00:00:00.5", DataType::Date32, None),
            ("2020-01-01 00:00:00+02:00", DataType::Date32, None),
            ("1969-12-31", DataType::Date32, Some(-1)),
            ("x", DataType::Date32, None),
            ("2020-01-01", seconds.clone(), Some(1_577_836_800)),
            ("2020-01-01 01:02:03", seconds.clone(), Some(at)),
            ("2020-01-01 010203", seconds.clone(), Some(at)),
            ("2020-01-01 01:02:03.000", seconds.clone(), Some(at)),
            ("2020-01-01 01:02:03.4", seconds.clone(), None),
            ("2020-01-01 01:02:03Z", seconds.clone(), None),
            ("2020-01-01 01:02:03+02:00", seconds.clone(), None),
            ("2020-01-01 010203 +02:00", seconds.clone(), None),
            ("2020-01-01 01:02:60", seconds.clone(), None),
            ("2020-01-01 01:02:60.5", micros.clone(), None),
            (
                "2020-01-01 01:02:03.4",
                micros.clone(),
                Some(at * 1_000_000 + 400_000),
            ),
            (
                "2020-01-01 01:02:03.000004",
                micros.clone(),
                Some(at * 1_000_000 + 4),
            ),
            (
                "2020-01-01 01:02:03.0000040000",
                micros.clone(),
                Some(at * 1_000_000 + 4),
            ),
            ("2020-01-01 01:02:03.0000041", micros, None),
            ("1969-12-31 23:59:59.999999999", nanos.clone(), Some(-1)),
            ("2020-01-01 01:02:03.0000000001", nanos.clone(), None),
            ("2020-01-01 01:02:03.00000000000000001", nanos.clone(), None),
            ("1500-01-01 01:02:03", nanos, None),
            ("2020-01-01 01:02:03", utc.clone(), Some(at)),
            ("2020-01-01 03:02:03+02:00", utc.clone(), Some(at)),
            ("2020-01-01 01:02:03.5+00:00", utc, None),
        ] {
            let case = format!("{text} as {data_type}");
            let parsed = parse(text, data_type.clone());
            let found = parsed.as_ref().ok().map(|column| {
                assert_eq!(column.data_type(), &data_type, "{case}");
                assert!(column.is_null(1), "{case}");
                let number = arrow_cast::cast(column, &DataType::Int64).unwrap();
                number
                    .as_primitive::<arrow_array::types::Int64Type>()
                    .value(0)
            });
            assert_eq!(found, expected, "{case}: {parsed:?}");
        }
        let error = parse("2020-01-01 01:02:03", DataType::Date32).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Parser error: column \"at\", of type Date32: \"2020-01-01 01:02:03\" has a time, and the column type is a date\n\
             hint: `schema` sets the types of columns"
        );
    }
}
