//! [`FaultStore`]: a `Store` wrapper that injects the faults of a plan, without HTTP.

use std::future::Future;
use std::time::Duration;

use s3_core::{
    AbortUpload, BucketInfo, BucketRequest, Capabilities, CompleteUpload, CopyRequest,
    CreateUpload, DeleteRequest, DeleteResponse, ETag, Error, GetObjectAttributes, GetRequest,
    GetResponse, GetTags, HeadRequest, ListPage, ListParts, ListRequest, ListUploads, ListVersions,
    ObjectAttributes, ObjectMeta, Operation, PartTag, PartsPage, PresignRequest, PutRequest,
    PutResponse, RestoreRequest, Result, Retryability, SetTags, SetVersioning, Store, Tags,
    UploadId, UploadPart, UploadPartCopy, UploadsPage, Versioning, VersionsPage,
};

use super::{CallContext, as_http, faulty_body};
use crate::faults::action::OTHER_ETAG;
use crate::faults::active_plan::{DeliveryCounter, Fault};
use crate::faults::http::stall;
use crate::faults::service_fault::{faulty_page, no_token};
use crate::{FaultAction, FaultPlan, Faults};

/// A store wrapper that applies a [`FaultPlan`] and forwards all other calls.
///
/// Calls are matched as the corresponding HTTP requests: `get` is `GET`, `upload_part` is `PUT` with
/// `partNumber=…&uploadId=…`, `list_page` is `GET` with `list-type=2&prefix=…`, `delete` is `POST` with `delete`.
/// `presign` sends no request and is never matched.
///
/// | action | what the caller sees |
/// |---|---|
/// | `Status` | the error of this response; without a code for `head`, as over HTTP |
/// | `Drop`, `LoseReply` | a `Network` error, before or after the call takes effect |
/// | `TruncateBody` | a body that ends early without an error; for calls other than `get`, a `Network` error |
/// | `BodyError` | a body that fails with a `Network` error; for calls other than `get`, that error |
/// | `Stall` | a call or a body that waits |
/// | `ChangedETag` | another ETag in the response of `get`, `head` and `put` |
/// | `Reset`, `CutRequest` | as `Drop` |
/// | `AfterCommit` | the inner action, after the call takes effect |
/// | `Trickle`, `FlipByte` | a body of `get` that is slow, or has a flipped bit |
/// | `WhiteSpace` | a delayed response, or the error that follows it |
/// | `ShiftedRange` | the range in the response of `get` is one byte later |
/// | `WholeObject` | `get` ignores the range |
/// | `List` | a wrong page; without its token, the `Integrity` error of such a page |
/// | `Header`, `Announce`, `CloseIdle` | no effect, and not counted |
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

    /// Returns the active faults, to change the plan or to read the counts.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Returns the wrapped store.
    #[must_use]
    pub fn inner(&self) -> &S {
        &self.store
    }

    /// Runs a call with its fault. `carries_body` says whether its response has a body over HTTP.
    async fn run<T>(
        &self,
        context: CallContext,
        carries_body: bool,
        call: impl Future<Output = Result<T>> + Send,
    ) -> Result<(T, Option<Fault>)> {
        let Some(fault) = self.before(&context).await? else {
            return Ok((call.await?, None));
        };
        let response = call.await;
        // These faults apply to error responses too.
        match &fault.action {
            FaultAction::LoseReply => {
                fault.counter.count();
                return Err(context.network(NO_RESPONSE));
            }
            FaultAction::AfterCommit(action) => {
                replace_response(action, fault.counter, &context).await?;
                return Ok((response?, None));
            }
            _ => {}
        }
        let response = response?;
        match fault.action {
            FaultAction::WhiteSpace { wait, .. } => {
                fault.counter.count();
                stall(Some(wait)).await;
                Ok((response, None))
            }
            FaultAction::TruncateBody { .. } | FaultAction::BodyError { .. } if carries_body => {
                fault.counter.count();
                Err(context.network("the connection was closed before the end of the response"))
            }
            FaultAction::Stall { at: Some(_), wait } if carries_body => {
                fault.counter.count();
                stall(wait).await;
                Ok((response, None))
            }
            _ => Ok((response, Some(fault))),
        }
    }

    /// Applies a fault that precedes the call; otherwise returns it.
    async fn before(&self, context: &CallContext) -> Result<Option<Fault>> {
        let Some(fault) = self.faults.decide(&context.call) else {
            return Ok(None);
        };
        match fault.action {
            FaultAction::Status { .. }
            | FaultAction::Drop
            | FaultAction::Reset
            | FaultAction::CutRequest { .. }
            | FaultAction::Stall { at: None, .. } => {
                replace_response(&fault.action, fault.counter, context).await?;
                Ok(None)
            }
            FaultAction::WhiteSpace {
                wait,
                code: Some(ref code),
                ..
            } => {
                fault.counter.count();
                stall(Some(wait)).await;
                Err(error_response(context, 200, code, None))
            }
            _ => Ok(Some(fault)),
        }
    }
}

