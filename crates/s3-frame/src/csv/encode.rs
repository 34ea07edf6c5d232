//! [`Encoder`]: encodes record batches as CSV text, with the formatting of pandas.

use std::fmt::{self, Write as _};

use arrow_array::cast::AsArray;
use arrow_array::temporal_conversions::as_datetime;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, DecimalType, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{ArrowError, DataType, Schema, TimeUnit};

/// Writes rows as `DataFrame.to_csv` does: lines end with `\n`, and fields are quoted only if necessary.
///
/// | value | text |
/// |---|---|
/// | null, NaN | nothing |
/// | booleans | `True`, `False` |
/// | floats | the shortest text that is read back as the same number: `0.1`, `1e+16`, `-0.0`, `inf` |
/// | dates | `2020-01-01` |
/// | times | `2020-01-01 01:02:03`, with the digits of their unit |
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoder {
    pub(crate) delimiter: u8,
    /// Whether the row number is written as the first column.
    pub(crate) index: bool,
}

impl Encoder {
    /// Writes the header.
    pub(crate) fn header(self, schema: &Schema, text: &mut Vec<u8>) {
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let names = self.index.then_some("").into_iter().chain(names);
        for (number, name) in names.enumerate() {
            if number > 0 {
                text.push(self.delimiter);
            }
            self.field(name, text);
        }
        text.push(b'\n');
    }

    /// Writes the rows of a batch; `first` is the number of its first row.
    ///
    /// # Errors
    ///
    /// If pandas has no text form for the type of a column.
    pub(crate) fn rows(
        self,
        batch: &RecordBatch,
        first: u64,
        text: &mut Vec<u8>,
    ) -> Result<(), ArrowError> {
        let columns: Result<Vec<_>, _> = batch
            .columns()
            .iter()
            .map(|column| values(column))
            .collect();
        let (columns, mut value) = (columns?, String::new());
        for row in 0..batch.num_rows() {
            if self.index {
                text.extend_from_slice((first + row as u64).to_string().as_bytes());
            }
            for (number, (column, write)) in batch.columns().iter().zip(&columns).enumerate() {
                if number > 0 || self.index {
                    text.push(self.delimiter);
                }
                value.clear();
                if column.is_valid(row) {
                    write(row, &mut value);
                }
                // A line without a field would not be a row.
                match value.is_empty() && batch.num_columns() == 1 && !self.index {
                    true => text.extend_from_slice(b"\"\""),
                    false => self.field(&value, text),
                }
            }
            text.push(b'\n');
        }
        Ok(())
    }

    fn field(self, value: &str, text: &mut Vec<u8>) {
        let special = |byte: u8| byte == self.delimiter || matches!(byte, b'"' | b'\n' | b'\r');
        if !value.bytes().any(special) {
            text.extend_from_slice(value.as_bytes());
            return;
        }
        text.push(b'"');
        text.extend_from_slice(value.replace('"', "\"\"").as_bytes());
        text.push(b'"');
    }
}

/// Writes the value of a row to a text.
type WriteValue<'a> = Box<dyn Fn(usize, &mut String) + Send + 'a>;

