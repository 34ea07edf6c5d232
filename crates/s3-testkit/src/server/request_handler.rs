//! [`RequestHandler`]: records a request in the log, applies its fault and calls the S3 service.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use s3_server::{Domains, Service};
use s3s::StdError;

use super::ConnectionControl;
use crate::faults::{self, Faults};
use crate::request_log::Metered;
use crate::{Call, RequestLog};

/// State shared by all requests of a server. Clone is a few reference counts.
#[derive(Clone, Debug)]
pub(super) struct RequestHandler {
    pub(super) service: Service,
    pub(super) domains: Domains,
    pub(super) request_log: RequestLog,
    pub(super) faults: Faults,
}

impl RequestHandler {
    /// Records a request and responds to it; an error closes the connection.
    pub(super) async fn handle(
        self,
        request: Request<Incoming>,
        control: Arc<ConnectionControl>,
    ) -> Result<Response<impl Body<Data = Bytes, Error = StdError> + use<>>, StdError> {
        control.begin();
        let (head, body) = request.into_parts();
        let call = Call::from_head(&head, &self.domains);
        let fault = self.faults.decide(&call);
        let applied = fault.as_ref().map(|fault| fault.action.to_string());
        let entry = self.request_log.record(call, &head.headers, applied);

        let request = Request::from_parts(head, body);
        let response = faults::respond(request, fault, &self.service, control).await?;
        entry.responded(response.status().as_u16());
        Ok(response.map(|body| Metered::new(body, entry)))
    }
}
