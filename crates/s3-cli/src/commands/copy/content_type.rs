//! Guesses the `Content-Type` of a file from its extension.

/// Returns the content type for the extension of a file name; `None` if it is unknown.
pub(super) fn guess(name: &str) -> Option<String> {
    let guessed = mime_guess::from_path(name).first_raw()?;
    Some(guessed.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_extensions_have_a_type() {
        assert_eq!(guess("a/page.HTML").as_deref(), Some("text/html"));
        assert_eq!(guess("x.json").as_deref(), Some("application/json"));
        assert_eq!(guess("README"), None);
    }
}
