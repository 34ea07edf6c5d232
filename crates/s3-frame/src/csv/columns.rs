//! [`Columns`]: schema and header of CSV parts, and which columns are read.

use std::sync::Arc;

use arrow_schema::{ArrowError, FieldRef, Schema, SchemaRef};

use super::times;

/// How a first column with an empty name is read. pandas writes the index of a DataFrame like this.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Index {
    /// As a column `Unnamed: 0`, as in pandas.
    #[default]
    Keep,
    /// The column is not read.
    Drop,
    /// As a column of this name.
    Named(String),
}

/// Schema and header of the parts, and which columns are read.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    /// All columns of the parts.
    written: SchemaRef,
    /// Positions of the columns that are read.
    read: Vec<usize>,
    /// The names in the header; `None` if there is no header.
    pub(crate) header: Option<Vec<String>>,
}

impl Columns {
    pub(crate) fn new(schema: &Schema, header: Option<Vec<String>>, index: &Index) -> Self {
        let has_index = header
            .as_ref()
            .is_some_and(|names| names.first().is_some_and(String::is_empty));
        let mut fields: Vec<FieldRef> = schema.fields().iter().cloned().collect();
        let mut first = 0;
        match index {
            Index::Drop if has_index => first = 1,
            Index::Named(name) if has_index => {
                let renamed = fields[0].as_ref().clone().with_name(name);
                fields[0] = Arc::new(renamed);
            }
            _ => {}
        }
        Self {
            read: (first..fields.len()).collect(),
            written: Arc::new(Schema::new(fields)),
            header,
        }
    }

    /// Returns all columns with the types in which they are decoded.
    pub(super) fn decoded(&self) -> SchemaRef {
        times::decoded(&self.written)
    }

    /// Returns the number of columns of the parts.
    pub(super) fn count(&self) -> usize {
        self.written.fields().len()
    }

    /// Returns the positions of the columns that are read.
    pub(super) fn read(&self) -> &[usize] {
        &self.read
    }

    /// Keeps only these columns, given as positions in [`schema`](Self::schema).
    #[cfg(feature = "datafusion")]
    pub(crate) fn project(&mut self, positions: &[usize]) {
        self.read = positions
            .iter()
            .map(|position| self.read[*position])
            .collect();
    }

    /// Returns the schema of the batches.
    pub(crate) fn schema(&self) -> Result<SchemaRef, ArrowError> {
        Ok(Arc::new(self.written.project(&self.read)?))
    }
}

/// Returns the name that pandas gives to a column with this name in the header.
pub(super) fn column_name((number, name): (usize, &String)) -> String {
    match name.as_str() {
        "" => format!("Unnamed: {number}"),
        name => name.to_owned(),
    }
}
