//! Detects truncated XML documents (an unclosed root element), and HTML pages.
//!
//! A response without a length ends with its connection, as behind HTTP/1.0 proxies. Without this check, a broken
//! connection would look like a malformed document.

/// Returns the text after the `<` of a document's first element.
fn root(text: &str) -> Option<&str> {
    text.match_indices('<').find_map(|(at, _)| {
        let tag = &text[at + 1..];
        (!tag.starts_with(['?', '!'])).then_some(tag)
    })
}

/// Returns whether the first element of a document is not closed.
pub(super) fn is_cut_short(text: &str) -> bool {
    let Some(root) = root(text) else {
        return text
            .trim_start_matches('\u{feff}')
            .trim_start()
            .starts_with('<');
    };
    let Some((tag, rest)) = root.split_once('>') else {
        return true;
    };
    let name = tag.split([' ', '\t', '\r', '\n', '/']).next();
    let end = format!("</{}", name.unwrap_or_default());
    let is_closed = rest.rfind(&end).is_some_and(|at| rest[at..].contains('>'));
    !tag.ends_with('/') && !is_closed
}

/// Returns whether a text is an HTML page, such as a proxy's.
pub(super) fn is_html(text: &str) -> bool {
    let begin = text.trim_start().get(..15).unwrap_or(text);
    let begin = begin.to_ascii_lowercase();
    begin.starts_with("<html") || begin.starts_with("<!doctype html")
}

#[cfg(test)]
mod tests {
    use super::super::replay::{Replay, response};
    use super::*;
    use crate::{
        DeleteRequest, Error, ErrorKind, ListParts, ListRequest, ListUploads, Retryability,
        S3Prefix, S3Url, Store, UploadId,
    };

    #[test]
    fn a_document_is_complete_if_its_root_is_closed() {
        for (text, cut) in [
            ("", false),
            ("Sign in", false),
            ("<?xml version='1.0'?>\n", true),
            ("<", true),
            ("<a/>", false),
            ("<a b='c'/>", false),
            (
                "<?xml version='1.0'?>\n<!-- no --><a b='c'><d></d></a >\n",
                false,
            ),
            ("<a", true),
            ("<a><b></b></a", true),
            ("<a><b></b>", true),
            ("<?xml version='1.0'?><a b='c'><d/>", true),
        ] {
            assert_eq!(is_cut_short(text), cut, "{text}");
        }
    }

    fn is_passing(error: &Error) {
        assert_eq!(
            (error.kind(), error.retryability()),
            (ErrorKind::Server, Retryability::Transient),
            "{error}"
        );
        assert!(error.to_string().contains("is truncated"), "{error}");
    }

    #[tokio::test]
    async fn a_truncated_listing_is_an_error() {
        let prefix = || S3Prefix::parse("s3://bucket/").unwrap();
        let url = || S3Url::parse("s3://bucket/key").unwrap();
        let store = |body| Replay::new([response(200, &[], body)]).store();

        let keys = "<ListBucketResult><IsTruncated>false</IsTruncated>\
            <Contents><Key>a</Key><Size>1</Size></Contents>";
        let listed = store(keys).list_page(ListRequest::new(prefix())).await;
        is_passing(&listed.unwrap_err());

        let uploads = "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>";
        let listed = store(uploads)
            .list_uploads(ListUploads::new(prefix()))
            .await;
        is_passing(&listed.unwrap_err());

        let parts = "<ListPartsResult><IsTruncated>false</IsTruncated>";
        let list = ListParts::new(url(), UploadId::new("u"));
        is_passing(&store(parts).list_parts(list).await.unwrap_err());

        let buckets = "<ListAllMyBucketsResult><Buckets></Buckets>";
        is_passing(&store(buckets).list_buckets().await.unwrap_err());

        let delete = DeleteRequest::new("bucket", vec![url(), url()]);
        is_passing(&store("<DeleteResult>").delete(delete).await.unwrap_err());
    }
}
