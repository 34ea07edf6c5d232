//! Errors about web addresses.

use url::{Position, Url};

use crate::parse::{ParseError, quote};

/// Makes an error that names the address without user, password, query and fragment: they may be secrets.
pub(super) fn refuse(address: &Url, problem: &'static str) -> ParseError {
    let public = &address[Position::BeforeHost..Position::AfterPath];
    refuse_text(&format!("{}://{public}", address.scheme()), problem)
}

pub(super) fn refuse_text(input: &str, problem: &'static str) -> ParseError {
    ParseError::Address {
        input: quote(input),
        problem,
    }
}

/// Refuses what no address of an object or of an endpoint may be.
pub(super) fn check_parts(address: &Url) -> Result<(), ParseError> {
    let problem = if !matches!(address.scheme(), "http" | "https") {
        "it must begin with https:// or http://"
    } else if !address.username().is_empty() || address.password().is_some() {
        "it holds a user name or password"
    } else if address.fragment().is_some() {
        "it has a fragment; a '#' in a key is written %23"
    } else {
        return Ok(());
    };
    Err(refuse(address, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_secrets() {
        let address = Url::parse("https://me:pw@b.example:9000/k?X-Amz-Signature=abc#f").unwrap();
        assert_eq!(
            check_parts(&address),
            Err(ParseError::Address {
                input: "https://b.example:9000/k".to_owned(),
                problem: "it holds a user name or password",
            })
        );
    }
}