const NO_RESPONSE: &str = "the connection was closed without a response";

/// Replaces the response with an error; after a stall, returns the response.
async fn replace_response(
    action: &FaultAction,
    counter: DeliveryCounter,
    context: &CallContext,
) -> Result<()> {
    counter.count();
    match action {
        FaultAction::Status {
            status,
            code,
            retry_after,
        } => Err(error_response(context, *status, code, *retry_after)),
        FaultAction::Stall { wait, .. } => {
            stall(*wait).await;
            Ok(())
        }
        _ => Err(context.network(NO_RESPONSE)),
    }
}

fn error_response(context: &CallContext, status: u16, code: &str, wait: Option<Duration>) -> Error {
    let code = (context.operation != Operation::Head).then_some(code);
    let error =
        Error::from_response(context.operation, status, code).with_resource(&context.resource);
    match error.retryability() {
        Retryability::Throttled { .. } => {
            error.with_retryability(Retryability::Throttled { after: wait })
        }
        _ => error,
    }
}

fn change_etag(etag: &mut Option<ETag>, fault: Option<Fault>) {
    if let Some(Fault {
        action: FaultAction::ChangedETag,
        counter,
    }) = fault
    {
        *etag = Some(ETag::new(OTHER_ETAG));
        counter.count();
    }
}

impl<S: Store> Store for FaultStore<S> {
    fn capabilities(&self) -> Capabilities {
        self.store.capabilities()
    }

    async fn get(&self, request: GetRequest) -> Result<GetResponse> {
        let context = as_http::get(&request);
        let resource = context.resource.clone();
        let mut whole = request.clone();
        let is_ranged = whole.range.take().is_some();
        let (mut response, fault) = self.run(context, false, self.store.get(request)).await?;
        match fault {
            Some(Fault {
                action: FaultAction::ChangedETag,
                counter,
            }) => {
                response.meta.etag = Some(ETag::new(OTHER_ETAG));
                counter.count();
            }
            Some(Fault {
                action: FaultAction::WholeObject,
                counter,
            }) if is_ranged => {
                response = self.store.get(whole).await?;
                counter.count();
            }
            Some(Fault {
                action: FaultAction::ShiftedRange,
                counter,
            }) => {
                response.range = response.range.start + 1..response.range.end + 1;
                counter.count();
            }
            Some(fault) => {
                response.body =
                    faulty_body::with_fault(response.body, &response.range, fault, &resource)
            }
            None => {}
        }
        Ok(response)
    }

    async fn head(&self, request: HeadRequest) -> Result<ObjectMeta> {
        let context = as_http::head(&request);
        let (mut meta, fault) = self.run(context, false, self.store.head(request)).await?;
        change_etag(&mut meta.etag, fault);
        Ok(meta)
    }

    async fn put(&self, request: PutRequest) -> Result<PutResponse> {
        let context = as_http::put(&request);
        let (mut response, fault) = self.run(context, false, self.store.put(request)).await?;
        change_etag(&mut response.etag, fault);
        Ok(response)
    }

    async fn copy(&self, request: CopyRequest) -> Result<PutResponse> {
        let context = as_http::copy(&request);
        Ok(self.run(context, true, self.store.copy(request)).await?.0)
    }

    async fn delete(&self, request: DeleteRequest) -> Result<DeleteResponse> {
        let context = as_http::delete(&request);
        Ok(self.run(context, true, self.store.delete(request)).await?.0)
    }

    async fn list_page(&self, request: ListRequest) -> Result<ListPage> {
        let context = as_http::list_page(&request);
        let again = request.clone();
        let (page, fault) = self
            .run(context, true, self.store.list_page(request))
            .await?;
        let Some(Fault {
            action: FaultAction::List(lie),
            counter,
        }) = fault
        else {
            return Ok(page);
        };
        let page = faulty_page(&self.store, again, lie, counter).await?;
        match page.next.as_deref() {
            Some("") => Err(no_token()),
            _ => Ok(page),
        }
    }

