//! The store that lets calls fail.

use std::future::Future;
use std::time::Duration;

use s3_core::{
    AbortUpload, BucketInfo, BucketRequest, Capabilities, CompleteUpload, CopyRequest,
    CreateUpload, DeleteRequest, DeleteResponse, ETag, Error, GetRequest, GetResponse, HeadRequest,
    ListPage, ListParts, ListRequest, ListUploads, ObjectMeta, Operation, PartTag, PartsPage,
    PresignRequest, PutRequest, PutResponse, Result, Retryability, Store, UploadId, UploadPart,
    UploadPartCopy, UploadsPage,
};

use super::{Context, calls, cut};
use crate::faults::action::OTHER_ETAG;
use crate::faults::http::stall;
use crate::faults::lie::{lying_page, no_token};
use crate::faults::live::{Fault, Receipt};
use crate::{FaultAction, FaultPlan, Faults};

/// A store that does what a [`FaultPlan`] says to some calls and passes the others on.
///
/// Calls are matched as the HTTP requests that they would be: `get` is `GET`, `upload_part` is `PUT` with
/// `partNumber=…&uploadId=…`, `list_page` is `GET` with `list-type=2&prefix=…`, `delete` is `POST` with `delete`.
/// `presign` sends no request and is never matched.
///
/// | action | what the caller sees |
/// |---|---|
/// | `Status` | the error that this answer means; `head` gets no code, as over HTTP |
/// | `Drop`, `LoseReply` | a `Network` error, before or after the call was carried out |
/// | `TruncateBody` | a body that ends early without an error; for other answers than those of `get`, a `Network` error |
/// | `BodyError` | a body that breaks with a `Network` error; other answers than those of `get` likewise |
/// | `Stall` | a call or a body that waits |
/// | `ChangedETag` | another entity tag in the answer of `get`, `head` and `put` |
/// | `Reset`, `CutRequest` | as `Drop` |
/// | `AfterCommit` | what is in it, after the call was carried out |
/// | `Trickle`, `FlipByte` | a body of `get` that drips, or has a bit changed |
/// | `WhiteSpace` | an answer that takes so long, or the error that comes behind it |
/// | `ShiftedRange` | the answer of `get` says that its bytes are one further on |
/// | `WholeObject` | `get` ignores the range |
/// | `List` | a page that lies; without its token, the `Integrity` error that such an answer is |
/// | `Header`, `Announce`, `CloseIdle` | nothing, and nothing is counted: there is no wire |
#[derive(Debug)]
pub struct FaultStore<S> {
    store: S,
    faults: Faults,
}

impl<S: Store> FaultStore<S> {
    /// Wraps a store.
    #[must_use]
    pub fn new(store: S, plan: FaultPlan) -> Self {
        Self {
            store,
            faults: Faults::new(plan),
        }
    }

    /// Returns the faults at work, to change the plan or to see what was delivered.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Returns the store behind the faults.
    #[must_use]
    pub fn inner(&self) -> &S {
        &self.store
    }

    /// Carries a call out, or does what the plan says. `carries_body` tells whether its answer has a body over HTTP.
    async fn run<T>(
        &self,
        context: Context,
        carries_body: bool,
        call: impl Future<Output = Result<T>> + Send,
    ) -> Result<(T, Option<Fault>)> {
        let Some(fault) = self.before(&context).await? else {
            return Ok((call.await?, None));
        };
        let answer = call.await;
        // What becomes of any answer, a refusal too.
        match &fault.action {
            FaultAction::LoseReply => {
                fault.receipt.delivered();
                return Err(context.network(UNANSWERED));
            }
            FaultAction::AfterCommit(action) => {
                instead(action, fault.receipt, &context).await?;
                return Ok((answer?, None));
            }
            _ => {}
        }
        let answer = answer?;
        match fault.action {
            FaultAction::WhiteSpace { wait, .. } => {
                fault.receipt.delivered();
                stall(Some(wait)).await;
                Ok((answer, None))
            }
            FaultAction::TruncateBody { .. } | FaultAction::BodyError { .. } if carries_body => {
                fault.receipt.delivered();
                Err(context.network("the connection was closed before the end of the answer"))
            }
            FaultAction::Stall { at: Some(_), wait } if carries_body => {
                fault.receipt.delivered();
                stall(wait).await;
                Ok((answer, None))
            }
            _ => Ok((answer, Some(fault))),
        }
    }

