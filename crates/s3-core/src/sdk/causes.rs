//! Walks the source chain of errors of the SDK and the HTTP stack.

use std::error::Error as StdError;
use std::io;

/// The longest message that is taken over from a server or a cause.
const MESSAGE_LIMIT: usize = 1000;

/// Returns the first error of a type among an error and its causes, payloads of `io::Error` included.
pub(super) fn find<'e, T: StdError + 'static>(
    error: &'e (dyn StdError + 'static),
) -> Option<&'e T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// Returns an error as an `io::Error` of the kind of its first cause that is one.
pub(super) fn io_error(error: &(dyn StdError + 'static)) -> io::Error {
    let kind = find::<io::Error>(error).map_or(io::ErrorKind::Other, io::Error::kind);
    io::Error::new(kind, text_of(error))
}

/// Returns an error and then its causes.
pub(super) fn causes<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error.downcast_ref::<io::Error>() {
            // `source` of an `io::Error` skips the error that it carries.
            Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
            None => error.source(),
        }
    })
}

/// Returns the text of the causes, without the SDK's names for its layers and without repetitions.
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

/// Returns a text as it belongs into a message: on one line, not endless, and with nothing in it that moves a
/// terminal's cursor.
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
    fn a_message_is_one_line_of_bearable_length() {
        assert_eq!(shortened("a:\n  b\n\n  c\n"), "a:; b; c");
        assert_eq!(shortened("a\u{1b}[2Jb\rc"), "a [2Jb c");
        assert_eq!(
            shortened(&"é".repeat(5000)).chars().count(),
            MESSAGE_LIMIT + 1
        );
    }
}
