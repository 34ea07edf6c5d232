//! A store whose responses and capabilities a test sets, for cases that no fault plan covers.

use std::fmt;
use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use s3_core::{
    AbortUpload, BucketInfo, BucketRequest, ByteCounter, ByteRange, Capabilities, CompleteUpload,
    CopyRequest, CreateUpload, DeleteRequest, DeleteResponse, Error, ErrorKind, GetRequest,
    GetResponse, HeadRequest, ListPage, ListParts, ListRequest, ListUploads, ListVersions,
    MemoryStore, ObjectMeta, Operation, PartTag, PartsPage, PresignRequest, PutMode, PutRequest,
    PutResponse, Result, S3Prefix, S3Url, Store, UploadId, UploadPart, UploadPartCopy, UploadsPage,
    VersionsPage,
};
use tokio::time::{Instant, sleep};

/// Replaces the response to the GET with this number, from 0.
type OnGet = fn(usize, GetResponse) -> GetResponse;
/// Returns the token that the page with this number, from 0, names as the next.
type OnPage = fn(usize) -> &'static str;

/// The parts that are being sent, and how many an abort has met.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    in_flight: AtomicUsize,
    pub(crate) begun: AtomicUsize,
    pub(crate) met_by_abort: AtomicUsize,
}

/// A part on its way; dropped when its request is over or cancelled.
struct InFlight {
    parts: Arc<Parts>,
    /// How long its end takes.
    ending: Duration,
}

