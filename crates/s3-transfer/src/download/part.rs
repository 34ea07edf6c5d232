//! One ranged read: the job that is retried and goes on after the bytes that have arrived.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use s3_core::{
    Body, ByteRange, ETag, Error, ErrorKind, GetRequest, GetResponse, ObjectMeta, Operation,
    Result, Retryability, S3Url, SharedStore, Store,
};
use tokio::sync::{Mutex, watch};

use super::landing::Landing;
use super::segment::Segment;
use crate::transfer::Reservation;
use crate::{Job, Progress, Transfer};

/// The most bytes of a part that are neither in the caller's buffer nor in the file. 1 MiB: one batch that gathers for
/// the disk, and about as much in the connection.
const ON_THE_WAY: u64 = 1 << 20;

/// What the first answer says: everything that the other parts need.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) meta: ObjectMeta,
    /// The bytes of the object that the caller wants.
    pub(crate) wanted: Range<u64>,
    /// The share of them that the first part reads.
    pub(crate) first: Range<u64>,
}

/// Reads one part of an object into its segment. Clones share the segment.
#[derive(Clone, Debug)]
pub(crate) struct GetPart(Arc<Part>);

#[derive(Debug)]
struct Part {
    transfer: Transfer,
    url: S3Url,
    plan: Plan,
    landing: Arc<Landing>,
    progress: Progress,
    /// Held by the attempt under way; attempts follow each other.
    state: Mutex<State>,
}

#[derive(Debug)]
enum Plan {
    /// Learns the size: sends `ask`, although the caller wants `want`.
    First {
        ask: Option<ByteRange>,
        want: Option<ByteRange>,
        opened: watch::Sender<Option<Opened>>,
    },
    /// Reads bytes that are known from the start.
    Rest,
}

#[derive(Debug)]
struct State {
    /// Every answer must be of this version.
    pin: Option<ETag>,
    /// The size of that version: all that tells two versions apart where a server sends no ETag.
    size: Option<u64>,
    /// The bytes that this part is for, once they are known, and the segment that takes them.
    target: Option<(Range<u64>, Segment)>,
}

impl GetPart {
    /// Returns the part that is read first.
    pub(crate) fn first(
        transfer: &Transfer,
        url: S3Url,
        ask: Option<ByteRange>,
        want: Option<ByteRange>,
        pin: Option<ETag>,
        landing: Arc<Landing>,
    ) -> Self {
        let plan = Plan::First {
            ask,
            want,
            opened: watch::Sender::new(None),
        };
        let state = State {
            pin,
            size: None,
            target: None,
        };
        Self::new(transfer, url, plan, landing, state)
    }

    /// Returns a later part: the bytes `span` of the object, `offset` behind the first wanted byte.
    pub(crate) fn rest(
        transfer: &Transfer,
        meta: &ObjectMeta,
        span: Range<u64>,
        offset: u64,
        landing: Arc<Landing>,
    ) -> Result<Self> {
        let segment = landing.segment(offset, span.end - span.start)?;
        let state = State {
            pin: meta.etag.clone(),
            size: Some(meta.size),
            target: Some((span, segment)),
        };
        Ok(Self::new(
            transfer,
            meta.url.clone(),
            Plan::Rest,
            landing,
            state,
        ))
    }

    fn new(
        transfer: &Transfer,
        url: S3Url,
        plan: Plan,
        landing: Arc<Landing>,
        state: State,
    ) -> Self {
        let (transfer, state, progress) =
            (transfer.clone(), Mutex::new(state), Progress::default());
        Self(Arc::new(Part {
            transfer,
            url,
            plan,
            landing,
            progress,
            state,
        }))
    }

    /// Waits until the first answer has come; for the first part only.
    pub(crate) async fn opened(self) -> Opened {
        let Plan::First { opened, .. } = &self.0.plan else {
            unreachable!("only the first part is waited for")
        };
        let mut news = opened.subscribe();
        let seen = news
            .wait_for(Option::is_some)
            .await
            .expect("this part holds the sender");
        seen.clone().expect("waited for it")
    }

    /// Takes the filled segment, after the job is done.
    pub(crate) async fn into_segment(self) -> Segment {
        self.0
            .state
            .lock()
            .await
            .target
            .take()
            .expect("a finished part has a segment")
            .1
    }
}

impl Job for GetPart {
    type Output = ();

    fn operation(&self) -> Operation {
        Operation::Get
    }

    fn place(&self) -> &str {
        self.0.url.as_str()
    }

    fn progress(&self) -> Option<&Progress> {
        Some(&self.0.progress)
    }

    async fn run(self, store: SharedStore) -> Result<()> {
        let part = &*self.0;
        let state = &mut *part.state.lock().await;
        let Some(request) = part.request(state) else {
            return part.land(state).await;
        };
        let asked = request.range.clone();
        let answer = store.get(request).await?;
        part.progress.sign();
        let result = part.take(state, answer).await;
        result.map_err(|error| match asked {
            Some(range) => error.with_range(range),
            None => error,
        })
    }
}

impl Part {
    /// Returns what to ask for next: the whole part, or what is missing. `None` if nothing is missing.
    fn request(&self, state: &State) -> Option<GetRequest> {
        let mut request = GetRequest::new(self.url.clone());
        request.conditions.if_match = state.pin.clone();
        request.range = match (&state.target, &self.plan) {
            (Some((span, segment)), _) => {
                let missing = span.start + segment.filled()..span.end;
                if missing.is_empty() {
                    return None;
                }
                Some(missing.into())
            }
            (None, Plan::First { ask, .. }) => ask.clone(),
            (None, Plan::Rest) => unreachable!("later parts know their bytes from the start"),
        };
        Some(request)
    }