fn values(column: &dyn Array) -> Result<WriteValue<'_>, ArrowError> {
    use DataType::{
        Boolean, Date32, Decimal128, Float32, Float64, Int8, Int16, Int32, Int64, LargeUtf8, Null,
        Timestamp, UInt8, UInt16, UInt32, UInt64, Utf8, Utf8View,
    };
    Ok(match column.data_type() {
        Null => Box::new(|_, _| {}),
        Boolean => {
            let column = column.as_boolean();
            Box::new(|row, text| text.push_str(if column.value(row) { "True" } else { "False" }))
        }
        Int8 => numbers::<Int8Type>(column),
        Int16 => numbers::<Int16Type>(column),
        Int32 => numbers::<Int32Type>(column),
        Int64 => numbers::<Int64Type>(column),
        UInt8 => numbers::<UInt8Type>(column),
        UInt16 => numbers::<UInt16Type>(column),
        UInt32 => numbers::<UInt32Type>(column),
        UInt64 => numbers::<UInt64Type>(column),
        Float32 => {
            let column = column.as_primitive::<Float32Type>();
            Box::new(|row, text| float(column.value(row), text))
        }
        Float64 => {
            let column = column.as_primitive::<Float64Type>();
            Box::new(|row, text| float(column.value(row), text))
        }
        Utf8 => {
            let column = column.as_string::<i32>();
            Box::new(|row, text| text.push_str(column.value(row)))
        }
        LargeUtf8 => {
            let column = column.as_string::<i64>();
            Box::new(|row, text| text.push_str(column.value(row)))
        }
        Utf8View => {
            let column = column.as_string_view();
            Box::new(|row, text| text.push_str(column.value(row)))
        }
        Date32 => times::<Date32Type>(column, "%Y-%m-%d"),
        Timestamp(unit, zone) if zone.as_deref().is_none_or(is_utc) => {
            let format = |time, utc| if zone.is_some() { utc } else { time };
            match unit {
                TimeUnit::Second => times::<TimestampSecondType>(
                    column,
                    format("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S+00:00"),
                ),
                TimeUnit::Millisecond => times::<TimestampMillisecondType>(
                    column,
                    format("%Y-%m-%d %H:%M:%S%.3f", "%Y-%m-%d %H:%M:%S%.3f+00:00"),
                ),
                TimeUnit::Microsecond => times::<TimestampMicrosecondType>(
                    column,
                    format("%Y-%m-%d %H:%M:%S%.6f", "%Y-%m-%d %H:%M:%S%.6f+00:00"),
                ),
                TimeUnit::Nanosecond => times::<TimestampNanosecondType>(
                    column,
                    format("%Y-%m-%d %H:%M:%S%.9f", "%Y-%m-%d %H:%M:%S%.9f+00:00"),
                ),
            }
        }
        Decimal128(_, scale) => {
            let (column, scale) = (column.as_primitive::<Decimal128Type>(), *scale);
            Box::new(move |row, text| {
                text.push_str(&Decimal128Type::format_decimal(
                    column.value(row),
                    38,
                    scale,
                ));
            })
        }
        other => {
            let text =
                format!("columns of type {other} cannot be written as CSV: cast them before");
            return Err(ArrowError::NotYetImplemented(text));
        }
    })
}

fn is_utc(zone: &str) -> bool {
    matches!(zone, "UTC" | "+00:00" | "Z")
}

fn numbers<T: ArrowPrimitiveType<Native: fmt::Display>>(column: &dyn Array) -> WriteValue<'_> {
    let column = column.as_primitive::<T>();
    Box::new(|row, text| {
        let _ = write!(text, "{}", column.value(row));
    })
}

fn times<'a, T>(column: &'a dyn Array, format: &'static str) -> WriteValue<'a>
where
    T: ArrowPrimitiveType,
    i64: From<T::Native>,
{
    let column = column.as_primitive::<T>();
    Box::new(move |row, text| {
        // A time outside of the calendar is written as its number.
        let _ = match as_datetime::<T>(column.value(row).into()) {
            Some(time) => write!(text, "{}", time.format(format)),
            None => write!(text, "{}", i64::from(column.value(row))),
        };
    })
}

/// Writes a float as Python's `repr` does.
fn float<T: Copy + Into<f64> + fmt::Display + fmt::LowerExp>(value: T, text: &mut String) {
    let exact: f64 = value.into();
    if exact.is_nan() {
        return;
    }
    if exact.is_infinite() {
        let _ = write!(text, "{value}");
        return;
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').expect("it has an exponent");
    let exponent: i32 = exponent.parse().expect("it is a number");
    let _ = match exponent {
        -4..=15 if exponent >= 0 && exact.fract() == 0.0 => write!(text, "{value}.0"),
        -4..=15 => write!(text, "{value}"),
        16.. => write!(text, "{digits}e+{exponent:02}"),
        _ => write!(text, "{digits}e-{:02}", -exponent),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_python_does() {
        for (value, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e-7, "1e-07"),
            (5e-324, "5e-324"),
            (123.5, "123.5"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, ""),
        ] {
            let mut text = String::new();
            float(value, &mut text);
            assert_eq!(text, expected);
        }
        let mut text = String::new();
        float(0.1_f32, &mut text);
        assert_eq!(text, "0.1");
    }
}
