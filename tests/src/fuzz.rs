//! Fuzz targets: each parses arbitrary bytes and panics if the parsed result is inconsistent.
//!
//! `fuzz/` runs them under libFuzzer, which needs a nightly compiler and finds new inputs; the test suite replays the
//! inputs in `fuzz/corpus` with any compiler.

use std::collections::BTreeMap;

use s3_client::Config;
use s3_core::fuzzing;
use s3_core::{S3Prefix, S3Url};
use s3_url::Root;

use crate::model::Model;
use crate::vectors::Vector;

/// The name of a target, which is also that of its corpus, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 8] = [
    ("list_response", fuzzing::list_response),
    ("error_response", fuzzing::error_response),
    ("http_response", fuzzing::http_response),
    ("timestamp", fuzzing::timestamp),
    ("url", url),
    ("metadata", metadata),
    ("config", config),
    ("vector", vector),
];

/// Runs a target with an input.
///
/// # Panics
///
/// If there is no such target, or if the target panics.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = target.expect("the target is in the table");
    target(bytes);
}

/// Keys, prefixes and roots: accepted texts are returned unchanged.
///
/// # Panics
///
/// If they do not.
pub fn url(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(url) = S3Url::parse(text) {
        let again = S3Url::from_parts(url.bucket(), url.key());
        assert_eq!(again.as_ref(), Ok(&url), "its parts make it");
        assert_eq!(
            S3Url::parse(url.as_str()).as_ref(),
            Ok(&url),
            "its text makes it"
        );
        let parent = url.parent();
        let key = format!("{}{}", parent.prefix(), url.file_name());
        assert_eq!(key, url.key(), "its directory and its name make it");
        assert!(parent.contains(&url), "it lies in its directory");
    }
    if let Ok(prefix) = S3Prefix::parse(text) {
        let again =
            S3Prefix::from_parts(prefix.bucket(), prefix.prefix()).expect("its parts make it");
        let parts = (again.bucket(), again.prefix());
        assert_eq!(
            parts,
            (prefix.bucket(), prefix.prefix()),
            "and it has them again"
        );
        assert!(prefix.with_trailing_slash().as_str().ends_with('/'));
    }
    if let Ok(url) = S3Url::from_parts("bucket", text) {
        assert_eq!(url.key(), text, "a key is bytes");
    }
    for root in ["s3://b", "s3://b/root/a"].into_iter().chain([text]) {
        let Ok(root) = Root::s3root(root) else {
            continue;
        };
        if let (Ok(url), Some(prefix)) = (root.resolve_object(Some(text)), root.prefix()) {
            assert_eq!(
                url.bucket(),
                prefix.bucket(),
                "a key never leaves its bucket"
            );
            assert!(
                url.key()
                    .starts_with(prefix.trim_trailing_slashes().prefix()),
                "a key never leaves its root"
            );
        }
    }
}

/// Metaflow's user metadata.
pub fn metadata(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        s3_client::fuzzing::metadata(text);
    }
}

/// Metaflow's settings: a profile file, and environment variables with the same text.
pub fn config(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let home = |name: &str| (name == "METAFLOW_HOME").then(|| "/home".to_owned());
    let shown = |config: Config| format!("{config:?}");
    let _ = Config::from_lookup_and_files(home, |_| Ok(text.to_owned())).map(shown);
    let variables: BTreeMap<_, _> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    let _ =
        Config::from_lookup(|name| variables.get(name).map(|value| (*value).to_owned())).map(shown);
}

/// A line of recorded vectors: the model must be able to play every valid one.
pub fn vector(bytes: &[u8]) {
    let Ok(line) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(vector) = Vector::read(line) {
        let _ = Model::promise().play(&vector.scenario).to_json();
        let _ = Model::reference().play(&vector.scenario).to_json();
    }
}
