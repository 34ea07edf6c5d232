//! Walks the source chain of errors of the SDK and the HTTP stack: finds causes by type, and formats their texts.

use std::error::Error as StdError;
use std::io;

/// Maximum length of a message from a server or a cause, in characters.
const MESSAGE_LIMIT: usize = 1000;

/// Returns the first error of a type in the source chain of `error`, including errors inside of an `io::Error`.
pub(super) fn find<'e, T: StdError + 'static>(
    error: &'e (dyn StdError + 'static),
) -> Option<&'e T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// Converts an error to an `io::Error` of the kind of its first `io::Error` cause.
pub(super) fn io_error(error: &(dyn StdError + 'static)) -> io::Error {
    let kind = find::<io::Error>(error).map_or(io::ErrorKind::Other, io::Error::kind);
    io::Error::new(kind, text_of(error))
}

/// Returns an error, followed by its causes.
pub(super) fn causes<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref::<io::Error>() {
            // `source` of an `io::Error` skips the error inside of it.
            Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
}

/// Returns the texts of the causes, without the SDK's names for its layers and without repetitions.
pub(super) fn text_of(error: &(dyn StdError + 'static)) -> String {
    const LAYERS: &[&str] = &[
        "dispatch failure",
        "failed to construct request",
        "io error",
        "other",
        "request has timed out",
        "response error",
        "service error",
        "streaming error",
        "timeout",
        "unhandled error",
        "user error",
    ];
    let mut text = String::new();
    for cause in causes(error) {
        let said = cause.to_string();
        let names_a_layer =
            LAYERS.contains(&said.as_str()) || said.starts_with("unhandled error (");
        if names_a_layer || said.is_empty() || text.contains(&said) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&said);
    }
    if text.is_empty() {
        shortened(&error.to_string())
    } else {
        shortened(&text)
    }
}

/// Formats a text for a message: on one line, of at most `MESSAGE_LIMIT` characters, and without control characters,
/// which could move a terminal's cursor.
pub(super) fn shortened(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let line = lines.join("; ").replace(char::is_control, " ");
    match line.char_indices().nth(MESSAGE_LIMIT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_found_inside_of_an_io_error() {
        let cause = std::fmt::Error;
        let wrapped = io::Error::other(io::Error::other(cause));
        assert!(find::<std::fmt::Error>(&wrapped).is_some());
    }

    #[test]
    fn a_message_is_one_line_of_limited_length() {
        assert_eq!(shortened("a:\n  b\n\n  c\n"), "a:; b; c");
        assert_eq!(shortened("a\u{1b}[2Jb\rc"), "a [2Jb c");
        assert_eq!(
            shortened(&"é".repeat(5000)).chars().count(),
            MESSAGE_LIMIT + 1
        );
    }
}
