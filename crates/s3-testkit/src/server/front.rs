//! What stands between a connection and the S3 service: the request_log and the faults.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use s3s::StdError;
use s3s::service::S3Service;

use super::{Domains, Link, range_header};
use crate::faults::{self, Faults};
use crate::request_log::Metered;
use crate::{Call, RequestLog};

/// All that answers have in common. Clone is a reference count of each.
#[derive(Clone, Debug)]
pub(super) struct Front {
    pub(super) service: S3Service,
    pub(super) domains: Domains,
    pub(super) request_log: RequestLog,
    pub(super) faults: Faults,
}

impl Front {
    /// Records a request and answers it; an error closes the connection.
    pub(super) async fn answer(
        self,
        request: Request<Incoming>,
        link: Arc<Link>,
    ) -> Result<Response<impl Body<Data = Bytes, Error = StdError> + use<>>, StdError> {
        link.begin();
        let (head, body) = request.into_parts();
        let call = Call::from_head(&head, &self.domains);
        let fault = self.faults.decide(&call);
        let ordered = fault.as_ref().map(|fault| fault.action.to_string());
        let entry = self.request_log.record(call, &head.headers, ordered);

        let mut request = Request::from_parts(head, body);
        range_header::ignore_malformed(&mut request);
        let answer = faults::answer(request, fault, &self.service, link).await?;
        entry.answered(answer.status().as_u16());
        Ok(answer.map(|body| Metered::new(body, entry)))
    }
}