    /// Does what is to be done before the call; returns the fault if it comes afterwards.
    async fn before(&self, context: &Context) -> Result<Option<Fault>> {
        let Some(fault) = self.faults.decide(&context.call) else {
            return Ok(None);
        };
        match fault.action {
            FaultAction::Status { .. }
            | FaultAction::Drop
            | FaultAction::Reset
            | FaultAction::CutRequest { .. }
            | FaultAction::Stall { at: None, .. } => {
                instead(&fault.action, fault.receipt, context).await?;
                Ok(None)
            }
            FaultAction::WhiteSpace {
                wait,
                code: Some(ref code),
                ..
            } => {
                fault.receipt.delivered();
                stall(Some(wait)).await;
                Err(refusal(context, 200, code, None))
            }
            _ => Ok(Some(fault)),
        }
    }
}

const UNANSWERED: &str = "the connection was closed without an answer";

/// Does what comes instead of an answer; after a wait, the answer comes all the same.
async fn instead(action: &FaultAction, receipt: Receipt, context: &Context) -> Result<()> {
    receipt.delivered();
    match action {
        FaultAction::Status {
            status,
            code,
            retry_after,
        } => Err(refusal(context, *status, code, *retry_after)),
        FaultAction::Stall { wait, .. } => {
            stall(*wait).await;
            Ok(())
        }
        _ => Err(context.network(UNANSWERED)),
    }
}

fn refusal(context: &Context, status: u16, code: &str, wait: Option<Duration>) -> Error {
    let code = (context.operation != Operation::Head).then_some(code);
    let error = Error::from_response(context.operation, status, code).with_resource(&context.place);
    match error.retryability() {
        Retryability::Throttled { .. } => {
            error.with_retryability(Retryability::Throttled { after: wait })
        }
        _ => error,
    }
}

fn change_tag(etag: &mut Option<ETag>, fault: Option<Fault>) {
    if let Some(Fault {
        action: FaultAction::ChangedETag,
        receipt,
    }) = fault
    {
        *etag = Some(ETag::new(OTHER_ETAG));
        receipt.delivered();
    }
}

impl<S: Store> Store for FaultStore<S> {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    async fn get(&self, request: GetRequest) -> Result<GetResponse> {
        let context = calls::get(&request);
        let place = context.place.clone();
        let mut whole = request.clone();
        let is_ranged = whole.range.take().is_some();
        let (mut answer, fault) = self.run(context, false, self.store.get(request)).await?;
        match fault {
            Some(Fault {
                action: FaultAction::ChangedETag,
                receipt,
            }) => {
                answer.meta.etag = Some(ETag::new(OTHER_ETAG));
                receipt.delivered();
            }
            Some(Fault {
                action: FaultAction::WholeObject,
                receipt,
            }) if is_ranged => {
                answer = self.store.get(whole).await?;
                receipt.delivered();
            }
            Some(Fault {
                action: FaultAction::ShiftedRange,
                receipt,
            }) => {
                answer.range = answer.range.start + 1..answer.range.end + 1;
                receipt.delivered();
            }
            Some(fault) => answer.body = cut::shaped(answer.body, &answer.range, fault, &place),
            None => {}
        }
        Ok(answer)
    }

    async fn head(&self, request: HeadRequest) -> Result<ObjectMeta> {
        let context = calls::head(&request);
        let (mut meta, fault) = self.run(context, false, self.store.head(request)).await?;
        change_tag(&mut meta.etag, fault);
        Ok(meta)
    }

