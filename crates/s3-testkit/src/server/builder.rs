//! [`S3ServerBuilder`]: the settings of a server.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use s3_core::{SharedStore, Store};
use s3s::S3;
use s3s::service::S3ServiceBuilder;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::credentials::{Anybody, KeyPair};
use super::request_handler::RequestHandler;
use super::socket_activity::SocketActivity;
use super::{Domains, Frontend, S3Server, accept};
use crate::{FaultPlan, Faults, RequestLog};

/// The settings of an [`S3Server`], which [`start`](Self::start) starts.
#[derive(Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct S3ServerBuilder {
    backend: Backend,
    port: u16,
    keys: KeyPair,
    region: String,
    domains: Vec<String>,
    anonymous: bool,
    plan: FaultPlan,
}

enum Backend {
    Store(SharedStore),
    Service(Box<S3ServiceBuilder>),
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(store) => store.fmt(f),
            Self::Service(_) => f.write_str("s3s::S3"),
        }
    }
}

impl S3ServerBuilder {
    pub(super) fn for_store(store: impl Store) -> Self {
        Self::new(Backend::Store(SharedStore::new(store)))
    }

    pub(super) fn for_service(service: impl S3) -> Self {
        Self::new(Backend::Service(Box::new(S3ServiceBuilder::new(service))))
    }

    fn new(backend: Backend) -> Self {
        let keys = KeyPair {
            access_key: "testkey".to_owned(),
            secret_key: "testsecret-testsecret".to_owned(),
        };
        Self {
            backend,
            port: 0,
            keys,
            region: "us-east-1".to_owned(),
            domains: vec!["s3.localhost".to_owned()],
            anonymous: false,
            plan: FaultPlan::none(),
        }
    }

    /// Sets the port on 127.0.0.1; with 0, the default, the system chooses a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the accepted credentials; `testkey` and `testsecret-testsecret` by default.
    pub fn credentials(mut self, access_key: &str, secret_key: &str) -> Self {
        self.keys = KeyPair {
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
        };
        self
    }

    /// Sets the region of the buckets, `us-east-1` by default. Requests signed for any region are accepted.
    pub fn region(mut self, region: &str) -> Self {
        region.clone_into(&mut self.region);
        self
    }

    /// Adds a domain whose subdomains are buckets. `s3.localhost` and `localhost` are included already.
    pub fn virtual_host_domain(mut self, domain: &str) -> Self {
        self.domains.push(domain.to_owned());
        self
    }

    /// Also responses requests without a signature, such as those of curl.
    pub fn allow_anonymous(mut self) -> Self {
        self.anonymous = true;
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
        let (store, mut service) = match self.backend {
            Backend::Store(store) => {
                let service = S3ServiceBuilder::new(Frontend::new(store.clone(), &self.region));
                (Some(store), service)
            }
            Backend::Service(service) => (None, *service),
        };
        service.set_host(domains.clone());
        service.set_auth(self.keys.clone());
        if self.anonymous {
            service.set_access(Anybody);
        }
        let handler = RequestHandler {
            service: service.build(),
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
            keys: self.keys,
            region: self.region,
            store,
            request_log,
            faults,
            activity,
            listen_commands,
            stop,
            task,
        })
    }
}
