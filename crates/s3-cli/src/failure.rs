//! [`Failure`]: why an input or a command failed, as a sentence, as JSON and as an exit code.

use std::io;
use std::path::Path;

use s3_client::Error as ClientError;
use s3_core::ErrorKind;
use serde_json::{Value, json};

use crate::exit_code::FailureClass;

/// The failure of an input or of a command.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) class: FailureClass,
    kind: String,
    message: String,
    hint: Option<String>,
    response: Box<Response>,
}

/// Details of the error response.
#[derive(Clone, Debug, Default)]
struct Response {
    code: Option<String>,
    status: Option<u16>,
    request_id: Option<String>,
    attempts: u32,
}

impl Response {
    /// Returns status, error code, request ID and number of attempts, for the message.
    fn sentence(&self) -> String {
        let status = self.status.map(|status| status.to_string());
        let words: Vec<_> = status.into_iter().chain(self.code.clone()).collect();
        let mut parts = vec![words.join(" ")];
        parts.extend(self.request_id.as_ref().map(|id| format!("request {id}")));
        if self.attempts > 1 {
            parts.push(format!("{} attempts", self.attempts));
        }
        parts.retain(|part| !part.is_empty());
        parts.join(", ")
    }
}

impl Failure {
    fn new(class: FailureClass, kind: &str, message: impl Into<String>) -> Self {
        Self {
            class,
            kind: kind.to_owned(),
            message: message.into(),
            hint: None,
            response: Box::default(),
        }
    }

    /// Returns a failure for wrong arguments.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(FailureClass::Usage, "usage", message)
    }

    /// Returns a failure for an object, bucket or file that does not exist.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(FailureClass::NotFound, "not_found", message)
    }

    /// Returns any other local failure.
    pub(crate) fn local(message: impl Into<String>) -> Self {
        Self::new(FailureClass::Other, "local", message)
    }

    /// Returns the failure of an input that was in flight when the command was interrupted.
    pub(crate) fn cancelled() -> Self {
        Self::new(FailureClass::Other, "cancelled", "interrupted")
    }

    /// Returns the failure of a system call on `path`.
    pub(crate) fn of_file(action: &str, path: &Path, error: &io::Error) -> Self {
        let message = format!("{action} {}: {error}", path.display());
        match error.kind() {
            io::ErrorKind::NotFound => Self::not_found(message),
            _ => Self::local(message),
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a hint to a not-found failure without one.
    pub(crate) fn or_hint_if_not_found(mut self, hint: &str) -> Self {
        if self.class == FailureClass::NotFound {
            self.hint.get_or_insert_with(|| hint.to_owned());
        }
        self
    }

    /// Returns whether the server did not say if the object or its bucket is missing, as in the response to a HEAD,
    /// which has no body.
    pub(crate) fn is_vague(&self) -> bool {
        self.kind == "not_found"
            && self.response.status == Some(404)
            && self.response.code.is_none()
    }

    /// Returns the message: the failure, then details of the error response and the hint.
    pub(crate) fn sentence(&self) -> String {
        let mut details = self.response.sentence();
        if let Some(hint) = &self.hint {
            if !details.is_empty() {
                details.push_str("; ");
            }
            details.push_str(hint);
        }
        match details.is_empty() {
            true => self.message.clone(),
            false => format!("{} ({details})", self.message),
        }
    }

    /// Returns the fields for JSON output.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "kind": self.kind,
            "message": self.message,
            "hint": self.hint,
            "code": self.response.code,
            "status": self.response.status,
            "request_id": self.response.request_id,
            "attempts": self.response.attempts,
        })
    }
}

impl From<s3_core::Error> for Failure {
    fn from(error: s3_core::Error) -> Self {
        Self::from(&error)
    }
}

impl From<&s3_core::Error> for Failure {
    fn from(error: &s3_core::Error) -> Self {
        let lacks_credentials = error.kind() == ErrorKind::Config
            && error
                .hint()
                .is_some_and(|hint| hint.contains("credentials"));
        let class = match error.kind() {
            ErrorKind::NotFound | ErrorKind::NoSuchBucket | ErrorKind::NoSuchUpload => {
                FailureClass::NotFound
            }
            ErrorKind::AccessDenied | ErrorKind::Archived => FailureClass::Denied,
            ErrorKind::Config if lacks_credentials => FailureClass::Denied,
            ErrorKind::PreconditionFailed | ErrorKind::NotModified => FailureClass::Condition,
            ErrorKind::Timeout | ErrorKind::Network => FailureClass::Unreachable,
            _ => FailureClass::Other,
        };
        let mut message = error.kind().describe().to_owned();
        // Some servers send a message that only repeats the kind.
        if let Some(text) = error.message().filter(|text| *text != message) {
            message = format!("{message}: {text}");
        }
        let hint = match (lacks_credentials, error.hint()) {
            _ if error.kind() == ErrorKind::Archived => {
                let hint = "restore it first with mfs3 restore --days N, or without --days in INTELLIGENT_TIERING";
                Some(hint.to_owned())
            }
            (true, Some(hint)) if hint.contains("AWS_ACCESS_KEY_ID") => Some(
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or choose a profile with --profile"
                    .to_owned(),
            ),
            (_, hint) => hint.map(str::to_owned),
        };
        Self {
            class,
            kind: snake_case(&format!("{:?}", error.kind())),
            message,
            hint,
            response: Box::new(Response {
                code: error.code().map(str::to_owned),
                status: error.http_status(),
                request_id: error.request_id().map(str::to_owned),
                attempts: error.attempts(),
            }),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        if let Some(request) = error.as_request() {
            return Self::from(request);
        }
        let text = error.to_string();
        let (message, hint) = match text.split_once("\nhint: ") {
            Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
            None => (text, None),
        };
        let mut failure = match &error {
            ClientError::LocalFileNotFound { .. } => Self::not_found(message),
            ClientError::Local { error, .. } if error.kind() == io::ErrorKind::NotFound => {
                Self::not_found(message)
            }
            ClientError::Local { .. }
            | ClientError::UploadsRemain { .. }
            | ClientError::NotDeleted { .. } => Self::local(message),
            _ => Self::usage(message),
        };
        failure.hint = hint;
        failure
    }
}

fn snake_case(camel: &str) -> String {
    let mut text = String::new();
    for (at, letter) in camel.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use s3_core::{Error, Operation};

    use super::*;

    #[test]
    fn a_message_has_the_response_and_the_hint_in_brackets() {
        let error = Error::from_response(Operation::Get, 404, Some("NoSuchKey"))
            .with_request_id("R1")
            .with_hint("check the key");
        let failure = Failure::from(error);
        assert_eq!(failure.class, FailureClass::NotFound);
        assert_eq!(
            failure.sentence(),
            "object not found (404 NoSuchKey, request R1; check the key)"
        );
        let json = failure.to_json();
        assert_eq!(
            (&json["kind"], &json["status"]),
            (&json!("not_found"), &json!(404))
        );
    }

    #[test]
    fn a_missing_credential_is_denied_and_any_other_missing_setting_is_not() {
        let config = |hint| Error::new(ErrorKind::Config, Operation::Get).with_hint(hint);
        let class = |hint| Failure::from(config(hint)).class;
        assert_eq!(
            class("set AWS_ACCESS_KEY_ID or other credentials"),
            FailureClass::Denied
        );
        assert_eq!(class("set AWS_REGION"), FailureClass::Other);
    }
}
