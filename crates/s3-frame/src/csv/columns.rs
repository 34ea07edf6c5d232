//! [`Columns`]: the columns of the parts, and which of them are read.

use std::sync::Arc;

use arrow_schema::{ArrowError, FieldRef, Schema, SchemaRef};

use super::times;

/// The result of a first column without a name, which is how pandas writes the index of a frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Index {
    /// It is a column `Unnamed: 0`, as in pandas.
    #[default]
    Keep,
    /// It is left out.
    Drop,
    /// It is a column of this name.
    Named(String),
}

/// The columns of the parts, and which of them are read.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    /// All columns, as in the parts.
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

    /// Returns the columns of the parts as they are decoded.
    pub(super) fn decoded(&self) -> SchemaRef {
        times::decoded(&self.written)
    }

    /// Returns how many columns the parts have.
    pub(super) fn count(&self) -> usize {
        self.written.fields().len()
    }

    /// Returns the positions of the columns that are read.
    pub(super) fn read(&self) -> &[usize] {
        &self.read
    }

    /// Leaves out all columns but these, which are positions in [`schema`](Self::schema).
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

/// Returns the name in pandas of a column with this name in the header.
pub(super) fn column_name((number, name): (usize, &String)) -> String {
    match name.as_str() {
        "" => format!("Unnamed: {number}"),
        name => name.to_owned(),
    }
}
