//! GetBucketVersioning, PutBucketVersioning and ListObjectVersions: sends the requests and parses the responses.

use std::cmp::Reverse;
use std::sync::Arc;

use s3_url::{S3Prefix, S3Url};
use s3_wire::Element;
use s3_wire::listing::KeyDecoder;

use super::client::Resolved;
use super::convert::{self, etag_of, version_of};
use super::document::{self, NO_NEXT_PAGE, XMLNS, is_truncated};
use super::errors;
use super::list::push_page;
use crate::{
    BucketRequest, ChecksumAlgorithm, ChecksumType, ListVersions, ListedObject, ListedVersion,
    Operation, Result, SetVersioning, VersionId, Versioning, VersionsPage,
};

/// Element names of the entries of a listing.
const VERSION: &str = "Version";
const DELETE_MARKER: &str = "DeleteMarker";

pub(super) async fn versioning(
    resolved: &Resolved,
    BucketRequest { bucket }: BucketRequest,
) -> Result<Option<Versioning>> {
    let operation = Operation::Versioning;
    let route = resolved.route(&bucket);
    let mut request = route.request("GET", "");
    request.query.push("versioning", "");
    let parse = |text: &str| Element::parse(text, "VersioningConfiguration");
    let sent = route.exchange_documents(operation, request, None, parse);
    let on_bucket = |error: crate::Error| error.with_resource(format!("s3://{bucket}"));
    let (_, state) = sent.await.map_err(on_bucket)?;
    match state.scalar("Status") {
        None => Ok(None),
        Some("Enabled") => Ok(Some(Versioning::Enabled)),
        Some("Suspended") => Ok(Some(Versioning::Suspended)),
        Some(_) => Err(on_bucket(errors::malformed(
            operation,
            "the status of versioning is neither Enabled nor Suspended",
        ))),
    }
}

pub(super) async fn set_versioning(resolved: &Resolved, request: SetVersioning) -> Result<()> {
    let operation = Operation::SetVersioning;
    let SetVersioning { bucket, versioning } = request;
    let status = versioning.as_str();
    let document = format!(
        "<VersioningConfiguration {XMLNS}><Status>{status}</Status></VersioningConfiguration>"
    );
    let route = resolved.route(&bucket);
    let mut request = route.request("PUT", "");
    request.query.push("versioning", "");
    let sent = route.send_document(operation, request, document).await;
    sent.map_err(|error| error.with_resource(format!("s3://{bucket}")))
}

pub(super) async fn list(resolved: &Resolved, request: ListVersions) -> Result<VersionsPage> {
    let page = list_versions(resolved, &request).await;
    page.map_err(|error| error.with_resource(&request.prefix))
}

async fn list_versions(resolved: &Resolved, list: &ListVersions) -> Result<VersionsPage> {
    let operation = Operation::ListVersions;
    let route = resolved.route(list.prefix.bucket());
    let mut request = route.request("GET", "");
    let query = &mut request.query;
    query.push("encoding-type", "url");
    let after = list.after.as_ref();
    let version = after.and_then(|(_, version)| version.as_ref());
    let texts = [
        ("delimiter", list.delimiter.as_deref()),
        ("key-marker", after.map(|(key, _)| &**key)),
        ("prefix", Some(list.prefix.prefix())),
        ("version-id-marker", version.map(VersionId::as_str)),
    ];
    push_page(query, texts, ("max-keys", list.max_keys));
    query.push("versions", "");
    let parse = |text: &str| {
        Element::parse(text, "ListVersionsResult")
            .or_else(|error| Element::parse(text, "ListObjectVersionsResult").map_err(|_| error))
    };
    let (_, page) = route
        .exchange_documents(operation, request, None, parse)
        .await?;
    read_page(&page, &list.prefix).map_err(|text| errors::malformed(operation, text))
}

