//! HTTP client for the SDK that reads CA certificates and sets up TLS at its first request.

use std::sync::OnceLock;

use aws_sdk_s3::config::SharedHttpClient;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::transport::Transport;
use crate::Operation;

/// Reads certificates and sets up TLS at the first request: most programs send none with this client.
#[derive(Debug)]
pub(super) struct LazyHttpClient {
    transport: Transport,
    operation: Operation,
    client: OnceLock<SharedHttpClient>,
}

impl LazyHttpClient {
    pub(super) fn new(transport: Transport, operation: Operation) -> Self {
        Self {
            transport,
            operation,
            client: OnceLock::new(),
        }
    }
}

impl HttpClient for LazyHttpClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        if let Some(client) = self.client.get() {
            return client.http_connector(settings, components);
        }
        match self.transport.build_https_client(self.operation) {
            Ok(client) => {
                let client = self.client.get_or_init(|| client);
                client.http_connector(settings, components)
            }
            Err(error) => SharedHttpConnector::new(Unusable(error.to_string())),
        }
    }
}

/// Connector that fails every request, because the HTTP client could not be built.
#[derive(Debug)]
struct Unusable(String);

impl HttpConnector for Unusable {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(Err(ConnectorError::user(self.0.clone().into())))
    }
}
