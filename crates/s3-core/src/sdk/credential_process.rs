//! Runs the `credential_process` command of an AWS profile and parses the credentials that it prints as JSON.

use std::fmt;
use std::process::Stdio;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use s3_wire::timestamp;
use serde_json::Value;
use tokio::process::Command;

use super::clock::SigningClock;

/// A credentials provider that runs a command in a shell and parses its output.
pub(super) struct CredentialProcess {
    command: String,
    clock: SigningClock,
}

impl CredentialProcess {
    pub(super) fn new(command: String, clock: SigningClock) -> Self {
        Self { command, clock }
    }

    async fn run(&self) -> provider::Result {
        let (shell, option) = match cfg!(windows) {
            true => ("cmd.exe", "/C"),
            false => ("sh", "-c"),
        };
        let output = Command::new(shell)
            .args([option, &self.command])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| failed(format!("cannot be run: {error}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(failed(format!(
                "ended with {}: {}",
                output.status,
                said.trim()
            )));
        }
        let credentials = read(&output.stdout)?;
        let now = self.clock.now();
        match credentials.expiry().filter(|expiry| *expiry <= now) {
            None => Ok(credentials),
            Some(expiry) => {
                let (expiry, now) = (seconds(expiry), seconds(now));
                Err(failed(format!(
                    "has printed credentials that expired at {expiry}, and it is {now}"
                )))
            }
        }
    }
}

/// Parses a time; a date is midnight UTC.
fn time_or_date(text: &str) -> Option<SystemTime> {
    timestamp::parse(text).or_else(|| timestamp::parse(&format!("{text}T00:00Z")))
}

/// Formats a time to the second.
fn seconds(time: SystemTime) -> String {
    httpdate::fmt_http_date(time)
}

/// Does not show the command, which may contain secrets.
impl fmt::Debug for CredentialProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialProcess").finish_non_exhaustive()
    }
}

impl ProvideCredentials for CredentialProcess {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.run())
    }
}

fn failed(text: impl fmt::Display) -> CredentialsError {
    CredentialsError::provider_error(format!("credential_process {text}"))
}

