//! Client configurations: addressing and checksums.

use s3_core::{Addressing, Integrity, SdkStore};
use s3_testkit::S3Server;

use super::operation::Operation;

/// How requests reach the server: addressing and checksums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientMode {
    /// As to any server that is not AWS: the bucket in the path, and no checksums.
    Plain,
    /// With checksums of writes and of reads.
    Checksums,
    /// The bucket in the name of the host.
    VirtualHosts,
}

impl ClientMode {
    pub(super) const ALL: [Self; 3] = [Self::Plain, Self::Checksums, Self::VirtualHosts];

    /// Whether all requests of an operation can use this mode.
    ///
    /// The generated client asks the system where a host is, and not every system knows the names below `localhost`.
    pub(super) fn takes(self, operation: Operation) -> bool {
        use Operation as O;
        let by_generated_client = matches!(
            operation,
            O::PutParts | O::PutPartsOnce | O::PutFiles | O::Copy | O::Delete | O::DeleteMany
        );
        self != Self::VirtualHosts || !(by_generated_client || operation.is_of_one_request())
    }

    /// Returns a client with connections of its own.
    pub(super) fn client(self, server: &S3Server) -> SdkStore {
        let builder = server.client_builder();
        match self {
            Self::Plain => builder,
            Self::Checksums => builder.integrity(Integrity::WhenSupported),
            Self::VirtualHosts => builder
                .endpoint(&format!("http://s3.localhost:{}", server.port()))
                .addressing(Addressing::VirtualHost),
        }
        .build()
    }
}
