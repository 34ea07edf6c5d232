//! GetObjectTagging and PutObjectTagging: reads and replaces the tags of an object; formats `x-amz-tagging`.

use std::fmt::Write;

use s3_wire::{Element, escape};

use super::client::Resolved;
use super::document::XMLNS;
use super::errors;
use crate::{GetTags, Operation, Result, SetTags, Tags};

pub(super) async fn get(resolved: &Resolved, request: GetTags) -> Result<Tags> {
    let operation = Operation::GetTags;
    let GetTags { url, version } = request;
    let route = resolved.route(url.bucket());
    let mut request = route.request("GET", url.key());
    request.query.push("tagging", "");
    if let Some(version) = &version {
        request.query.push("versionId", version.as_str());
    }
    let parse = |text: &str| Element::parse(text, "Tagging");
    let sent = route.exchange_documents(operation, request, None, parse);
    let (_, tagging) = sent.await.map_err(|error| error.with_resource(&url))?;
    let tags = tagging
        .children("TagSet")
        .flat_map(|set| set.children("Tag"))
        .map(|tag| {
            let name = tag.text("Key")?;
            let value = tag.text("Value").unwrap_or_default();
            Some((name.to_owned(), value.to_owned()))
        });
    tags.collect::<Option<Tags>>().ok_or_else(|| {
        errors::malformed(operation, "a tag of the response has no name").with_resource(&url)
    })
}

pub(super) async fn set(resolved: &Resolved, request: SetTags) -> Result<()> {
    let operation = Operation::SetTags;
    let SetTags { url, version, tags } = request;
    let mut document = format!("<Tagging {XMLNS}><TagSet>");
    for (name, value) in &tags {
        let (name, value) = (escape(name), escape(value));
        write!(
            document,
            "<Tag><Key>{name}</Key><Value>{value}</Value></Tag>"
        )
        .expect("memory takes every write");
    }
    document.push_str("</TagSet></Tagging>");
    let route = resolved.route(url.bucket());
    let mut request = route.request("PUT", url.key());
    request.query.push("tagging", "");
    if let Some(version) = &version {
        request.query.push("versionId", version.as_str());
    }
    let sent = route.send_document(operation, request, document).await;
    sent.map_err(|error| error.with_resource(&url))
}

/// Returns the tags as the value of `x-amz-tagging`: a query string.
pub(super) fn header(tags: &Tags) -> Option<String> {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let pairs: Vec<_> = tags
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    (!pairs.is_empty()).then(|| pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use super::super::replay::{Replay, response};
    use super::*;
    use crate::{Attributes, ErrorKind, PutRequest, S3Url, Store, VersionId};

    fn url() -> S3Url {
        S3Url::parse("s3://bucket/key").unwrap()
    }

    #[tokio::test]
    async fn tags_are_read_from_a_document() {
        let body = "<Tagging><TagSet><Tag><Key>a &amp; b</Key><Value>1</Value></Tag><Tag><Key>c</Key><Value/></Tag>\
                    </TagSet></Tagging>";
        let replay = Replay::new([response(200, &[], body)]);
        let request = GetTags::new(url()).with_version(VersionId::new("v1"));
        let tags = replay.store().get_tags(request).await.unwrap();
        assert_eq!(tags, pairs(&[("a & b", "1"), ("c", "")]));
        let line = replay.only().line();
        assert!(
            line.ends_with("/bucket/key?tagging=&versionId=v1"),
            "{line}"
        );

        let body = "<Tagging><TagSet><Tag><Value>1</Value></Tag></TagSet></Tagging>";
        let store = Replay::new([response(200, &[], body)]).store();
        let error = store.get_tags(GetTags::new(url())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
    }

    #[tokio::test]
    async fn tags_are_sent_as_a_document_or_a_header() {
        let replay = Replay::new([response(200, &[], "")]);
        let tags = pairs(&[("a<b", "1&2")]);
        let request = SetTags::new(url(), tags.clone());
        replay.store().set_tags(request).await.unwrap();
        let text = replay.only().text().to_owned();
        let expected = "<Tag><Key>a&lt;b</Key><Value>1&amp;2</Value></Tag>";
        assert!(text.contains(expected), "{text}");

        let replay = Replay::new([response(200, &[("etag", "\"e\"")], "")]);
        let attributes = Attributes::default()
            .with_tag("a<b", "1&2")
            .with_tag("c", "é d");
        let put = PutRequest::new(url(), "x".into()).with_attributes(attributes);
        replay.store().put(put).await.unwrap();
        let header = "a%3Cb=1%262&c=%C3%A9%20d";
        assert_eq!(replay.only().header("x-amz-tagging"), Some(header));
    }

    fn pairs(pairs: &[(&str, &str)]) -> Tags {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }
}
