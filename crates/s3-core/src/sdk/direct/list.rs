//! Listing keys, page by page.

use super::Direct;
use super::lost;
use super::send::Ask;
use super::target::Target;
use crate::sdk::bounded_answer::DOCUMENT;
use crate::sdk::listing;
use crate::sdk::reply::Reply;
use crate::{ByteCounter, ListPage, ListRequest, Operation, Result};
use s3_wire::RequestBody;
use s3_wire::sign::{Headers, PayloadHash, Query};

pub(in crate::sdk) async fn page(
    direct: &Direct,
    target: &Target,
    request: &ListRequest,
) -> Result<ListPage> {
    let operation = Operation::List;
    let mut query = Query::new();
    query.push("list-type", "2");
    query.push("encoding-type", "url");
    let texts = [
        ("prefix", Some(request.prefix.prefix())),
        ("delimiter", request.delimiter.as_deref()),
        // A continuation goes on where it must; S3 refuses no combination, but some servers mix them up.
        (
            "start-after",
            request
                .start_after
                .as_deref()
                .filter(|_| request.continuation.is_none()),
        ),
    ];
    for (name, text) in texts {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            query.push(name, text);
        }
    }
    if let Some(token) = &request.continuation {
        query.push("continuation-token", token);
    }
    if let Some(max) = request.max_keys {
        query.push("max-keys", &max.min(i32::MAX as u32).to_string());
    }
    let ask = Ask {
        operation,
        method: "GET",
        target,
        key: "",
        query,
        headers: Headers::new(),
        hash: PayloadHash::Empty,
        body: RequestBody::Empty,
        trailer: None,
        sent_bytes: None,
        repeatable: true,
    };
    let mut answer = direct.send(ask).await?;
    let moved = request.moved.as_ref().map(ByteCounter::as_atomic);
    let body = answer.body.collect_counted(DOCUMENT, moved).await;
    let body = body.map_err(|error| lost::in_the_body(operation, &error))?;
    let reply = Reply {
        status: answer.status,
        header: &|name| answer.head.get(name),
        body: &body,
    };
    listing::read(&request.prefix, &reply)
}
