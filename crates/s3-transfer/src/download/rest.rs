//! The read of a part whose bytes are known from the start.

use std::ops::Range;
use std::sync::Arc;

use s3_core::{ByteRange, Operation, Result, SharedStore, Store};

use super::Destination;
use super::first::Opened;
use super::part::{Part, Piece, Share, State};
use crate::{CallOptions, Job, Progress, Transfer};

/// Reads a later part into its segment. Clones share the segment.
#[derive(Clone, Debug)]
pub(super) struct RestPart(Arc<Rest>);

#[derive(Debug)]
struct Rest {
    part: Part,
    to: Arc<Destination>,
}

impl RestPart {
    /// Returns the read of the bytes `span` of an object.
    pub(super) fn new(
        transfer: &Transfer,
        opened: &Opened,
        span: Range<u64>,
        options: &CallOptions,
    ) -> Result<Self> {
        let offset = span.start - opened.wanted.start;
        let segment = opened.landing.segment(offset, span.end - span.start)?;
        let state = State {
            pin: opened.meta.etag.clone(),
            size: Some(opened.meta.size),
            target: Some(Share::new(span, segment, &opened.promise)),
        };
        let url = opened.meta.url.clone();
        let part = Part::new(transfer, url, state, options.observer.clone());
        let to = Arc::clone(&opened.to);
        Ok(Self(Arc::new(Rest { part, to })))
    }
}

impl Job for RestPart {
    type Output = Piece;

    fn operation(&self) -> Operation {
        Operation::Get
    }

    fn resource(&self) -> &str {
        self.0.part.url.as_str()
    }

    fn progress(&self) -> Option<&Progress> {
        Some(&self.0.part.progress)
    }

    async fn run(self, store: SharedStore) -> Result<Piece> {
        let Rest { part, to } = &*self.0;
        let mut held = part.hold();
        let missing = held.share().missing();
        if !missing.is_empty() {
            let mut request = part.request(&held);
            let missing = ByteRange::from(missing);
            request.range = Some(missing.clone());
            let answer = store.get(request).await?;
            part.progress.heartbeat();
            let taken = async {
                part.check_version(&mut held, &answer.meta)?;
                part.take(held.share(), answer.range, answer.body, to).await
            };
            taken.await.map_err(|error| error.with_range(missing))?;
        }
        part.finish(held.share(), to).await?;
        Ok(held.finished().into_piece())
    }
}