    async fn take(&self, state: &mut State, answer: GetResponse) -> Result<()> {
        let GetResponse {
            meta,
            range: sent,
            body,
            ..
        } = answer;
        self.check_version(state, &meta)?;
        let _reservation = self.open(state, &meta, &sent).await?;
        let (span, segment) = state.target.as_mut().expect("open has set it");
        let missing = span.start + segment.filled()..span.end;
        self.check_range(&sent, &missing)?;
        let drained = self.drain(segment, body, sent, missing).await;
        if matches!(&drained, Err(error) if error.kind() == ErrorKind::Integrity) {
            // A checksum fails behind the last byte: what has arrived is not worth going on from.
            segment.clear();
        }
        drained?;
        self.land(state).await
    }

    /// Refuses an answer of another version than the one that this download is of.
    fn check_version(&self, state: &mut State, meta: &ObjectMeta) -> Result<()> {
        let changed = |text| Err(self.error(ErrorKind::ChangedDuringRead).with_message(text));
        match (&state.pin, &meta.etag) {
            (Some(pinned), Some(etag)) if pinned != etag => {
                return changed(format!("its ETag was {pinned} and is now {etag}"));
            }
            (None, Some(etag)) => state.pin = Some(etag.clone()),
            _ => {}
        }
        match state.size.replace(meta.size) {
            Some(size) if size != meta.size => changed(format!(
                "it had {size} bytes and has {} bytes now",
                meta.size
            )),
            _ => Ok(()),
        }
    }

    /// Reserves memory, and on the first answer decides what this part reads and where it lands.
    async fn open(
        &self,
        state: &mut State,
        meta: &ObjectMeta,
        sent: &Range<u64>,
    ) -> Result<Reservation> {
        let wait = self.progress.own_wait();
        if state.target.is_none() {
            state.target = Some(self.open_first(meta, sent).await?);
        }
        let (span, _) = state.target.as_ref().expect("just set");
        let buffered = (span.end - span.start).min(ON_THE_WAY);
        let reservation = self.transfer.reserve_to_read(buffered).await;
        drop(wait);
        Ok(reservation)
    }

    async fn open_first(
        &self,
        meta: &ObjectMeta,
        sent: &Range<u64>,
    ) -> Result<(Range<u64>, Segment)> {
        let Plan::First { want, opened, .. } = &self.plan else {
            unreachable!("later parts know their bytes from the start")
        };
        let size = meta.size;
        let wanted = match want {
            None => 0..size,
            Some(range) => range.resolve(size).map_err(|refused| {
                self.error(ErrorKind::InvalidRange)
                    .with_message(refused.to_string())
            })?,
        };
        let first = wanted.start..wanted.end.min(sent.end.max(wanted.start));
        let len = first.end - first.start;
        let single = first == wanted;
        let room = self.landing.open(wanted.end - wanted.start, single).await;
        room.map_err(|error| error.with_place(&self.url))?;
        let segment = self.landing.segment(0, len)?;
        opened.send_replace(Some(Opened {
            meta: meta.clone(),
            wanted,
            first: first.clone(),
        }));
        Ok((first, segment))
    }

    /// Refuses an answer that does not hold the bytes that are missing. One that holds more, because the server
    /// ignores ranges, will do.
    fn check_range(&self, sent: &Range<u64>, missing: &Range<u64>) -> Result<()> {
        if sent.start <= missing.start && sent.end >= missing.end {
            return Ok(());
        }
        Err(self.integrity(format!(
            "the server sent bytes {sent:?} where {missing:?} were asked for"
        )))
    }

    async fn drain(
        &self,
        segment: &mut Segment,
        mut body: Body,
        sent: Range<u64>,
        missing: Range<u64>,
    ) -> Result<()> {
        let mut skip = missing.start - sent.start;
        let mut left = missing.end - missing.start;
        let more_follows = sent.end > missing.end;
        while let Some(mut frame) = body.next().await.transpose()? {
            self.progress.sign();
            let skipped = skip.min(frame.len() as u64);
            skip -= skipped;
            frame = frame.slice(usize::try_from(skipped).expect("at most the frame's length")..);
            if frame.len() as u64 > left {
                if !more_follows {
                    return Err(self.integrity("the body is longer than announced".to_owned()));
                }
                frame.truncate(usize::try_from(left).expect("less than the frame's length"));
            }
            left -= frame.len() as u64;
            self.push(segment, frame).await?;
            self.progress.reach(segment.filled());
            if left == 0 && more_follows {
                return Ok(());
            }
        }
        if left > 0 {
            return Err(self
                .error(ErrorKind::Network)
                .with_message(format!("the body ended {left} bytes early")));
        }
        Ok(())
    }

    async fn push(&self, segment: &mut Segment, frame: Bytes) -> Result<()> {
        if frame.is_empty() {
            return Ok(());
        }
        let _wait = self.progress.own_wait();
        segment
            .push(frame)
            .await
            .map_err(|cause| self.landing.failure(cause).with_place(&self.url))
    }

    /// Brings what is buffered to its file.
    async fn land(&self, state: &mut State) -> Result<()> {
        let _wait = self.progress.own_wait();
        let (_, segment) = state.target.as_mut().expect("bytes have arrived");
        segment
            .flush()
            .await
            .map_err(|cause| self.landing.failure(cause).with_place(&self.url))
    }

    fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind, Operation::Get).with_place(&self.url)
    }

    /// A lying server may tell the truth next time.
    fn integrity(&self, message: String) -> Error {
        self.error(ErrorKind::Integrity)
            .with_message(message)
            .with_retryability(Retryability::Transient)
    }
}
