//! An answer to a listing, whatever it is.

use s3_url::S3Prefix;
use s3_wire::listing::Page;

use super::list_page;
use crate::sdk::errors::{holds_refusal, malformed, not_understood, refused_by_server};
use crate::sdk::reply::Reply;
use crate::sdk::whole_document::is_cut_short;
use crate::{Error, ListPage, Operation, Result};

/// Reads the answer to a request for a page of the keys that begin with `prefix`.
///
/// # Errors
///
/// What the server refused, also where the answer calls itself a success; a transient error of kind `Server` for
/// an answer that ends in the middle or is no listing, and of kind `Integrity` for one that leaves out what it must
/// say.
pub(in crate::sdk) fn read(prefix: &S3Prefix, reply: &Reply<'_>) -> Result<ListPage> {
    let on_prefix = |error: Error| error.with_resource(prefix.as_str());
    if !reply.is_success() {
        return Err(on_prefix(refused_by_server(Operation::List, reply)));
    }
    let odd = |text: &str| on_prefix(not_understood(Operation::List, reply, text));
    let Ok(document) = std::str::from_utf8(reply.body) else {
        return Err(odd("the answer is not UTF-8"));
    };
    let page = Page::parse(document).map_err(|not_xml| {
        if holds_refusal(reply) {
            on_prefix(refused_by_server(Operation::List, reply))
        } else if is_cut_short(document) {
            odd("the answer ends in the middle")
        } else {
            odd(&not_xml.to_string())
        }
    })?;
    list_page(&page, prefix).map_err(|text| on_prefix(malformed(Operation::List, text)))
}
