//! The read that comes first: it learns the size, and is the only one if that is small.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use s3_core::{
    Body, ByteRange, ErrorKind, GetResponse, ObjectMeta, Operation, Result, S3Url, SharedStore,
    Store,
};

use super::file_part::{FilePart, write_whole};
use super::landing::{Landing, room};
use super::part::{Held, Part, Piece, Share, State};
use super::segment::Segment;
use super::verified::{NotVerified, Promise, Verified};
use super::{Destination, Fetched, KnownObject, ObjectData};
use crate::observer::MovedBytes;
use crate::{Event, Job, Observer, Progress, Transfer};

/// Reads the first part of an object, or all of it. Clones share what has arrived.
#[derive(Clone, Debug)]
pub(super) struct FirstPart(Arc<First>);

#[derive(Debug)]
struct First {
    part: Part,
    to: Arc<Destination>,
    /// What is asked for, although the caller wants `want`.
    ask: Option<ByteRange>,
    want: Option<ByteRange>,
    news: Mutex<News>,
}

/// What the first answer has said.
#[derive(Debug, Default)]
enum News {
    #[default]
    None,
    /// All that the caller wants comes in this part.
    Single {
        meta: ObjectMeta,
        wanted: Range<u64>,
        promise: std::result::Result<Promise, NotVerified>,
    },
    /// More parts are to be read.
    Several(Opened),
    /// Taken by the one who reads the other parts.
    Taken,
}

/// Everything that the other parts need.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) meta: ObjectMeta,
    /// The bytes of the object that the caller wants.
    pub(super) wanted: Range<u64>,
    /// The share of them that the first part reads.
    pub(super) first: Range<u64>,
    pub(super) landing: Arc<Landing>,
    pub(super) to: Arc<Destination>,
    pub(super) promise: std::result::Result<Promise, NotVerified>,
}

/// What has come of the first part.
pub(super) enum Done {
    /// It was all.
    Whole(Fetched),
    /// It was the first of several; what was [opened](FirstPart::opened) tells of the others.
    Part(Piece),
}

impl Done {
    /// Returns the first of several parts.
    pub(super) fn into_piece(self) -> Piece {
        match self {
            Self::Part(piece) => piece,
            Self::Whole(_) => unreachable!("others have been opened"),
        }
    }
}

impl FirstPart {
    pub(super) fn new(
        transfer: &Transfer,
        url: S3Url,
        ask: Option<ByteRange>,
        want: Option<ByteRange>,
        known: Option<&KnownObject>,
        to: Arc<Destination>,
        observer: Option<Arc<dyn Observer>>,
    ) -> Self {
        // A server that has listed the object with another size than it sends contradicts itself.
        let state = State {
            pin: known.and_then(|known| known.etag.clone()),
            size: known.map(|known| known.size),
            target: None,
        };
        Self(Arc::new(First {
            part: Part::new(transfer, url, state, observer),
            to,
            ask,
            want,
            news: Mutex::default(),
        }))
    }

    /// Returns what the first answer has said of the other parts, once, as soon as it has come.
    ///
    /// It comes while the job is polled, so whoever polls it asks afterwards and needs no notice.
    pub(super) fn opened(&self) -> Option<Opened> {
        let mut news = self.0.news();
        match std::mem::take(&mut *news) {
            News::Several(opened) => {
                *news = News::Taken;
                Some(opened)
            }
            other => {
                *news = other;
                None
            }
        }
    }
}

impl Job for FirstPart {
    type Output = Done;

    fn operation(&self) -> Operation {
        Operation::Get
    }

    fn resource(&self) -> &str {
        self.0.part.url.as_str()
    }

    fn progress(&self) -> Option<&Progress> {
        Some(&self.0.part.progress)
    }

    async fn run(self, store: SharedStore) -> Result<Done> {
        let first = &*self.0;
        let held = first.part.hold();
        let asked = match &held.target {
            None => first.ask.clone(),
            Some(share) => {
                let missing = share.missing();
                if missing.is_empty() {
                    return first.finish(held).await;
                }
                Some(missing.into())
            }
        };
        let mut request = first.part.request(&held);
        request.range = asked.clone();
        let answer = store.get(request).await?;
        first.part.progress.heartbeat();
        let done = first.take(held, answer).await;
        done.map_err(|error| match asked {
            Some(range) => error.with_range(range),
            None => error,
        })
    }
}

impl First {
    async fn take(&self, mut held: Held<'_>, answer: GetResponse) -> Result<Done> {
        let GetResponse {
            meta,
            range: sent,
            mut body,
            ..
        } = answer;
        self.part.check_version(&mut held, &meta)?;
        if held.target.is_none() {
            let wanted = self.wanted(&meta)?;
            self.report_size(&wanted);
            let single = sent.start <= wanted.start && sent.end >= wanted.end;
            if single && let Some(bytes) = at_hand(&mut body, &sent, &wanted) {
                return self.land_whole(meta, wanted, bytes).await;
            }
            held.target = Some(if single {
                self.open_single(meta, wanted)?
            } else {
                // Boxed, as below: small objects need not carry the room for what large ones need.
                Box::pin(self.open_several(meta, wanted, &sent)).await?
            });
        }
        Box::pin(self.take_body(held, sent, body)).await
    }

    async fn take_body(&self, mut held: Held<'_>, sent: Range<u64>, body: Body) -> Result<Done> {
        self.part.take(held.share(), sent, body, &self.to).await?;
        self.finish(held).await
    }

