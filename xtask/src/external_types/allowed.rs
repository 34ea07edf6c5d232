//! List of the third-party types that public APIs may contain, with reasons.

use super::public_api::Use;

/// One accepted type.
#[derive(Debug)]
pub(super) struct Allowed {
    pub(super) path: &'static str,
    /// The only public item that may contain it; any item if `None`.
    pub(super) only_in: Option<&'static str>,
    /// The reason, for readers of the table.
    #[cfg_attr(not(test), expect(dead_code, reason = "only a test reads it"))]
    pub(super) because: &'static str,
}

impl Allowed {
    pub(super) fn allows(&self, found: &Use) -> bool {
        self.path == found.path && self.only_in.is_none_or(|item| item == found.item)
    }
}

const fn anywhere(path: &'static str, because: &'static str) -> Allowed {
    Allowed {
        path,
        only_in: None,
        because,
    }
}

const fn only_in(item: &'static str, path: &'static str, because: &'static str) -> Allowed {
    Allowed {
        path,
        only_in: Some(item),
        because,
    }
}

/// The accepted types of each library.
pub(super) const LIBRARIES: &[(&str, &[Allowed])] = &[
    (
        "s3-url",
        &[anywhere(
            "url::Url",
            "programs that have an HTTPS address have it parsed already",
        )],
    ),
    (
        "s3-wire",
        &[
            anywhere("bytes::Bytes", "as in s3-core"),
            anywhere("bytes::BytesMut", "as in s3-core"),
            only_in(
                "ChecksumTrailer",
                "crc_fast::CrcAlgorithm",
                "s3-core computes its checksums with the same crate",
            ),
        ],
    ),
    (
        "s3-core",
        &[
            anywhere(
                "bytes::Bytes",
                "the buffer type of hyper and tokio, shared without a copy",
            ),
            anywhere(
                "bytes::BytesMut",
                "bodies are collected into a buffer of the caller",
            ),
            anywhere(
                "futures_core::Stream",
                "std has no stable asynchronous iterator",
            ),
            only_in(
                "SdkStore",
                "aws_sdk_s3::Client",
                "a program with a client of its own keeps its configuration",
            ),
            only_in(
                "SdkStoreBuilder",
                "aws_credential_types::provider::ProvideCredentials",
                "credentials of a program's own provider",
            ),
            only_in(
                "SdkStoreBuilder",
                "aws_smithy_runtime_api::client::http::HttpClient",
                "an HTTP client of the program's own, for proxies and tests",
            ),
        ],
    ),
    (
        "s3-transfer",
        &[
            anywhere("bytes::Bytes", "as in s3-core"),
            anywhere("futures_core::Stream", "as in s3-core"),
            anywhere(
                "tokio::io::AsyncRead",
                "the engine runs on tokio: uploads read from it",
            ),
            anywhere(
                "tokio::time::Instant",
                "deadlines follow tokio's clock, which tests can pause",
            ),
            only_in(
                "WorkerPool",
                "tokio::task::JoinHandle",
                "the engine runs on tokio: a task is joined as tokio's are",
            ),
        ],
    ),
    (
        "s3-client",
        &[
            anywhere("bytes::Bytes", "as in s3-core"),
            anywhere("futures_core::Stream", "as in s3-core"),
            anywhere(
                "serde_json::Value",
                "Metaflow's metadata is any JSON object",
            ),
            anywhere("tokio::io::AsyncRead", "as in s3-transfer"),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_a_reason() {
        for (library, allowed) in LIBRARIES {
            for entry in *allowed {
                assert!(!entry.because.is_empty(), "{library}: {}", entry.path);
            }
        }
    }
}
