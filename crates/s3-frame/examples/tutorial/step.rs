//! Output and checks of all steps: a heading, text, a small table, and checks that end the tutorial.

use std::error::Error;

use arrow_array::RecordBatch;
use arrow_cast::pretty::pretty_format_batches;

/// The result of a step. Any failure ends the tutorial.
pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Fails the step unless something holds.
macro_rules! check {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err(format!($($text)+).into());
        }
    };
}

pub(crate) use check;

pub(crate) fn heading(text: &str) {
    println!("\n{text}");
}

pub(crate) fn say(text: impl AsRef<str>) {
    println!("  {}", text.as_ref());
}

/// Prints the first rows of a frame.
pub(crate) fn show(frame: &RecordBatch) -> Result {
    let head = frame.slice(0, frame.num_rows().min(3));
    let table = pretty_format_batches(&[head])?.to_string();
    for line in table.lines() {
        say(line);
    }
    Ok(())
}
