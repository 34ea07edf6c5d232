//! [`PartUpload`]: uploads an object of a set as its bytes arrive, and completes it later.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, TryStreamExt};
use s3_client::S3;
use s3_core::{Attributes, ETag, ErrorKind, Payload, PutMode, PutResponse, S3Url, Store};
use s3_transfer::{CallOptions, PutItem, PutOutcome, UploadSession, growing_size};

use crate::Result;

/// Maximum number of pieces in flight.
const PIECES_AT_ONCE: usize = 4;
/// Minimum size of a piece of a multipart upload in S3, except the last.
const MIN_PIECE: u64 = 5 << 20;
/// Maximum number of bytes of small objects that stay in memory until completion, when each is sent with one PUT. 32
/// MiB.
const HELD_BYTES: usize = 32 << 20;

/// The condition under which the objects of a write become visible.
#[derive(Debug)]
pub(super) enum WriteCondition {
    Always,
    /// If no object has the key.
    Absent,
    /// If each key has the object that it had when the write began. An object without an ETag is replaced
    /// unconditionally.
    Unchanged(HashMap<S3Url, Option<ETag>>),
}

/// Settings of the uploads of one write.
#[derive(Debug)]
pub(super) struct UploadTarget {
    s3: S3,
    attributes: Attributes,
    condition: WriteCondition,
}

/// The uploads of one write while their bytes arrive.
#[derive(Debug)]
pub(super) struct Uploads {
    target: UploadTarget,
    /// Size of the first pieces in bytes.
    piece: u64,
    in_flight: FuturesUnordered<BoxFuture<'static, s3_core::Result<()>>>,
    held: usize,
}

/// An object of which only the beginning was sent.
#[derive(Debug)]
pub(super) struct PartUpload {
    url: S3Url,
    /// `None` while the object may still be sent with a single request.
    session: Option<(UploadSession, u32)>,
    bytes: u64,
}

/// An uploaded object that is not yet completed.
#[derive(Debug)]
pub(super) struct UploadedPart {
    pub(super) url: S3Url,
    pub(super) bytes: u64,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Held(Bytes),
    Session(UploadSession),
}

impl Uploads {
    pub(super) fn new(s3: &S3, content_type: &str, condition: WriteCondition) -> Self {
        let mut attributes = Attributes::default().with_content_type(content_type);
        attributes.encryption = s3.encryption().cloned();
        let piece = s3.transfer().config().part_size.max(MIN_PIECE);
        let target = UploadTarget {
            s3: s3.clone(),
            attributes,
            condition,
        };
        Self {
            target,
            piece,
            in_flight: FuturesUnordered::new(),
            held: 0,
        }
    }

    /// Sends as many complete pieces of `text` as it contains.
    pub(super) async fn send(&mut self, part: &mut PartUpload, text: &mut Vec<u8>) -> Result<()> {
        let mut sent = 0;
        while let Some(piece) = text
            .get(sent..)
            .and_then(|rest| rest.get(..self.piece(part)))
        {
            // The piece is copied: splitting it off would keep the memory of the whole text, or copy the rest once per
            // piece.
            self.send_piece(part, piece.to_vec()).await?;
            sent += piece.len();
        }
        text.drain(..sent);
        Ok(())
    }

    /// Sends the rest of an object, or keeps it in memory if the object is small and there is room.
    pub(super) async fn end(
        &mut self,
        mut part: PartUpload,
        mut rest: Vec<u8>,
    ) -> Result<UploadedPart> {
        rest.shrink_to_fit();
        let bytes = part.bytes + rest.len() as u64;
        if part.session.is_none() && self.held + rest.len() <= HELD_BYTES {
            self.held += rest.len();
            let body = Body::Held(rest.into());
            return Ok(UploadedPart {
                url: part.url,
                bytes,
                body,
            });
        }
        if !rest.is_empty() {
            self.send_piece(&mut part, rest).await?;
        }
        let body = match part.session {
            Some((session, _)) => Body::Session(session),
            None => Body::Held(Bytes::new()),
        };
        Ok(UploadedPart {
            url: part.url,
            bytes,
            body,
        })
    }

    /// Returns the size of the next piece of an object. Sizes grow because S3 allows 10,000 pieces.
    fn piece(&self, part: &PartUpload) -> usize {
        let sent = part.session.as_ref().map_or(0, |(_, sent)| *sent);
        let size = growing_size(u64::from(sent), self.piece);
        usize::try_from(size).unwrap_or(usize::MAX)
    }

    async fn send_piece(&mut self, part: &mut PartUpload, piece: Vec<u8>) -> Result<()> {
        let (session, number) = match &mut part.session {
            Some(open) => open,
            closed => {
                let (url, options) = (part.url.clone(), CallOptions::default());
                let target = &self.target;
                let attributes = target.attributes.clone();
                let mode = target.session_mode(&url);
                let transfer = target.s3.transfer();
                let begin = transfer.begin_upload(url, attributes, mode, &options);
                closed.insert((begin.await?, 0))
            }
        };
        *number += 1;
        part.bytes += piece.len() as u64;
        let sending = session.put_part(*number, Payload::from(piece));
        self.in_flight
            .push(async { sending.await.map(drop) }.boxed());
        if self.in_flight.len() >= PIECES_AT_ONCE {
            self.in_flight.try_next().await?;
        }
        Ok(())
    }