    async fn put(&self, request: PutRequest) -> Result<PutResponse> {
        let context = calls::put(&request);
        let (mut answer, fault) = self.run(context, false, self.store.put(request)).await?;
        change_tag(&mut answer.etag, fault);
        Ok(answer)
    }

    async fn copy(&self, request: CopyRequest) -> Result<PutResponse> {
        let context = calls::copy(&request);
        Ok(self.run(context, true, self.store.copy(request)).await?.0)
    }

    async fn delete(&self, request: DeleteRequest) -> Result<DeleteResponse> {
        let context = calls::delete(&request);
        Ok(self.run(context, true, self.store.delete(request)).await?.0)
    }

    async fn list_page(&self, request: ListRequest) -> Result<ListPage> {
        let context = calls::list_page(&request);
        let again = request.clone();
        let (page, fault) = self
            .run(context, true, self.store.list_page(request))
            .await?;
        let Some(Fault {
            action: FaultAction::List(lie),
            receipt,
        }) = fault
        else {
            return Ok(page);
        };
        let page = lying_page(&self.store, again, lie, receipt).await?;
        match page.next.as_deref() {
            Some("") => Err(no_token()),
            _ => Ok(page),
        }
    }

    async fn create_upload(&self, request: CreateUpload) -> Result<UploadId> {
        let context = calls::create_upload(&request);
        Ok(self
            .run(context, true, self.store.create_upload(request))
            .await?
            .0)
    }

    async fn upload_part(&self, request: UploadPart) -> Result<PartTag> {
        let context = calls::upload_part(&request);
        let (mut tag, fault) = self
            .run(context, false, self.store.upload_part(request))
            .await?;
        if let Some(Fault {
            action: FaultAction::ChangedETag,
            receipt,
        }) = fault
        {
            tag.etag = ETag::new(OTHER_ETAG);
            receipt.delivered();
        }
        Ok(tag)
    }

    async fn upload_part_copy(&self, request: UploadPartCopy) -> Result<PartTag> {
        let context = calls::upload_part_copy(&request);
        Ok(self
            .run(context, true, self.store.upload_part_copy(request))
            .await?
            .0)
    }

    async fn complete_upload(&self, request: CompleteUpload) -> Result<PutResponse> {
        let context = calls::complete_upload(&request);
        Ok(self
            .run(context, true, self.store.complete_upload(request))
            .await?
            .0)
    }

    async fn abort_upload(&self, request: AbortUpload) -> Result<()> {
        let context = calls::abort_upload(&request);
        self.run(context, false, self.store.abort_upload(request))
            .await
            .map(drop)
    }

    async fn list_uploads(&self, request: ListUploads) -> Result<UploadsPage> {
        let context = calls::list_uploads(&request);
        Ok(self
            .run(context, true, self.store.list_uploads(request))
            .await?
            .0)
    }

    async fn list_parts(&self, request: ListParts) -> Result<PartsPage> {
        let context = calls::list_parts(&request);
        Ok(self
            .run(context, true, self.store.list_parts(request))
            .await?
            .0)
    }

    async fn list_buckets(&self) -> Result<Vec<BucketInfo>> {
        let context = calls::list_buckets();
        Ok(self.run(context, true, self.store.list_buckets()).await?.0)
    }

    async fn create_bucket(&self, request: BucketRequest) -> Result<()> {
        let context = calls::bucket(Operation::CreateBucket, "PUT", &request);
        self.run(context, false, self.store.create_bucket(request))
            .await
            .map(drop)
    }

    async fn delete_bucket(&self, request: BucketRequest) -> Result<()> {
        let context = calls::bucket(Operation::DeleteBucket, "DELETE", &request);
        self.run(context, false, self.store.delete_bucket(request))
            .await
            .map(drop)
    }

    async fn presign(&self, request: PresignRequest) -> Result<String> {
        self.store.presign(request).await
    }
}
