//! [`Replay`]: fake HTTP client for tests that records requests and returns a list of prepared responses.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

use super::{SdkStore, SdkStoreBuilder};

/// A prepared response, returned once.
pub(super) enum Canned {
    Response {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: SdkBody,
    },
    Broken(fn() -> ConnectorError),
}

pub(super) fn response(
    status: u16,
    headers: &[(&'static str, &str)],
    body: impl Into<SdkBody>,
) -> Canned {
    let headers = headers
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    Canned::Response {
        status,
        headers,
        body: body.into(),
    }
}

/// An error document as S3 writes it.
pub(super) fn error_response(status: u16, code: &str) -> Canned {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>because</Message>\
         <RequestId>4XA1</RequestId></Error>"
    );
    response(
        status,
        &[
            ("x-amz-request-id", "4XA1"),
            ("content-type", "application/xml"),
        ],
        body,
    )
}

/// A recorded request.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) method: String,
    pub(super) uri: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Sent {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    /// The method and the URI, on one line.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.method, self.uri)
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

#[derive(Clone, Default)]
pub(super) struct Replay {
    responses: Arc<Mutex<Vec<Canned>>>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Replay")
    }
}

impl Replay {
    pub(super) fn new(responses: impl IntoIterator<Item = Canned>) -> Self {
        let mut responses: Vec<_> = responses.into_iter().collect();
        responses.reverse();
        Self {
            responses: Arc::new(Mutex::new(responses)),
            sent: Arc::default(),
        }
    }

    pub(super) fn builder(&self) -> SdkStoreBuilder {
        SdkStore::builder()
            .endpoint("http://127.0.0.1:9")
            .region("eu-west-1")
            .credentials("AKIDTEST", "the-secret-key", None)
            .http_client(self.clone())
    }

    pub(super) fn store(&self) -> SdkStore {
        self.builder().build()
    }

    pub(super) fn sent(&self) -> Vec<Sent> {
        std::mem::take(&mut self.sent.lock().unwrap())
    }

    pub(super) fn only(&self) -> Sent {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0)
    }
}

impl HttpConnector for Replay {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let replay = self.clone();
        HttpConnectorFuture::new(async move {
            let body = ByteStream::new(request.take_body()).collect().await;
            let body = body
                .map_err(|error| ConnectorError::user(error.into()))?
                .into_bytes()
                .to_vec();
            let headers = request.headers().iter();
            let headers = headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            let (method, uri) = (request.method().to_owned(), request.uri().to_owned());
            replay.sent.lock().unwrap().push(Sent {
                method,
                uri,
                headers,
                body,
            });
            let canned = replay
                .responses
                .lock()
                .unwrap()
                .pop()
                .expect("a response for every request");
            match canned {
                Canned::Broken(error) => Err(error()),
                Canned::Response {
                    status,
                    headers,
                    body,
                } => {
                    let mut response = HttpResponse::new(status.try_into().unwrap(), body);
                    for (name, value) in headers {
                        response.headers_mut().append(name, value);
                    }
                    Ok(response)
                }
            }
        })
    }
}

impl HttpClient for Replay {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
