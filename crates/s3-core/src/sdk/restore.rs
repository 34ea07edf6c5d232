//! RestoreObject: requests an archived object (`GLACIER`, `DEEP_ARCHIVE`, `INTELLIGENT_TIERING`) to be restored.

use s3_wire::escape;

use super::client::Resolved;
use super::document::XMLNS;
use crate::{Operation, RestoreRequest, Result};

pub(super) async fn restore(resolved: &Resolved, request: RestoreRequest) -> Result<()> {
    let RestoreRequest {
        url,
        version,
        days,
        tier,
    } = request;
    let tier = tier.map(|tier| {
        let tier = escape(&tier);
        format!("<GlacierJobParameters><Tier>{tier}</Tier></GlacierJobParameters>")
    });
    let tier = tier.unwrap_or_default();
    let days = days.map(|days| format!("<Days>{days}</Days>"));
    let days = days.unwrap_or_default();
    let document = format!("<RestoreRequest {XMLNS}>{days}{tier}</RestoreRequest>");
    let route = resolved.route(url.bucket());
    let mut request = route.request("POST", url.key());
    request.query.push("restore", "");
    // While the first restore is in progress, a second request fails.
    request.idempotent = false;
    if let Some(version) = &version {
        request.query.push("versionId", version.as_str());
    }
    let sent = route.send_document(Operation::Restore, request, document);
    sent.await.map_err(|error| error.with_resource(&url))
}

#[cfg(test)]
mod tests {
    use super::super::replay::{Replay, error_response, response};
    use super::*;
    use crate::{ErrorKind, GetRequest, Retryability, S3Url, Store, VersionId};

    fn url() -> S3Url {
        S3Url::parse("s3://bucket/key").unwrap()
    }

    #[tokio::test]
    async fn the_request_names_days_and_tier() {
        let replay = Replay::new([response(202, &[], "")]);
        let request = RestoreRequest::new(url(), 3)
            .with_version(VersionId::new("v1"))
            .with_tier("Bulk");
        replay.store().restore(request).await.unwrap();
        let sent = replay.only();
        let line = sent.line();
        assert!(
            line.starts_with("POST ") && line.ends_with("/bucket/key?restore=&versionId=v1"),
            "{line}"
        );
        let text = sent.text();
        let tier = "<GlacierJobParameters><Tier>Bulk</Tier></GlacierJobParameters>";
        assert!(text.contains(&format!("<Days>3</Days>{tier}")), "{text}");
    }

    #[tokio::test]
    async fn an_object_that_leaves_its_archive_for_good_is_restored_without_days() {
        let replay = Replay::new([response(202, &[], "")]);
        let request = RestoreRequest::new(url(), None);
        replay.store().restore(request).await.unwrap();
        let sent = replay.only();
        let text = sent.text();
        assert!(text.contains("<RestoreRequest"), "{text}");
        assert!(!text.contains("Days"), "{text}");
    }

    #[tokio::test]
    async fn errors_of_archived_objects_say_what_to_do() {
        let store = Replay::new([
            error_response(403, "InvalidObjectState"),
            error_response(403, "InvalidObjectState"),
            error_response(409, "RestoreAlreadyInProgress"),
        ])
        .store();
        let archived = store.get(GetRequest::new(url())).await.unwrap_err();
        assert_eq!(archived.kind(), ErrorKind::Archived);
        let text = archived.to_string();
        assert!(
            text.contains("object is archived") && text.contains("hint: restore"),
            "{text}"
        );
        let request = || RestoreRequest::new(url(), 1);
        let not_archived = store.restore(request()).await.unwrap_err();
        assert_eq!(not_archived.kind(), ErrorKind::InvalidInput);
        let again = store.restore(request()).await.unwrap_err();
        assert_eq!(
            (again.kind(), again.retryability()),
            (ErrorKind::Conflict, Retryability::No)
        );
    }
}