impl InFlight {
    fn begin(parts: &Arc<Parts>, ending: Duration) -> Self {
        parts.begun.fetch_add(1, Ordering::SeqCst);
        parts.in_flight.fetch_add(1, Ordering::SeqCst);
        Self {
            parts: Arc::clone(parts),
            ending,
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        std::thread::sleep(self.ending);
        self.parts.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(crate) struct Hooked {
    pub(crate) memory: MemoryStore,
    pub(crate) capabilities: Capabilities,
    pub(crate) on_get: OnGet,
    /// Whether gets are carried out without their range, as servers do that do not know ranges.
    pub(crate) ignores_ranges: bool,
    /// Error codes that deletes return for these keys.
    pub(crate) undeletable: &'static [(&'static str, &'static str)],
    /// How long a delete takes on a server without batches, which is asked to delete 32 objects at once.
    pub(crate) single_delete: Option<Duration>,
    pub(crate) deletes: Arc<AtomicUsize>,
    /// Returns pages of listings; every page is then the first one.
    pub(crate) on_page: Option<OnPage>,
    /// The part that is rejected, while those before it, and copies of parts, never get a response.
    pub(crate) rejected_part: Option<u32>,
    pub(crate) parts: Arc<Parts>,
    /// How long the first part takes to end, when its request is over or cancelled; others take as much more each.
    pub(crate) ending: Duration,
    /// How large a byte passes for: objects of a few bytes are then too large to be copied at once.
    pub(crate) scale: u64,
    /// How long it takes until a payload has left, or a page or a body of unknown length has come, some of it every 10 s,
    /// and how long the rest of the response takes then.
    pub(crate) line: Option<(Duration, Duration)>,
    /// Whether every page of a listing of versions is the first one, of one version.
    pub(crate) repeats_versions: bool,
    /// Whether listings return the keys of the whole bucket.
    pub(crate) ignores_prefixes: bool,
    /// Whether HEADs return no ETag.
    pub(crate) hides_etags: bool,
    /// Whether a copy replaces its target whatever its condition.
    pub(crate) ignores_conditions_of_copies: bool,
    gets: AtomicUsize,
    pages: AtomicUsize,
}

impl Hooked {
    pub(crate) fn new(memory: MemoryStore, on_get: OnGet) -> Self {
        Self {
            memory,
            capabilities: Capabilities::aws(),
            on_get,
            ignores_ranges: false,
            undeletable: &[],
            single_delete: None,
            deletes: Arc::default(),
            on_page: None,
            rejected_part: None,
            parts: Arc::default(),
            ending: Duration::ZERO,
            scale: 1,
            line: None,
            repeats_versions: false,
            ignores_prefixes: false,
            hides_etags: false,
            ignores_conditions_of_copies: false,
            gets: AtomicUsize::new(0),
            pages: AtomicUsize::new(0),
        }
    }
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hooked")
    }
}

impl Hooked {
    async fn take_its_time(&self, counter: Option<&ByteCounter>) {
        let Some((leaving, responding)) = self.line else {
            return;
        };
        let begun = Instant::now();
        while begun.elapsed() < leaving {
            sleep(Duration::from_secs(10)).await;
            if let Some(counter) = counter {
                counter.add(1000);
            }
        }
        sleep(responding).await;
    }
}

macro_rules! forward {
    ($($name:ident($($argument:ident: $request:ty)?) -> $response:ty;)*) => {
        $(fn $name(
            &self $(, $argument: $request)?
        ) -> impl Future<Output = Result<$response>> + Send {
            self.memory.$name($($argument)?)
        })*
    };
}

impl Store for Hooked {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn get(&self, mut request: GetRequest) -> Result<GetResponse> {
        self.take_its_time(request.byte_counter.as_ref()).await;
        let number = self.gets.fetch_add(1, Ordering::SeqCst);
        if self.ignores_ranges {
            request.range = None;
        }
        Ok((self.on_get)(number, self.memory.get(request).await?))
    }

    async fn delete(&self, request: DeleteRequest) -> Result<DeleteResponse> {
        self.deletes.fetch_add(1, Ordering::SeqCst);
        if let Some(each) = self.single_delete {
            for responses in request.urls.chunks(32) {
                sleep(each).await;
                if let Some(counter) = &request.byte_counter {
                    counter.add(responses.len() as u64);
                }
            }
        }
        let code = |url: &S3Url| {
            let found = self.undeletable.iter().find(|(key, _)| *key == url.key());
            found.map(|(_, code)| *code)
        };
        let failures = request.urls.iter().enumerate().filter_map(|(index, url)| {
            let error = Error::from_response(Operation::Delete, 200, Some(code(url)?));
            Some((index, error.with_resource(url)))
        });
        Ok(DeleteResponse::new(failures.collect()))
    }

    async fn list_page(&self, mut request: ListRequest) -> Result<ListPage> {
        self.take_its_time(request.byte_counter.as_ref()).await;
        if self.ignores_prefixes {
            request.prefix = S3Prefix::from_parts("b", "").unwrap();
        }
        let Some(on_page) = self.on_page else {
            return self.memory.list_page(request).await;
        };
        request.continuation = None;
        let mut page = self.memory.list_page(request).await?;
        page.next = Some(on_page(self.pages.fetch_add(1, Ordering::SeqCst)).into());
        Ok(page)
    }

    async fn list_versions(&self, mut request: ListVersions) -> Result<VersionsPage> {
        if self.repeats_versions {
            (request.after, request.max_keys) = (None, Some(1));
            let is_caught = self.pages.fetch_add(1, Ordering::SeqCst) < 50;
            assert!(is_caught, "the listing does not end");
        }
        self.memory.list_versions(request).await
    }

    async fn put(&self, request: PutRequest) -> Result<PutResponse> {
        self.take_its_time(request.payload.byte_counter()).await;
        self.memory.put(request).await
    }

    async fn upload_part(&self, request: UploadPart) -> Result<PartTag> {
        self.take_its_time(request.payload.byte_counter()).await;
        let _in_flight = InFlight::begin(&self.parts, self.ending * request.number);
        match self.rejected_part {
            None => self.memory.upload_part(request).await,
            Some(rejected) if request.number == rejected => {
                Err(Error::new(ErrorKind::AccessDenied, Operation::UploadPart))
            }
            Some(_) => pending().await,
        }
    }

    async fn head(&self, request: HeadRequest) -> Result<ObjectMeta> {
        let mut meta = self.memory.head(request).await?;
        meta.size *= self.scale;
        meta.etag = meta.etag.filter(|_| !self.hides_etags);
        Ok(meta)
    }

    async fn copy(&self, mut request: CopyRequest) -> Result<PutResponse> {
        if self.ignores_conditions_of_copies {
            request.mode = PutMode::Overwrite;
        }
        let source = self.head(HeadRequest::new(request.from.clone())).await?;
        if source.size > 5 << 30 {
            return Err(Error::new(ErrorKind::InvalidInput, Operation::Copy));
        }
        self.memory.copy(request).await
    }

    async fn upload_part_copy(&self, mut request: UploadPartCopy) -> Result<PartTag> {
        if let Some(ByteRange::Bounded(range)) = &mut request.range {
            assert!(range.end - range.start <= 5 << 30, "{range:?}");
            *range = range.start / self.scale..range.end / self.scale;
        }
        let _in_flight = InFlight::begin(&self.parts, self.ending * request.number);
        if self.rejected_part.is_some() {
            return pending().await;
        }
        self.memory.upload_part_copy(request).await
    }

    async fn abort_upload(&self, request: AbortUpload) -> Result<()> {
        let met = self.parts.in_flight.load(Ordering::SeqCst);
        self.parts.met_by_abort.fetch_add(met, Ordering::SeqCst);
        self.memory.abort_upload(request).await
    }

    forward! {
        create_upload(request: CreateUpload) -> UploadId;
        complete_upload(request: CompleteUpload) -> PutResponse;
        list_uploads(request: ListUploads) -> UploadsPage;
        list_parts(request: ListParts) -> PartsPage;
        list_buckets() -> Vec<BucketInfo>;
        create_bucket(request: BucketRequest) -> ();
        delete_bucket(request: BucketRequest) -> ();
        presign(request: PresignRequest) -> String;
    }
}