fn read_page(page: &Element, prefix: &S3Prefix) -> Result<VersionsPage, &'static str> {
    let entries = || page.children_of(&[VERSION, DELETE_MARKER]);
    let keys = entries().filter_map(|(_, entry)| entry.text("Key"));
    let others = page.text("NextKeyMarker").into_iter();
    let is_encoded = page.scalar("EncodingType") == Some("url");
    let decoder = KeyDecoder::new(is_encoded, prefix.prefix(), others.chain(keys));
    let mut read = VersionsPage::default();
    for (name, entry) in entries() {
        let version = listed_version(prefix, &decoder, entry, name == DELETE_MARKER)?;
        read.versions.push(version);
    }
    // Servers list versions and delete markers mixed or separately. The sort is stable: entries with the same time,
    // which has a resolution of one second, keep the order of the document.
    read.versions.sort_by(|a, b| {
        let order = |entry: &ListedVersion| (!entry.is_latest, Reverse(entry.object.last_modified));
        let keys = a.object.url.key().cmp(b.object.url.key());
        keys.then_with(|| order(a).cmp(&order(b)))
    });
    for common in page.children("CommonPrefixes") {
        let text = common.text("Prefix").ok_or("a common prefix has no text")?;
        let common = S3Prefix::from_parts(prefix.bucket(), &decoder.decode(text)?);
        read.prefixes
            .push(common.map_err(|_| "a common prefix is not valid")?);
    }
    if is_truncated(page)? {
        let key = page.text("NextKeyMarker").filter(|key| !key.is_empty());
        let key = key.ok_or(NO_NEXT_PAGE)?;
        let version = page.text("NextVersionIdMarker").and_then(version_of);
        read.next = Some((Arc::from(&*decoder.decode(key)?), version));
    }
    Ok(read)
}

