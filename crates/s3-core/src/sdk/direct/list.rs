//! Listing keys, page by page.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Direct;
use super::lost;
use super::send::Ask;
use super::target::Target;
use crate::sdk::bounded_answer::DOCUMENT;
use crate::sdk::listing;
use crate::sdk::reply::Reply;
use crate::{ByteCounter, Error, ErrorKind, ListPage, ListRequest, Operation, Result};
use s3_wire::RequestBody;
use s3_wire::sign::{Headers, PayloadHash, Query};

/// How the server has to be asked for a listing; found out once per store.
#[derive(Debug, Default)]
pub(super) struct ListingForm {
    version_1: AtomicBool,
    unencoded: AtomicBool,
}

/// What one request uses of it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Form {
    /// `ListObjects`, whose continuation is a key.
    version_1: bool,
    /// Without `encoding-type`.
    unencoded: bool,
}

impl ListingForm {
    fn load(&self) -> Form {
        Form {
            version_1: self.version_1.load(Ordering::Relaxed),
            unencoded: self.unencoded.load(Ordering::Relaxed),
        }
    }

    fn store(&self, form: Form) {
        self.version_1.store(form.version_1, Ordering::Relaxed);
        self.unencoded.store(form.unencoded, Ordering::Relaxed);
    }
}

impl Form {
    /// Returns what else may be tried after a refusal.
    fn simpler(self, error: &Error) -> Option<Self> {
        let refused = error.kind() == ErrorKind::Unsupported
            || error.http_status() == Some(400)
                && matches!(
                    error.code(),
                    Some("InvalidArgument" | "InvalidRequest" | "NotImplemented")
                );
        if !refused {
            return None;
        }
        let text = error.message().unwrap_or_default().to_ascii_lowercase();
        let (version_1, unencoded) = (true, true);
        match self {
            Self {
                unencoded: false, ..
            } if text.contains("encoding") => Some(Self { unencoded, ..self }),
            Self {
                version_1: false, ..
            } => Some(Self { version_1, ..self }),
            Self {
                unencoded: false, ..
            } => Some(Self { unencoded, ..self }),
            _ => None,
        }
    }
}

pub(in crate::sdk) async fn page(
    direct: &Direct,
    target: &Target,
    request: &ListRequest,
) -> Result<ListPage> {
    let known = direct.listing_form.load();
    let mut form = known;
    let mut first_refusal = None;
    loop {
        match page_in_form(direct, target, request, form).await {
            Ok((page, version_1)) => {
                // A server that does not know version 2 has listed from the beginning.
                let again = version_1
                    && !form.version_1
                    && (request.start_after.is_some() || request.continuation.is_some());
                form.version_1 = version_1;
                if again {
                    continue;
                }
                if form != known {
                    tracing::debug!("the server lists in another form; it is remembered");
                    direct.listing_form.store(form);
                }
                return Ok(page);
            }
            Err(error) => match form.simpler(&error) {
                // A token that is refused is the token's fault.
                Some(simpler) if request.continuation.is_none() => {
                    first_refusal.get_or_insert(error);
                    form = simpler;
                }
                _ => return Err(first_refusal.unwrap_or(error)),
            },
        }
    }
}

/// Returns the page, and whether it is one of version 1.
async fn page_in_form(
    direct: &Direct,
    target: &Target,
    request: &ListRequest,
    form: Form,
) -> Result<(ListPage, bool)> {
    let operation = Operation::List;
    let mut query = Query::new();
    if !form.version_1 {
        query.push("list-type", "2");
    }
    if !form.unencoded {
        query.push("encoding-type", "url");
    }
    let continuation = request.continuation.as_deref();
    // A continuation goes on where it must; S3 refuses no combination, but some servers mix them up.
    let start_after = request
        .start_after
        .as_deref()
        .filter(|_| continuation.is_none());
    let (token, start) = match form.version_1 {
        false => (
            ("continuation-token", continuation),
            ("start-after", start_after),
        ),
        true => (("marker", continuation), ("marker", start_after)),
    };
    let texts = [
        ("prefix", Some(request.prefix.prefix())),
        ("delimiter", request.delimiter.as_deref()),
        start,
        token,
    ];
    for (name, text) in texts {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            query.push(name, text);
        }
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
    listing::read_version(&request.prefix, &reply, form.version_1)
}
