//! [`ErrorDetails`]: the elements of an S3 error document besides `Code`, such as `RequestId` and `ActualObjectSize`.

use http::HeaderMap;
use http::header::CONTENT_RANGE;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::convert::in_xml;
use crate::errors::DETAIL;
use crate::response_completion::escaped;
use crate::target::Target;

/// `MaxAllowedSkewMilliseconds`: maximum difference between the clocks of client and server.
const MAX_SKEW_MILLISECONDS: &str = "900000";

/// The elements of an error document besides its code.
pub(crate) struct ErrorDetails<'request> {
    id: &'request str,
    target: &'request Target,
    /// The size of the object, for a range outside of it.
    size: Option<String>,
    /// The details that the operation added.
    own: Vec<(String, String)>,
    now: String,
}

impl<'request> ErrorDetails<'request> {
    /// Returns the details of the response to a request.
    pub(crate) fn of(response: &HeaderMap, id: &'request str, target: &'request Target) -> Self {
        let size = response.get(CONTENT_RANGE);
        let size = size.and_then(|value| value.to_str().ok()?.strip_prefix("bytes */"));
        let own = response.get_all(DETAIL).iter();
        let own = own.filter_map(|detail| detail.to_str().ok()?.split_once('='));
        let now = OffsetDateTime::now_utc().replace_nanosecond(0);
        Self {
            id,
            target,
            size: size.map(str::to_owned),
            own: own
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            now: now
                .ok()
                .and_then(|now| now.format(&Rfc3339).ok())
                .unwrap_or_default(),
        }
    }

    /// Adds the missing message and details to an error document; returns other documents unchanged.
    pub(crate) fn added_to(&self, document: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(document);
        let Some((before, rest)) = text.rsplit_once("</Error>") else {
            return document.to_vec();
        };
        let code = element(&text, "Code").unwrap_or_default();
        let message = element(&text, "Message").map(unescaped);
        let mut completed = before.to_owned();
        if message.is_none() {
            completed.push_str(&format!("<Message>{}</Message>", usual_message(code)));
        }
        let own = { self.own.iter() }.map(|(name, value)| (&**name, &**value));
        let of_code = self.of_code(code, message.as_deref().unwrap_or_default());
        for (name, value) in own.chain(of_code) {
            if let Some(value) = in_xml(value)
                && element(&text, name).is_none()
            {
                completed.push_str(&format!("<{name}>{}</{name}>", escaped(&value)));
            }
        }
        completed.push_str("</Error>");
        completed.push_str(rest);
        completed.into_bytes()
    }

    /// Returns the elements of an error document with this code and message.
    fn of_code<'own>(&'own self, code: &str, message: &'own str) -> Vec<(&'own str, &'own str)> {
        let target = self.target;
        let asked = |name| target.query.get(name).map(|value| &**value);
        let signature = &target.signature;
        let mut found: Vec<(&str, Option<&str>)> = Vec::new();
        match code {
            "NoSuchKey" => found.push(("Key", Some(&target.key))),
            "NoSuchVersion" => {
                found.push(("Key", Some(&target.key)));
                found.push(("VersionId", asked("versionId")));
            }
            "NoSuchBucket" => found.push(("BucketName", Some(&target.bucket))),
            "NoSuchUpload" | "InvalidPart" => found.push(("UploadId", asked("uploadId"))),
            "InvalidRange" => {
                found.push(("RangeRequested", target.range.as_deref()));
                found.push(("ActualObjectSize", self.size.as_deref()));
            }
            "InvalidArgument" => {
                let argument = ["invalid query: ", "invalid header: "]
                    .iter()
                    .find_map(|begin| message.strip_prefix(begin)?.split_once(": "));
                let (name, value) = argument.unzip();
                let value = value.map(|value| value.trim_matches('"'));
                found.push(("ArgumentName", name));
                found.push(("ArgumentValue", value));
            }
            "InvalidAccessKeyId" => found.push(("AWSAccessKeyId", signature.access_key.as_deref())),
            "SignatureDoesNotMatch" => {
                found.push(("AWSAccessKeyId", signature.access_key.as_deref()));
                found.push(("SignatureProvided", signature.value.as_deref()));
            }
            "RequestTimeTooSkewed" => {
                found.push(("RequestTime", signature.date.as_deref()));
                found.push(("ServerTime", Some(&self.now)));
                found.push(("MaxAllowedSkewMilliseconds", Some(MAX_SKEW_MILLISECONDS)));
            }
            "AccessDenied" if message == "Request has expired" => {
                found.push(("X-Amz-Expires", asked("X-Amz-Expires")));
                found.push(("Expires", signature.end.as_deref()));
                found.push(("ServerTime", Some(&self.now)));
            }
            "MethodNotAllowed" => {
                let resource = match (&*target.bucket, &*target.key) {
                    ("", _) => "SERVICE",
                    (_, "") => "BUCKET",
                    _ => "OBJECT",
                };
                found.push(("Method", Some(&target.method)));
                found.push(("ResourceType", Some(resource)));
            }
            _ => {}
        }
        found.push(("Resource", Some(&target.path)));
        found.push(("RequestId", Some(self.id)));
        found.push(("HostId", Some(self.id)));
        let found = found.into_iter();
        found
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&quot;", "\"").replace("&apos;", "'");
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&amp;", "&")
}