/// Parses the JSON that the command has printed: `Version` 1, two keys, and optionally a token and an expiration time.
fn read(output: &[u8]) -> provider::Result {
    // The error of serde_json is dropped: it may quote the output.
    let printed: Value =
        serde_json::from_slice(output.strip_prefix(b"\xef\xbb\xbf").unwrap_or(output))
            .map_err(|_| failed("has printed something that is not JSON"))?;
    let field = |name: &str| {
        let fields = printed.as_object()?;
        let own = fields
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name));
        own.map(|(_, value)| value).filter(|value| !value.is_null())
    };
    let text = |name: &str| match field(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
        Some(_) => Err(failed(format!(
            "has printed a `{name}` that is not a string"
        ))),
    };
    let missing = |name: &str| failed(format!("has printed no `{name}`"));
    match field("Version").ok_or_else(|| missing("Version"))? {
        Value::Number(number) if number.as_f64() == Some(1.0) => {}
        Value::String(text) if text.trim() == "1" => {}
        other => return Err(failed(format!("has printed version {other}, not 1"))),
    }
    let access_key = text("AccessKeyId")?.ok_or_else(|| missing("AccessKeyId"))?;
    let secret_key = text("SecretAccessKey")?.ok_or_else(|| missing("SecretAccessKey"))?;
    let token = text("SessionToken")?.filter(|token| !token.is_empty());
    let expiration = match field("Expiration") {
        // Seconds or milliseconds since 1970.
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => text("Expiration")?.filter(|time| !time.is_empty()),
    };
    let expiry = match expiration {
        None => None,
        Some(time) => Some(time_or_date(&time).ok_or_else(|| {
            failed(format!(
                "has printed an `Expiration` that is not a time: {time:?}"
            ))
        })?),
    };
    Ok(Credentials::new(
        access_key,
        secret_key,
        token,
        expiry,
        "CredentialProcess",
    ))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn text(error: &CredentialsError) -> String {
        aws_smithy_types::error::display::DisplayErrorContext(error).to_string()
    }

    #[test]
    fn every_form_of_iso_8601_is_a_time() {
        let expiry = UNIX_EPOCH + Duration::from_secs(4_070_908_800);
        for time in [
            "2099-01-01T00:00:00Z",
            "2099-01-01T00:00:00+0000",
            "2099-01-01T00:00:00+00:00",
            "2099-01-01T00:00:00",
            "2099-01-01 00:00:00 UTC",
            "2099-01-01T01:00:00.000+01",
            "20990101T000000Z",
            "2099-01-01",
        ] {
            let printed = format!(
                r#"{{"Version":"1","AccessKeyId":"a","SecretAccessKey":"s","Expiration":"{time}"}}"#
            );
            let read = read(printed.as_bytes()).unwrap();
            assert_eq!(read.expiry(), Some(expiry), "{time}");
        }
    }

    #[test]
    fn a_number_is_a_time_since_1970() {
        for number in ["4070908800", "4070908800.0", "4070908800000"] {
            let printed = format!(
                r#"{{"Version":1,"AccessKeyId":"a","SecretAccessKey":"s","Expiration":{number}}}"#
            );
            let expiry = UNIX_EPOCH + Duration::from_secs(4_070_908_800);
            assert_eq!(read(printed.as_bytes()).unwrap().expiry(), Some(expiry));
        }
    }

    #[tokio::test]
    async fn credentials_that_have_expired_are_rejected_with_both_times() {
        let print = |expiration: &str| {
            format!(
                r#"echo '{{"Version":1,"AccessKeyId":"a","SecretAccessKey":"s","Expiration":"{expiration}"}}'"#
            )
        };
        let clock = SigningClock::default();
        let process = CredentialProcess::new(print("2015-10-21T07:28:00Z"), clock.clone());
        let error = process.provide_credentials().await.unwrap_err();
        let text = text(&error);
        assert!(
            text.contains("expired at Wed, 21 Oct 2015 07:28:00 GMT, and it is"),
            "{text}"
        );
        let process = CredentialProcess::new(print("2099-01-01T00:00:00Z"), clock);
        assert!(process.provide_credentials().await.is_ok());
    }

    #[test]
    fn a_byte_order_mark_before_the_json_is_ignored() {
        let printed = "\u{feff}{\"Version\":1,\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\"}";
        assert_eq!(read(printed.as_bytes()).unwrap().access_key_id(), "a");
    }

    #[test]
    fn errors_name_the_invalid_field_and_show_no_secrets() {
        for (printed, want) in [
            ("hunter2", "not JSON"),
            (r#"{"AccessKeyId":"a"}"#, "no `Version`"),
            (r#"{"Version":2}"#, "version 2"),
            (r#"{"Version":1,"AccessKeyId":"a"}"#, "no `SecretAccessKey`"),
            (
                r#"{"Version":1,"AccessKeyId":1,"SecretAccessKey":"hunter2"}"#,
                "`AccessKeyId`",
            ),
            (
                r#"{"Version":1,"AccessKeyId":"a","SecretAccessKey":"hunter2","Expiration":"soon"}"#,
                "\"soon\"",
            ),
            (
                r#"{"Version":1,"AccessKeyId":"a","SecretAccessKey":"hunter2","Expiration":3600}"#,
                "\"3600\"",
            ),
            (
                r#"{"Version":1,"AccessKeyId":"a","SecretAccessKey":"hunter2","Expiration":true}"#,
                "`Expiration`",
            ),
        ] {
            let error = read(printed.as_bytes()).unwrap_err();
            let text = text(&error);
            assert!(text.contains(want) && !text.contains("hunter2"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_command_that_fails_says_why() {
        let command = "echo no luck >&2; exit 3".to_owned();
        let process = CredentialProcess::new(command, SigningClock::default());
        let error = process.provide_credentials().await.unwrap_err();
        let text = text(&error);
        assert!(text.contains("no luck"), "{text}");
    }
}