    /// Returns which bytes of an object the caller wants.
    fn wanted(&self, meta: &ObjectMeta) -> Result<Range<u64>> {
        let Some(range) = &self.want else {
            return Ok(0..meta.size);
        };
        range.resolve(meta.size).map_err(|refused| {
            let error = self.part.error(ErrorKind::InvalidRange);
            error.with_message(refused.to_string())
        })
    }

    fn report_size(&self, wanted: &Range<u64>) {
        if let Some(observer) = &self.part.observer {
            let (url, bytes) = (&self.part.url, wanted.end - wanted.start);
            observer.on_event(&Event::SizeKnown { url, bytes });
        }
    }

    /// Brings bytes that are all at hand to their place: nothing is copied, and a file is written in one go.
    async fn land_whole(&self, meta: ObjectMeta, wanted: Range<u64>, bytes: Bytes) -> Result<Done> {
        let verified = match Promise::of(&meta, &wanted) {
            Err(reason) => Verified::NotVerified(reason),
            Ok(promise) if promise.is_kept_by(&bytes) => promise.kept(),
            Ok(_) => return Err(self.mismatch()),
        };
        let gained = self.part.gain(bytes.len() as u64);
        let observer = self.part.observer.as_ref();
        MovedBytes::new(observer, Operation::Get, &self.part.url).add(gained);
        let data = match self.to.place(bytes.len() as u64) {
            None => ObjectData::Memory(bytes),
            Some(target) => {
                let path = target.path.clone();
                let _wait = self.part.progress.local_wait();
                let written = write_whole(target, bytes).await;
                written.map_err(|cause| self.part.local(cause, &self.to))?;
                ObjectData::File(path)
            }
        };
        Ok(Done::Whole(Fetched {
            meta,
            range: wanted,
            data,
            verified,
        }))
    }

    fn open_single(&self, meta: ObjectMeta, wanted: Range<u64>) -> Result<Share> {
        let len = wanted.end - wanted.start;
        let segment = match self.to.place(len) {
            None => {
                let room = room(len, self.part.transfer.buffers());
                Segment::Memory(room.map_err(|error| error.with_resource(&self.part.url))?)
            }
            Some(target) => {
                let buffers = self.part.transfer.buffers().clone();
                Segment::File(FilePart::own(target, len, buffers))
            }
        };
        let promise = Promise::of(&meta, &wanted);
        let share = Share::new(wanted.clone(), segment, &promise);
        *self.news() = News::Single {
            meta,
            wanted,
            promise,
        };
        Ok(share)
    }

    /// Makes room for all parts, and lets the others begin.
    async fn open_several(
        &self,
        meta: ObjectMeta,
        wanted: Range<u64>,
        sent: &Range<u64>,
    ) -> Result<Share> {
        let first = wanted.start..wanted.end.min(sent.end.max(wanted.start));
        let _wait = self.part.progress.local_wait();
        let len = wanted.end - wanted.start;
        let landing = Landing::open(&self.to, len, self.part.transfer.buffers()).await;
        let landing = landing.map_err(|error| error.with_resource(&self.part.url))?;
        let segment = landing.segment(0, first.end - first.start)?;
        let promise = Promise::of(&meta, &wanted);
        let share = Share::new(first.clone(), segment, &promise);
        *self.news() = News::Several(Opened {
            meta,
            wanted,
            first,
            landing: Arc::new(landing),
            to: Arc::clone(&self.to),
            promise,
        });
        Ok(share)
    }

    async fn finish(&self, mut held: Held<'_>) -> Result<Done> {
        let summed = held.share().summed();
        let verified = match &*self.news() {
            News::Single { promise, .. } => Some(match promise {
                Err(reason) => Verified::NotVerified(*reason),
                Ok(promise) => match promise.verdict(&[summed]) {
                    Some(verified) => verified,
                    None => {
                        held.share().clear();
                        return Err(self.mismatch());
                    }
                },
            }),
            _ => None,
        };
        self.part.finish(held.share(), &self.to).await?;
        let piece = held.finished().into_piece();
        let Some(verified) = verified else {
            return Ok(Done::Part(piece));
        };
        let News::Single { meta, wanted, .. } = std::mem::take(&mut *self.news()) else {
            unreachable!("it was a moment ago")
        };
        let data = match piece.segment {
            Segment::Memory(buffer) => {
                ObjectData::Memory(self.part.transfer.buffers().results.lend(buffer))
            }
            Segment::File(part) => ObjectData::File(part.into_path()),
        };
        Ok(Done::Whole(Fetched {
            meta,
            range: wanted,
            data,
            verified,
        }))
    }

    fn mismatch(&self) -> s3_core::Error {
        let message = "the bytes do not have the checksum that the server sent";
        self.part.integrity(message.to_owned())
    }

    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the bytes `wanted` from a body that holds the bytes `sent`, if all of it is at hand and as long as it says.
fn at_hand(body: &mut Body, sent: &Range<u64>, wanted: &Range<u64>) -> Option<Bytes> {
    let bytes = body.take_whole()?;
    if bytes.len() as u64 != sent.end - sent.start {
        *body = Body::from_bytes(bytes);
        return None;
    }
    let start = usize::try_from(wanted.start - sent.start).ok()?;
    let end = usize::try_from(wanted.end - sent.start).ok()?;
    Some(bytes.slice(start..end))
}