fn element<'text>(text: &'text str, name: &str) -> Option<&'text str> {
    let (_, after) = text.split_once(&format!("<{name}>"))?;
    Some(after.split_once(&format!("</{name}>"))?.0)
}

/// Returns a message for errors that the protocol layer returns with a code only.
pub(crate) fn usual_message(code: &str) -> &'static str {
    match code {
        "AccessDenied" => "Access is denied",
        "BadDigest" => "The checksum that the request declares differs from that of its body",
        "EntityTooLarge" => "The body is larger than an object may be",
        "IncompleteBody" => "The body is shorter than the request declares",
        "InvalidArgument" => "An argument of the request is not valid",
        "InvalidBucketName" => "The bucket name is not valid",
        "InvalidRange" => "The range cannot be satisfied",
        "InvalidRequest" => "The request is not valid",
        "InvalidURI" => "The URI cannot be parsed",
        "KeyTooLongError" => "The key is longer than 1024 bytes",
        "MalformedXML" => "The document of the request is not well-formed or not valid",
        "MethodNotAllowed" => "The method is not allowed for this resource",
        "MissingContentLength" => "The request must have a Content-Length header",
        "NoSuchBucket" => "The bucket does not exist",
        "NoSuchKey" => "The object does not exist",
        "NoSuchVersion" => "The version of the object does not exist",
        "NoSuchUpload" => "The multipart upload does not exist",
        "NotImplemented" => "The server does not implement this operation",
        "PreconditionFailed" => "A condition of the request does not hold",
        "RequestTimeTooSkewed" => "The time of the request differs too much from the server's",
        "SignatureDoesNotMatch" => {
            "The signature of the request differs from the one that the server calculates"
        }
        _ => "The request failed",
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::Domains;

    fn completed(uri: &str, document: &str, headers: &[(&'static str, &'static str)]) -> String {
        let request = Request::get(uri).header("range", "bytes=9-").body(());
        let target = Target::of(&request.unwrap(), &Domains::new(["s3.localhost"]));
        let headers = headers.iter().map(|&(name, value)| {
            (
                http::HeaderName::from_static(name),
                http::HeaderValue::from_static(value),
            )
        });
        let headers = HeaderMap::from_iter(headers);
        let details = ErrorDetails::of(&headers, "7", &target);
        String::from_utf8(details.added_to(document.as_bytes())).unwrap()
    }

    #[test]
    fn an_error_gets_a_message_an_id_and_its_resource() {
        let bare = "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>";
        assert_eq!(
            completed("/b/a&b", bare, &[])
                .split_once("</Code>")
                .unwrap()
                .1,
            "<Message>The object does not exist</Message><Key>a&amp;b</Key><Resource>/b/a&amp;b</Resource>\
             <RequestId>7</RequestId><HostId>7</HostId></Error>"
        );
        for (uri, code, headers, expected) in [
            (
                "/b/k",
                "InvalidRange",
                &[("content-range", "bytes */3")][..],
                "<RangeRequested>bytes=9-</RangeRequested><ActualObjectSize>3</ActualObjectSize>",
            ),
            ("/b", "NoSuchBucket", &[], "<BucketName>b</BucketName>"),
            (
                "/b/k?uploadId=u%2F1",
                "NoSuchUpload",
                &[],
                "<UploadId>u/1</UploadId>",
            ),
            (
                "/b/k?versionId=v",
                "NoSuchVersion",
                &[],
                "<VersionId>v</VersionId>",
            ),
            (
                "/b/k",
                "PreconditionFailed",
                &[("x-error-detail", "Condition=If-Match")],
                "<Condition>If-Match</Condition>",
            ),
            (
                "/b",
                "MethodNotAllowed",
                &[],
                "<Method>GET</Method><ResourceType>BUCKET</ResourceType>",
            ),
            (
                "/b?AWSAccessKeyId=k&Signature=s%3D&Expires=1",
                "SignatureDoesNotMatch",
                &[],
                "<AWSAccessKeyId>k</AWSAccessKeyId><SignatureProvided>s=</SignatureProvided>",
            ),
        ] {
            let bare = format!("<Error><Code>{code}</Code></Error>");
            let text = completed(uri, &bare, headers);
            assert!(text.contains(expected), "{text}");
        }
        for (message, value) in [
            ("invalid query: max-keys: x", "x"),
            ("invalid header: max-keys: &quot;&lt;0&quot;", "&lt;0"),
        ] {
            let argument =
                format!("<Error><Code>InvalidArgument</Code><Message>{message}</Message></Error>");
            let text = completed("/b", &argument, &[]);
            let expected = format!(
                "<ArgumentName>max-keys</ArgumentName><ArgumentValue>{value}</ArgumentValue>"
            );
            assert!(text.contains(&expected), "{text}");
        }
    }

    #[test]
    fn existing_elements_and_other_documents_are_unchanged() {
        let whole = "<Error><Code>A</Code><Message>m</Message><Resource>r</Resource><RequestId>1</RequestId>\
                     <HostId>2</HostId></Error>";
        assert_eq!(completed("/b", whole, &[]), whole);
        assert_eq!(completed("/b", "<Other/>", &[]), "<Other/>");
    }
}
