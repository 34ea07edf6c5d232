//! [`S3ServerBuilder`]: settings of an [`S3Server`].

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use s3_core::{SharedStore, Store};
use s3_server::{Domains, Service, ServiceBuilder};
use s3s::S3;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::request_handler::RequestHandler;
use super::socket_activity::SocketActivity;
use super::{S3Server, accept};
use crate::{FaultPlan, Faults, RequestLog};

/// Settings of an [`S3Server`]; [`start`](Self::start) starts it.
#[derive(Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct S3ServerBuilder {
    store: Option<SharedStore>,
    service: ServiceBuilder,
    port: u16,
    access_key: String,
    secret_key: String,
    region: String,
    domains: Vec<String>,
    plan: FaultPlan,
    repeats_completions: bool,
    adds_checksums: bool,
}

impl S3ServerBuilder {
    pub(super) fn for_store(store: impl Store) -> Self {
        let store = SharedStore::new(store);
        Self::new(Some(store.clone()), Service::builder(store))
    }

    pub(super) fn for_service(service: impl S3) -> Self {
        Self::new(None, Service::builder_for(service))
    }

    fn new(store: Option<SharedStore>, service: ServiceBuilder) -> Self {
        Self {
            store,
            service,
            port: 0,
            access_key: "testkey".to_owned(),
            secret_key: "testsecret-testsecret".to_owned(),
            region: "us-east-1".to_owned(),
            domains: vec!["s3.localhost".to_owned()],
            plan: FaultPlan::none(),
            repeats_completions: false,
            adds_checksums: false,
        }
    }

    /// Sets the port on 127.0.0.1; with 0, the default, the system chooses a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the accepted credentials; `testkey` and `testsecret-testsecret` by default.
    pub fn credentials(mut self, access_key: &str, secret_key: &str) -> Self {
        access_key.clone_into(&mut self.access_key);
        secret_key.clone_into(&mut self.secret_key);
        self
    }

    /// Sets the region of the buckets, `us-east-1` by default. A request that is signed for another region is rejected
    /// with `400 AuthorizationHeaderMalformed`, which names this region.
    pub fn region(mut self, region: &str) -> Self {
        region.clone_into(&mut self.region);
        self
    }

    /// Adds a domain whose subdomains are buckets. `s3.localhost` and `localhost` are always included.
    pub fn virtual_host_domain(mut self, domain: &str) -> Self {
        self.domains.push(domain.to_owned());
        self
    }

    /// Also responds to requests without a signature, such as those of curl.
    pub fn allow_anonymous(mut self) -> Self {
        self.service = self.service.allow_anonymous();
        self
    }

    /// Sets the latency before each response.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.service = self.service.latency(latency);
        self
    }

    /// Limits the bytes per second of each body.
    pub fn rate(mut self, bytes_per_second: u64) -> Self {
        self.service = self.service.rate(bytes_per_second);
        self
    }

    /// Repeats the response to a CompleteMultipartUpload that is sent again, as AWS does. By default the second one
    /// fails with `404 NoSuchUpload`, as on most other servers; clients must handle both.
    pub fn repeat_completions(mut self) -> Self {
        self.repeats_completions = true;
        self
    }

    /// Computes a CRC64NVME of objects that are written without a checksum, as AWS does. By default they have no
    /// checksum, as on most other servers.
    pub fn default_checksums(mut self) -> Self {
        self.adds_checksums = true;
        self
    }

    /// Sets the initial fault plan; [`S3Server::faults`] changes it later.
    pub fn faults(mut self, plan: impl Into<FaultPlan>) -> Self {
        self.plan = plan.into();
        self
    }

    /// Starts the server on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// If the port is taken.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with I/O and time enabled.
    pub async fn start(self) -> io::Result<S3Server> {
        let listener =
            TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))).await?;
        let port = listener.local_addr()?.port();
        let domains = Domains::new(self.domains.iter().map(String::as_str));
        let service = match self.repeats_completions {
            true => self.service,
            false => self.service.forget_completed_uploads(),
        };
        let service = match self.adds_checksums {
            true => service,
            false => service.without_default_checksums(),
        };
        let service = service
            .credentials(&self.access_key, &self.secret_key)
            .region(&self.region)
            .domains(domains.clone())
            .build();
        let handler = RequestHandler {
            service,
            domains,
            request_log: RequestLog::default(),
            faults: Faults::new(self.plan),
        };
        let (request_log, faults) = (handler.request_log.clone(), handler.faults.clone());
        let stop = CancellationToken::new();
        let (listen_commands, asked) = mpsc::channel(1);
        let activity = SocketActivity::default();
        let serving = accept::serve(listener, handler, activity.clone(), asked, stop.clone());
        let task = tokio::spawn(serving);
        Ok(S3Server {
            port,
            access_key: self.access_key,
            secret_key: self.secret_key,
            region: self.region,
            store: self.store,
            request_log,
            faults,
            activity,
            listen_commands,
            stop,
            task,
        })
    }
}
