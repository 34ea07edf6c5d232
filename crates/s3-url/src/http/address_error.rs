//! Errors of `https://` URLs that cannot be those of an object or endpoint, without the secrets in the URL.

use url::{Position, Url};

use crate::parse::{ParseError, quote};

/// Returns an error that shows the URL without user, password, query and fragment, which may be secrets.
pub(super) fn invalid_address(address: &Url, problem: &'static str) -> ParseError {
    let public = &address[Position::BeforeHost..Position::AfterPath];
    invalid_input(&format!("{}://{public}", address.scheme()), problem)
}

pub(super) fn invalid_input(input: &str, problem: &'static str) -> ParseError {
    ParseError::Address {
        input: quote(input),
        problem,
    }
}

/// Rejects URLs with parts that those of an object or endpoint do not have.
pub(super) fn check_parts(address: &Url) -> Result<(), ParseError> {
    let problem = if !matches!(address.scheme(), "http" | "https") {
        "it must begin with https:// or http://"
    } else if !address.username().is_empty() || address.password().is_some() {
        "it contains a user name or password"
    } else if address.fragment().is_some() {
        "it has a fragment; a '#' in a key is written %23"
    } else {
        return Ok(());
    };
    Err(invalid_address(address, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_does_not_show_secrets() {
        let address = Url::parse("https://me:pw@b.example:9000/k?X-Amz-Signature=abc#f").unwrap();
        assert_eq!(
            check_parts(&address),
            Err(ParseError::Address {
                input: "https://b.example:9000/k".to_owned(),
                problem: "it contains a user name or password",
            })
        );
    }
}
