//! [`Credentials`]: access key, secret key and session token that sign requests.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An access key, its secret and, for temporary credentials, a session token.
///
/// Clone is a reference count. `Debug` shows no secret.
#[derive(Clone)]
pub struct Credentials(Arc<Fields>);

struct Fields {
    access_key: String,
    secret_key: String,
    token: Option<String>,
    id: u64,
}

/// Error for credentials that cannot be sent in a header, because they contain a space, a line break or another
/// character that is not visible ASCII, or because the secret key contains a control character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the access key, the secret key or the session token contains a space, a line break or another invalid character"
)]
pub struct InvalidCredentials;

/// The ID of anonymous credentials.
const ANONYMOUS: u64 = 0;

impl Credentials {
    /// Returns credentials that sign requests.
    ///
    /// # Errors
    ///
    /// The access key or the token has a character that is not visible ASCII, or the secret key a control character; a
    /// trailing line break is the usual mistake.
    pub fn new(
        access_key: impl Into<String>,
        secret_key: impl Into<String>,
        token: Option<String>,
    ) -> Result<Self, InvalidCredentials> {
        static NEXT_ID: AtomicU64 = AtomicU64::new(ANONYMOUS + 1);
        let fields = Fields {
            access_key: access_key.into(),
            secret_key: secret_key.into(),
            token,
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
        };
        let is_sendable = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let has_control = |text: &str| text.bytes().any(|byte| byte.is_ascii_control());
        if !is_sendable(&fields.access_key)
            || has_control(&fields.secret_key)
            || !fields.token.as_deref().is_none_or(is_sendable)
        {
            return Err(InvalidCredentials);
        }
        Ok(Self(Arc::new(fields)))
    }

    /// Returns credentials that sign nothing: requests are sent without an `authorization` header.
    #[must_use]
    pub fn anonymous() -> Self {
        let fields = Fields {
            access_key: String::new(),
            secret_key: String::new(),
            token: None,
            id: ANONYMOUS,
        };
        Self(Arc::new(fields))
    }

    /// Returns whether requests are not signed.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.0.id == ANONYMOUS
    }

    /// Returns the access key's id.
    #[must_use]
    pub fn access_key(&self) -> &str {
        &self.0.access_key
    }

    /// Returns the session token of temporary credentials.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.0.token.as_deref()
    }

    pub(crate) fn secret_key(&self) -> &str {
        &self.0.secret_key
    }

    /// Returns an ID that all clones of these credentials share, and that no others of this process have.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.0.id
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let credentials = Credentials::new("AKID", "hunter2", Some("token".to_owned())).unwrap();
        let text = format!("{credentials:?}");
        for secret in ["AKID", "hunter2", "token"] {
            assert!(!text.contains(secret), "{text}");
        }
    }

    #[test]
    fn characters_that_a_header_cannot_hold_are_rejected() {
        for (access_key, secret_key, token) in [
            ("AKID\n", "secret", None),
            ("AK ID", "secret", None),
            ("AKID", "secret\r\n", None),
            ("AKID", "secret", Some("a\r\nb: c")),
        ] {
            let outcome = Credentials::new(access_key, secret_key, token.map(str::to_owned));
            assert_eq!(outcome.err(), Some(InvalidCredentials), "{access_key:?}");
        }
    }
}
