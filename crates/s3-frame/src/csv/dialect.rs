//! [`Dialect`]: delimiter, header and null values of CSV objects; builds the decoder.

use std::io::Cursor;
use std::sync::LazyLock;

use arrow_csv::ReaderBuilder;
use arrow_csv::reader::{Decoder, Format};
use arrow_schema::ArrowError;
use regex::Regex;

use super::columns::Columns;
use super::records::Records;

/// The values that pandas reads as null by default.
static PANDAS_NULLS: LazyLock<Regex> = LazyLock::new(|| {
    let text = r"^(|#N/A|#N/A N/A|#NA|-1\.#IND|-1\.#QNAN|-NaN|-nan|1\.#IND|1\.#QNAN|<NA>|N/A|NA|NULL|NaN|None|n/a|nan|null)$";
    Regex::new(text).expect("the pattern is valid")
});

/// Maximum number of values of a batch, over all columns: arrow-csv allocates 16 bytes for each before the first row.
/// 16 Mi, for 256 MiB.
const BATCH_VALUES: usize = 16 << 20;

/// Delimiter, header and null values of the parts.
#[derive(Clone, Debug)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) header: bool,
    pub(crate) pandas_nulls: bool,
}

impl Dialect {
    pub(super) fn format(&self) -> Format {
        let format = Format::default().with_delimiter(self.delimiter);
        match self.pandas_nulls {
            true => format.with_null_regex(PANDAS_NULLS.clone()),
            false => format,
        }
    }

    /// Parses a header into column names.
    pub(crate) fn names(&self, header: &[u8]) -> Result<Vec<String>, ArrowError> {
        let format = self.format().with_header(true);
        let (schema, _) = format.infer_schema(Cursor::new(header), Some(0))?;
        let names = schema.fields().iter().map(|field| field.name().clone());
        Ok(names.collect())
    }

    /// Returns a scanner that finds the ends of records.
    pub(super) fn records(&self) -> Records {
        Records::new(self.delimiter)
    }

    /// Returns a decoder of rows without header, for batches of up to `rows` rows and 16 Mi values. Dates and times are
    /// text.
    pub(crate) fn decoder(&self, columns: &Columns, rows: usize) -> Decoder {
        let most = BATCH_VALUES / columns.count().max(1);
        let rows = rows.min(most.max(1));
        ReaderBuilder::new(columns.decoded())
            .with_format(self.format())
            .with_batch_size(rows)
            .with_projection(columns.read().to_vec())
            .build_decoder()
    }
}

/// Returns the text without a byte order mark.
pub(crate) fn without_bom(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use arrow_schema::{DataType, Field, Schema};

    use super::super::Index;
    use super::*;

    #[test]
    fn the_memory_of_a_batch_is_bounded() {
        let dialect = Dialect {
            delimiter: b',',
            header: true,
            pandas_nulls: false,
        };
        for (columns, rows, most) in [
            (1, usize::MAX, 16 << 20),
            (16, usize::MAX, 1 << 20),
            (20_000, 8192, 838),
            (20_000, 7, 7),
            (0, usize::MAX, 16 << 20),
        ] {
            let fields =
                (0..columns).map(|number| Field::new(number.to_string(), DataType::Utf8, true));
            let schema = Schema::new(fields.collect::<Vec<_>>());
            let columns = Columns::new(&schema, None, &Index::Keep);
            assert_eq!(dialect.decoder(&columns, rows).capacity(), most);
        }
    }

    #[test]
    fn only_whole_fields_are_pandas_nulls() {
        for (field, is_null) in [
            ("NA", true),
            ("", true),
            ("<NA>", true),
            ("NAN", false),
            ("NAVY", false),
        ] {
            assert_eq!(PANDAS_NULLS.is_match(field), is_null, "{field:?}");
        }
    }
}