    async fn create_upload(&self, request: CreateUpload) -> Result<UploadId> {
        let context = as_http::create_upload(&request);
        Ok(self
            .run(context, true, self.store.create_upload(request))
            .await?
            .0)
    }

    async fn upload_part(&self, request: UploadPart) -> Result<PartTag> {
        let context = as_http::upload_part(&request);
        let (mut tag, fault) = self
            .run(context, false, self.store.upload_part(request))
            .await?;
        if let Some(Fault {
            action: FaultAction::ChangedETag,
            counter,
        }) = fault
        {
            tag.etag = ETag::new(OTHER_ETAG);
            counter.count();
        }
        Ok(tag)
    }

    async fn upload_part_copy(&self, request: UploadPartCopy) -> Result<PartTag> {
        let context = as_http::upload_part_copy(&request);
        Ok(self
            .run(context, true, self.store.upload_part_copy(request))
            .await?
            .0)
    }

    async fn complete_upload(&self, request: CompleteUpload) -> Result<PutResponse> {
        let context = as_http::complete_upload(&request);
        Ok(self
            .run(context, true, self.store.complete_upload(request))
            .await?
            .0)
    }

    async fn abort_upload(&self, request: AbortUpload) -> Result<()> {
        let context = as_http::abort_upload(&request);
        self.run(context, false, self.store.abort_upload(request))
            .await
            .map(drop)
    }

    async fn list_uploads(&self, request: ListUploads) -> Result<UploadsPage> {
        let context = as_http::list_uploads(&request);
        Ok(self
            .run(context, true, self.store.list_uploads(request))
            .await?
            .0)
    }

    async fn list_parts(&self, request: ListParts) -> Result<PartsPage> {
        let context = as_http::list_parts(&request);
        Ok(self
            .run(context, true, self.store.list_parts(request))
            .await?
            .0)
    }

    async fn list_buckets(&self) -> Result<Vec<BucketInfo>> {
        let context = as_http::list_buckets();
        Ok(self.run(context, true, self.store.list_buckets()).await?.0)
    }

    async fn create_bucket(&self, request: BucketRequest) -> Result<()> {
        let context = as_http::bucket(Operation::CreateBucket, "PUT", &request);
        self.run(context, false, self.store.create_bucket(request))
            .await
            .map(drop)
    }

    async fn delete_bucket(&self, request: BucketRequest) -> Result<()> {
        let context = as_http::bucket(Operation::DeleteBucket, "DELETE", &request);
        self.run(context, false, self.store.delete_bucket(request))
            .await
            .map(drop)
    }

    async fn list_versions(&self, request: ListVersions) -> Result<VersionsPage> {
        let context = as_http::list_versions(&request);
        let call = self.store.list_versions(request);
        Ok(self.run(context, true, call).await?.0)
    }

    async fn get_tags(&self, request: GetTags) -> Result<Tags> {
        let context = as_http::subresource(Operation::GetTags, "GET", &request.url, "tagging");
        Ok(self
            .run(context, true, self.store.get_tags(request))
            .await?
            .0)
    }

    async fn set_tags(&self, request: SetTags) -> Result<()> {
        let context = as_http::subresource(Operation::SetTags, "PUT", &request.url, "tagging");
        let call = self.store.set_tags(request);
        self.run(context, false, call).await.map(drop)
    }

    async fn object_attributes(&self, request: GetObjectAttributes) -> Result<ObjectAttributes> {
        let context = as_http::subresource(
            Operation::ObjectAttributes,
            "GET",
            &request.url,
            "attributes",
        );
        let call = self.store.object_attributes(request);
        Ok(self.run(context, true, call).await?.0)
    }

    async fn restore(&self, request: RestoreRequest) -> Result<()> {
        let context = as_http::subresource(Operation::Restore, "POST", &request.url, "restore");
        let call = self.store.restore(request);
        self.run(context, false, call).await.map(drop)
    }

    async fn versioning(&self, request: BucketRequest) -> Result<Option<Versioning>> {
        let context = as_http::versioning(Operation::Versioning, "GET", &request.bucket);
        let call = self.store.versioning(request);
        Ok(self.run(context, true, call).await?.0)
    }

    async fn set_versioning(&self, request: SetVersioning) -> Result<()> {
        let context = as_http::versioning(Operation::SetVersioning, "PUT", &request.bucket);
        let call = self.store.set_versioning(request);
        self.run(context, false, call).await.map(drop)
    }

    async fn presign(&self, request: PresignRequest) -> Result<String> {
        self.store.presign(request).await
    }
}