fn listed_version(
    prefix: &S3Prefix,
    decoder: &KeyDecoder,
    entry: &Element,
    is_delete_marker: bool,
) -> Result<ListedVersion, &'static str> {
    let key = entry
        .text("Key")
        .ok_or("an entry of the listing has no key")?;
    let key = decoder.decode(key)?;
    let url = S3Url::from_parts(prefix.bucket(), &key);
    let url = url.map_err(|_| "a key of the listing is not valid")?;
    let size = entry.scalar("Size").and_then(convert::number);
    let size = match is_delete_marker {
        true => 0,
        false => size.ok_or("an entry of the listing has no size")?,
    };
    let mut object = ListedObject::new(url, size);
    object.etag = entry.scalar("ETag").and_then(etag_of);
    object.last_modified = document::time(entry, "LastModified");
    object.storage_class = entry.scalar("StorageClass").map(Arc::from);
    let algorithm = entry.scalar("ChecksumAlgorithm");
    object.checksum_algorithm = algorithm.and_then(ChecksumAlgorithm::of_name);
    let kind = entry.scalar("ChecksumType");
    object.checksum_type = kind.and_then(ChecksumType::of_name);
    let version = entry.scalar("VersionId").and_then(version_of);
    let version = version.ok_or("an entry of the listing has no version")?;
    let mut listed = ListedVersion::new(object, version);
    let is_latest = entry.scalar("IsLatest").unwrap_or_default();
    listed.is_latest = is_latest.eq_ignore_ascii_case("true");
    listed.is_delete_marker = is_delete_marker;
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::super::replay::{Replay, response};
    use super::*;
    use crate::{ErrorKind, Store};

    #[tokio::test]
    async fn versions_and_delete_markers_come_in_one_order() {
        let entry = |kind: &str, key: &str, id: &str, latest: bool, time: u32, rest: &str| {
            format!(
                "<{kind}><Key>{key}</Key><VersionId>{id}</VersionId><IsLatest>{latest}</IsLatest>\
                 <LastModified>2015-10-21T07:28:0{time}Z</LastModified>{rest}</{kind}>"
            )
        };
        let rest = "<Size>3</Size><ETag>&quot;e&quot;</ETag>";
        let body = format!(
            "<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
             <NextKeyMarker>b%2Fx</NextKeyMarker><NextVersionIdMarker>v3</NextVersionIdMarker>\
             {}{}{}<CommonPrefixes><Prefix>c%2F</Prefix></CommonPrefixes></ListVersionsResult>",
            entry("Version", "a", "v1", false, 1, rest),
            entry("Version", "b%2Fx", "v3", true, 3, rest),
            entry("DeleteMarker", "a", "v2", true, 2, ""),
        );
        let replay = Replay::new([response(200, &[], body)]);
        let request = ListVersions::new(S3Prefix::parse("s3://bucket/").unwrap())
            .with_after(("0".into(), Some(VersionId::new("v0"))))
            .with_delimiter("/")
            .with_max_keys(3);
        let page = replay.store().list_versions(request).await.unwrap();
        let shown: Vec<_> = page
            .versions
            .iter()
            .map(|listed| (listed.object.url.key(), listed.version.as_str()))
            .collect();
        assert_eq!(shown, [("a", "v2"), ("a", "v1"), ("b/x", "v3")]);
        assert!(page.versions[0].is_delete_marker && !page.versions[1].is_latest);
        assert_eq!(page.prefixes[0].prefix(), "c/");
        assert_eq!(page.next, Some(("b/x".into(), Some(VersionId::new("v3")))));
        let line = replay.only().line();
        let query = "delimiter=%2F&encoding-type=url&key-marker=0&max-keys=3&version-id-marker=v0&versions=";
        assert!(line.ends_with(query), "{line}");
    }

    #[tokio::test]
    async fn entries_with_the_same_time_keep_the_order_of_the_document() {
        let entry = |kind: &str, id: &str, latest: bool| {
            format!(
                "<{kind}><Key>k</Key><VersionId>{id}</VersionId><IsLatest>{latest}</IsLatest>\
                 <LastModified>2015-10-21T07:28:00Z</LastModified><Size>3</Size></{kind}>"
            )
        };
        let body = format!(
            "<ListVersionsResult><IsTruncated>false</IsTruncated>{}{}{}{}</ListVersionsResult>",
            entry("Version", "v4", true),
            entry("DeleteMarker", "v3", false),
            entry("Version", "v2", false),
            entry("DeleteMarker", "v1", false),
        );
        let replay = Replay::new([response(200, &[], body)]);
        let request = ListVersions::new(S3Prefix::parse("s3://bucket/").unwrap());
        let page = replay.store().list_versions(request).await.unwrap();
        let ids = page.versions.iter().map(|listed| listed.version.as_str());
        assert_eq!(ids.collect::<Vec<_>>(), ["v4", "v3", "v2", "v1"]);
        let is_marker = |listed: &ListedVersion| listed.is_delete_marker;
        let markers: Vec<_> = page.versions.iter().map(is_marker).collect();
        assert_eq!(markers, [false, true, false, true]);
    }

    #[tokio::test]
    async fn the_state_of_a_bucket_is_a_document() {
        for (status, expected) in [
            ("", None),
            ("<Status>Enabled</Status>", Some(Versioning::Enabled)),
            ("<Status>Suspended</Status>", Some(Versioning::Suspended)),
        ] {
            let body = format!("<VersioningConfiguration>{status}</VersioningConfiguration>");
            let store = Replay::new([response(200, &[], body)]).store();
            let state = store.versioning(BucketRequest::new("bucket")).await;
            assert_eq!(state.unwrap(), expected);
        }
        let body = "<VersioningConfiguration><Status>Odd</Status></VersioningConfiguration>";
        let store = Replay::new([response(200, &[], body)]).store();
        let error = store.versioning(BucketRequest::new("bucket")).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Protocol);

        let replay = Replay::new([response(200, &[], "")]);
        let request = SetVersioning::new("bucket", Versioning::Suspended);
        replay.store().set_versioning(request).await.unwrap();
        let sent = replay.only();
        assert!(sent.text().contains("<Status>Suspended</Status>"));
        assert!(sent.header("x-amz-checksum-crc32").is_some());
    }
}
