//! Fault injection: a plan says which requests fail and how, over HTTP or on any store.
//!
//! A [`FaultPlan`] is an ordered list of [`FaultRule`]s. The first rule that matches a request and has uses left applies.
//! [`Delivered`] counts the faults that took effect: a rule that truncates at byte 100 matches a body of 50 bytes, but
//! is not delivered.
//!
//! A plan can be applied in two ways:
//!
//! * over HTTP, with [`S3ServerBuilder::faults`](crate::S3ServerBuilder::faults) or, while the server runs,
//!   [`S3Server::faults`](crate::S3Server::faults): connections are closed, bodies end before their
//!   `Content-Length`;
//! * on any [`Store`](s3_core::Store), with [`FaultStore`]: calls fail with the errors of such responses, without a
//!   network.
//!
//! An action says what fails and at which offset of the body. [`FaultAction::after_commit`] injects it after the
//! operation took effect; [`FaultRule::during`] and [`FaultRule::times`] say when and how often.
//!
//! Everything is deterministic. [`FaultPlan::random`] depends on a seed and on the request, not on the order in which
//! requests arrive, so concurrency does not change which requests fail.
//!
//! ```
//! use s3_core::{ErrorKind, GetRequest, MemoryStore, S3Url, Store, StoreExt};
//! use s3_testkit::{FaultAction, FaultMatch, FaultPlan, FaultStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let url = S3Url::parse("s3://bkt/key")?;
//! let plan = FaultPlan::none().with(FaultMatch::method("GET").on(FaultAction::status(503, "SlowDown")).times(1));
//! let store = FaultStore::new(MemoryStore::with_buckets(["bkt"]), plan);
//! store.put_bytes(url.clone(), "value").await?;
//!
//! let error = store.get(GetRequest::new(url.clone())).await.unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::Throttled);
//! assert_eq!(store.get_bytes(url).await?, "value");
//! assert_eq!(store.faults().delivered().total(), 1);
//! # Ok(())
//! # }
//! ```

mod action;
mod active_plan;
mod faulty_body;
mod http;
mod matcher;
mod plan;
mod random;
mod response_edit;
mod service_fault;
mod shorthands;
mod store;

pub use action::{FaultAction, ListFault, Position};
pub use active_plan::{Delivered, Faults};
pub(crate) use http::respond;
pub use matcher::FaultMatch;
pub use plan::{FaultPlan, FaultRule};
pub(crate) use service_fault::{FaultHook, ServiceFault};
pub use store::FaultStore;
