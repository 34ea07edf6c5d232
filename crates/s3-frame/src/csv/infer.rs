//! CSV schema inference: names and types of the columns, from the first rows.

use std::io::Cursor;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_csv::ReaderBuilder;
use arrow_schema::{ArrowError, DataType, Field, Schema};

use super::columns::column_name;
use super::dialect::Dialect;
use super::times::{is_time, parse_column};

/// Returns the schema of CSV `text`, inferred from at most `rows` rows, and the number of rows used.
///
/// For arrow-csv, `inf` and numbers above 2⁶³ are text; here they are numbers, as in pandas. A column without values is
/// text, which loses nothing. A column of times with offsets is text too, because a column has one time zone. Unnamed
/// columns get the names that pandas gives them.
pub(super) fn infer(
    dialect: &Dialect,
    text: &[u8],
    rows: usize,
) -> Result<(Schema, usize), ArrowError> {
    let format = dialect.format().with_header(dialect.header);
    let (schema, found) = format.infer_schema(Cursor::new(text), Some(rows))?;
    let mut fields = schema.fields().iter();
    let values = match fields.any(|field| is_text(field) || is_time(field)) {
        true => Some(texts(dialect, &schema, text, found)?),
        false => None,
    };
    let fields = schema.fields().iter().enumerate().map(|(number, field)| {
        let data_type = match &values {
            Some(values) if is_text(field) => number_type(values.column(number)),
            Some(values) if is_time(field) => {
                let parsed = parse_column(values.column(number).as_string(), field);
                parsed.is_err().then_some(DataType::Utf8)
            }
            _ => None,
        };
        let data_type = data_type.unwrap_or_else(|| match field.data_type() {
            DataType::Null => DataType::Utf8,
            other => other.clone(),
        });
        Field::new(column_name((number, field.name())), data_type, true)
    });
    Ok((Schema::new(fields.collect::<Vec<_>>()), found))
}

fn is_text(field: &Field) -> bool {
    field.data_type() == &DataType::Utf8
}

/// Returns the first rows, all of them as text.
fn texts(
    dialect: &Dialect,
    schema: &Schema,
    text: &[u8],
    rows: usize,
) -> Result<RecordBatch, ArrowError> {
    let fields = schema.fields().iter();
    let fields = fields.map(|field| Field::new(field.name(), DataType::Utf8, true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let mut reader = ReaderBuilder::new(Arc::clone(&schema))
        .with_format(dialect.format().with_header(dialect.header))
        .with_batch_size(rows.max(1))
        .build(Cursor::new(text))?;
    let empty = || Ok(RecordBatch::new_empty(schema));
    reader.next().unwrap_or_else(empty)
}

/// Returns the number type of a column that arrow-csv infers as text; `None` if it is not numeric.
fn number_type(column: &dyn Array) -> Option<DataType> {
    let column = column.as_string::<i32>();
    let all = |is: fn(&str) -> bool| column.iter().flatten().all(is);
    let is_integer = |text: &str| {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if column.null_count() == column.len() {
        return None;
    }
    if all(|text| text.parse::<u64>().is_ok()) {
        return Some(DataType::UInt64);
    }
    // An integer beyond 64 bits is not read as a float, which would lose digits.
    let is_float = |text: &str| text.parse::<f64>().is_ok();
    let has_wide = column
        .iter()
        .flatten()
        .any(|text| is_integer(text) && text.parse::<i64>().is_err());
    (all(is_float) && !has_wide).then_some(DataType::Float64)
}