    /// Waits until all pieces in flight are uploaded.
    pub(super) async fn flush(&mut self) -> Result<()> {
        while self.in_flight.try_next().await?.is_some() {}
        Ok(())
    }

    pub(super) fn target(&self) -> &UploadTarget {
        &self.target
    }
}

impl UploadTarget {
    fn mode(&self, url: &S3Url) -> PutMode {
        match &self.condition {
            WriteCondition::Always => PutMode::Overwrite,
            WriteCondition::Absent => PutMode::IfAbsent,
            WriteCondition::Unchanged(existing) => match existing.get(url) {
                None => PutMode::IfAbsent,
                Some(None) => PutMode::Overwrite,
                Some(Some(etag)) => PutMode::IfMatch(etag.clone()),
            },
        }
    }

    /// Returns the write mode of a multipart upload. If the server does not support conditions on
    /// CompleteMultipartUpload, an existing object is replaced unconditionally.
    fn session_mode(&self, url: &S3Url) -> PutMode {
        let has_conditions = self
            .s3
            .transfer()
            .store()
            .capabilities()
            .complete_conditions;
        match &self.condition {
            WriteCondition::Unchanged(_) if !has_conditions => PutMode::Overwrite,
            _ => self.mode(url),
        }
    }

    /// Completes an object, which makes it visible. `None` if the condition failed and the existing object was not
    /// replaced.
    pub(super) async fn complete(&self, body: UploadedPart) -> Result<Option<PutResponse>> {
        let mode = self.mode(&body.url);
        let outcome = match body.body {
            Body::Session(session) => session.complete().await,
            Body::Held(bytes) => {
                let item = PutItem::new(body.url, Payload::from(bytes).into())
                    .with_mode(mode.clone())
                    .with_attributes(self.attributes.clone());
                self.s3.transfer().put(item, &CallOptions::default()).await
            }
        };
        match outcome {
            Ok(PutOutcome::Written(response)) => Ok(Some(response)),
            Ok(_) => Ok(None),
            Err(error) => match (mode, error.kind()) {
                // `NotFound`: the object was deleted.
                (PutMode::IfMatch(_), ErrorKind::PreconditionFailed | ErrorKind::NotFound) => {
                    Ok(None)
                }
                _ => Err(error.into()),
            },
        }
    }
}

impl PartUpload {
    pub(super) fn new(url: S3Url) -> Self {
        Self {
            url,
            session: None,
            bytes: 0,
        }
    }

    pub(super) fn url(&self) -> &S3Url {
        &self.url
    }

    /// Returns the number of bytes that were sent.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn large_texts_are_copied_once() {
        let s3 = S3::in_memory().unwrap();
        s3.create_bucket("b").await.unwrap();
        let mut uploads = Uploads::new(&s3, "text/csv", WriteCondition::Always);
        let piece = uploads.piece as usize;
        let mut part = PartUpload::new(S3Url::parse("s3://b/part").unwrap());
        let mut text = vec![7; 3 * piece + 1];
        let allocation = (text.as_ptr(), text.capacity());
        uploads.send(&mut part, &mut text).await.unwrap();
        assert_eq!((text.as_ptr(), text.capacity()), allocation);
        assert_eq!(
            (part.bytes(), text.as_slice()),
            (3 * piece as u64, [7].as_slice())
        );
        uploads.flush().await.unwrap();
        drop(uploads.end(part, text).await.unwrap());

        // A part that is not yet completed keeps only its own bytes.
        let part = PartUpload::new(S3Url::parse("s3://b/small").unwrap());
        let mut text = Vec::with_capacity(piece);
        text.extend(b"small");
        let Body::Held(held) = uploads.end(part, text).await.unwrap().body else {
            panic!("it is small");
        };
        assert_eq!(held.try_into_mut().unwrap().capacity(), 5);
    }

    #[tokio::test]
    async fn ten_thousand_pieces_hold_more_than_ten_thousand_times_the_first() {
        let s3 = S3::in_memory().unwrap();
        s3.create_bucket("b").await.unwrap();
        let uploads = Uploads::new(&s3, "text/csv", WriteCondition::Always);
        let url = S3Url::parse("s3://b/part").unwrap();
        let mut part = PartUpload::new(url.clone());
        assert_eq!(uploads.piece(&part), 8 << 20);
        let options = CallOptions::default();
        let begin =
            s3.transfer()
                .begin_upload(url, Attributes::default(), PutMode::Overwrite, &options);
        part.session = Some((begin.await.unwrap(), 0));
        for (sent, piece) in [(2499, 8 << 20), (2500, 16 << 20), (9999, 64 << 20)] {
            part.session.as_mut().unwrap().1 = sent;
            assert_eq!(uploads.piece(&part), piece, "after {sent} pieces");
        }
    }
}
