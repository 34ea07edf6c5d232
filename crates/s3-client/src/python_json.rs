//! Converts the output of Python's `json.dumps`, which may have `NaN` and unpaired surrogates, to standard JSON.

/// Length of an escaped UTF-16 code unit: `\u` and four digits.
const ESCAPE: usize = "\\u0000".len();

/// Returns the text with `null` for `NaN`, `Infinity` and `-Infinity`, and U+FFFD for unpaired surrogates.
///
/// Other invalid JSON is returned unchanged.
pub(crate) fn as_json(text: &str) -> String {
    let mut json = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_string = false;
    while let Some(first) = rest.chars().next() {
        let (len, written) = if in_string {
            string_token(rest)
        } else {
            outer_token(rest)
        };
        in_string ^= first == '"';
        json.push_str(written.unwrap_or(&rest[..len]));
        rest = &rest[len..];
    }
    json
}

/// Returns the length of the next token of a string, and its replacement.
fn string_token(rest: &str) -> (usize, Option<&'static str>) {
    match (escaped_unit(rest), rest.strip_prefix('\\')) {
        (Some(0xd800..=0xdbff), _) => match escaped_unit(&rest[ESCAPE..]) {
            Some(0xdc00..=0xdfff) => (2 * ESCAPE, None),
            _ => (ESCAPE, Some("\\ufffd")),
        },
        (Some(0xdc00..=0xdfff), _) => (ESCAPE, Some("\\ufffd")),
        (Some(_), _) => (ESCAPE, None),
        // An escaped quote does not end the string.
        (None, Some(escaped)) => (1 + escaped.chars().next().map_or(0, char::len_utf8), None),
        (None, None) => (rest.chars().next().map_or(0, char::len_utf8), None),
    }
}

fn outer_token(rest: &str) -> (usize, Option<&'static str>) {
    let constant = ["NaN", "Infinity", "-Infinity"]
        .into_iter()
        .find(|constant| rest.starts_with(constant));
    match constant {
        Some(constant) => (constant.len(), Some("null")),
        None => (rest.chars().next().map_or(0, char::len_utf8), None),
    }
}

fn escaped_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_null_outside_of_strings_only() {
        assert_eq!(
            as_json(r#"{"NaN": [NaN, -Infinity, Infinity, -1], "q\"NaN": 0}"#),
            r#"{"NaN": [null, null, null, -1], "q\"NaN": 0}"#
        );
    }

    #[test]
    fn unpaired_surrogates_are_replaced_and_pairs_are_kept() {
        assert_eq!(
            as_json(r#"["\ud83d\ude00 \ud83d \ude00 \ud83d\u0041 \\ud83d \u00e9é"]"#),
            r#"["\ud83d\ude00 \ufffd \ufffd \ufffd\u0041 \\ud83d \u00e9é"]"#
        );
    }

    #[test]
    fn truncated_text_stays_as_it_is() {
        for text in ["", "{not json", r#""\"#, r#""\ud8"#, r#""\u+123"#] {
            assert_eq!(as_json(text), text);
        }
    }
}
