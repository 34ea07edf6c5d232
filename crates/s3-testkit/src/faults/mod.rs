//! Faults on purpose: a plan says which requests go wrong and how, over HTTP or on any store.
//!
//! A [`FaultPlan`] is an ordered list of [`FaultRule`]s. The first rule that matches a request and has uses left
//! decides it, and loses one use. What was really done to a request is counted in [`Delivered`]: a body that is
//! shorter than the place where it should have been cut was matched, but nothing was delivered.
//!
//! There are two ways to run a plan, with the same meaning as far as there is one:
//!
//! * over HTTP, with [`S3ServerBuilder::faults`](crate::S3ServerBuilder::faults) or, while the server runs,
//!   [`S3Server::faults`](crate::S3Server::faults): connections are closed, bodies are cut after their
//!   `Content-Length` was announced;
//! * on any [`Store`](s3_core::Store), with [`FaultStore`]: calls fail with the errors that such answers mean,
//!   without a network.
//!
//! An action is what goes wrong and, where that matters, at which place of the body; [`FaultAction::after_commit`]
//! moves it behind the deed. [`FaultRule::during`] and [`FaultRule::times`] say when and how often.
//!
//! Everything is deterministic. [`FaultPlan::random`] draws from a seed and from what the request asks for, not
//! from the order in which requests arrive, so that concurrency does not change which requests are hit.
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
mod chance;
mod edit;
mod http;
mod lie;
mod live;
mod matcher;
mod named;
mod plan;
mod shape;
mod store;

pub use action::{FaultAction, ListLie, Position};
pub(crate) use http::answer;
pub(crate) use lie::{Order, Orders, lying_page};
pub(crate) use live::Receipt;
pub use live::{Delivered, Faults};
pub use matcher::FaultMatch;
pub use plan::{FaultPlan, FaultRule};
pub use store::FaultStore;
