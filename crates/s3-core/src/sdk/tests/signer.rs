//! Compares our SigV4 signatures, paths and queries with those of aws-sigv4 and the SDK client.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningParams,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::string::{RegexGeneratorStrategy, string_regex};
use proptest::test_runner::RngAlgorithm;

use crate::sdk::replay::{Replay, response};
use crate::sdk::tests::generated;
use s3_wire::Request;
use s3_wire::sign::{PayloadHash, Query, SigningKeys, encode_key};

#[derive(Clone, Debug)]
struct Case {
    method: &'static str,
    key: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    payload: PayloadHash,
    host: &'static str,
    token: Option<String>,
    region: String,
    seconds: u64,
}

/// A failure is turned into a named test, so seeds are not stored in a file. The default generator is a cipher, which
/// takes most of the time in a debug build.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::XorShift,
        ..ProptestConfig::with_cases(cases)
    }
}

/// Returns a strategy for text that matches a pattern. The pattern is parsed once; a pattern used directly as a
/// strategy is parsed for every case.
fn like(pattern: &str) -> RegexGeneratorStrategy<String> {
    string_regex(pattern).unwrap()
}

/// Returns a strategy for text with many characters that need escaping: spaces, percent signs, slashes, dots,
/// non-ASCII.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        like("[a-z0-9/._~-]{0,20}"),
        like("[ -~]{0,12}"),
        like("[%+/. &=?#:;,@!$'()*\\[\\]]{0,8}"),
        like("(//|\\./|\\.\\./|%2F|%|\\+| |é|ሴ|😀|[\u{0}-\u{20}]|\u{7f}|\u{a0}){0,6}"),
        like("\\PC{0,8}"),
    ]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        like("[ -~]{0,20}"),
        like("[ \ta,]{0,10}"),
        like("( |  |a|\"|é|\u{a0}){0,8}")
    ]
}

fn name() -> impl Strategy<Value = String> {
    // The last ones are around the signer's own.
    prop_oneof![
        Just("range".to_owned()),
        Just("content-type".to_owned()),
        like("x-amz-meta-[a-c]{0,2}"),
        like("[A-Za-z][a-z0-9-]{0,5}"),
        like("(g|hos|host-a|i|x-amz-c|x-amz-contents|x-amz-dat|x-amz-date-a|x-amz-s|x-amz-t|z)"),
    ]
    .prop_filter("the signer's own", |name| {
        !name.eq_ignore_ascii_case("host")
    })
}

fn payload() -> impl Strategy<Value = PayloadHash> {
    prop_oneof![
        Just(PayloadHash::Empty),
        Just(PayloadHash::Unsigned),
        Just(PayloadHash::StreamingTrailer),
        any::<[u8; 32]>().prop_map(PayloadHash::Sha256),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let request = (
        prop_oneof![Just("GET"), Just("PUT"), Just("HEAD")],
        text(),
        vec((text(), text()), 0..5),
        vec((name(), value()), 0..8),
        payload(),
        prop_oneof![
            Just("bucket.s3.eu-west-1.amazonaws.com"),
            Just("127.0.0.1:9000"),
            Just("[::1]:9000")
        ],
    );
    let by = (
        proptest::option::of(like("[A-Za-z0-9/+=]{1,200}")),
        like("[a-z]{2}-[a-z]{4,9}-[0-9]"),
        0..253_402_300_799u64,
    );
    (request, by).prop_map(|(request, (token, region, seconds))| {
        let (method, key, query, headers, payload, host) = request;
        Case {
            method,
            key,
            query,
            headers,
            payload,
            host,
            token,
            region,
            seconds,
        }
    })
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Returns the head that we sign, as request line and headers.
fn ours(
    case: &Case,
    keys: &SigningKeys,
    credentials: &s3_wire::Credentials,
) -> (String, Vec<(String, String)>) {
    let mut path = "/bucket/".to_owned();
    encode_key(&case.key, &mut path);
    let mut request = Request::new(case.method, case.host, path);
    request.payload_hash = case.payload;
    for (name, value) in &case.query {
        request.query.push(name, value);
    }
    for (name, value) in &case.headers {
        request.headers.push(name, value).unwrap();
    }
    request
        .headers
        .push_unsigned("content-length", "7")
        .unwrap();
    let mut out = Vec::new();
    keys.write_head(
        &request,
        credentials,
        &case.region,
        at(case.seconds),
        &mut out,
    )
    .unwrap();
    let text = String::from_utf8(out).unwrap();
    let text = text.strip_suffix("\r\n\r\n").unwrap();
    let mut lines = text.split("\r\n");
    let line = lines.next().unwrap().to_owned();
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_owned(), value.to_owned())
    };
    (line, lines.map(header).collect())
}

/// Returns the headers that the SDK adds to a request with this line and these headers.
fn theirs(case: &Case, line: &str, headers: &[(String, String)]) -> Vec<(String, String)> {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let identity = Credentials::new("AKIDEXAMPLE", "secret", case.token.clone(), None, "test");
    let identity = identity.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&case.region)
        .name("s3")
        .time(at(case.seconds))
        .settings(settings)
        .build()
        .unwrap();
    let target = line.split(' ').nth(1).unwrap();
    let body = match case.payload {
        PayloadHash::Empty => SignableBody::Bytes(b""),
        PayloadHash::Unsigned => SignableBody::UnsignedPayload,
        PayloadHash::StreamingTrailer => SignableBody::StreamingUnsignedPayloadTrailer,
        PayloadHash::Sha256(digest) => SignableBody::Precomputed(hex::encode(digest)),
    };
    let given = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let url = format!("http://{}{target}", case.host);
    let request = SignableRequest::new(case.method, &url, given, body).unwrap();
    let (instructions, _) = sign(request, &SigningParams::V4(params))
        .unwrap()
        .into_parts();
    let added = instructions.headers();
    added
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Percent-encodes a text, one byte at a time; an independent implementation of the rule.
fn encoded(text: &str, slash: bool) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        b'/' if slash => "/".to_owned(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

fn check(case: &Case, keys: &SigningKeys) {
    let credentials =
        s3_wire::Credentials::new("AKIDEXAMPLE", "secret", case.token.clone()).unwrap();
    let (line, headers) = ours(case, keys, &credentials);
    let mut pairs: Vec<_> = case
        .query
        .iter()
        .map(|(name, value)| (encoded(name, false), encoded(value, false)))
        .collect();
    pairs.sort();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mark = if pairs.is_empty() { "" } else { "?" };
    let (key, query) = (encoded(&case.key, true), pairs.join("&"));
    let expected = format!("{} /bucket/{key}{mark}{query} HTTP/1.1", case.method);
    assert_eq!(line, expected);
    // The SDK signs the same headers as we do, except those that it adds itself.
    let is_added = |name: &str| name == "authorization" || name == "content-length";
    let given: Vec<_> = headers
        .iter()
        .filter(|(name, _)| !is_added(name))
        .cloned()
        .collect();
    for (name, value) in theirs(case, &line, &given) {
        let mut own = headers.iter().filter(|(own, _)| *own == name);
        assert_eq!(own.next().map(|(_, value)| value), Some(&value), "{name}");
        assert_eq!(own.next(), None, "{name}");
    }
}

#[test]
fn the_sdk_signs_the_same_requests_with_the_same_signatures() {
    let cases = std::env::var("PROPTEST_CASES").map_or(10_000, |cases| cases.parse().unwrap());
    // The signing keys are cached between cases, as in a store.
    let keys = SigningKeys::default();
    proptest!(config(cases), |(case in case())| check(&case, &keys));
}

/// Compares path and query with those that the generated client sends for the same key and prefix.
#[test]
fn the_generated_client_sends_the_same_paths_and_queries() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    proptest!(config(300), |(key in text(), start in text())| {
        // The client treats a key of white space as missing, and does not send an empty start-after.
        prop_assume!(!key.trim().is_empty() && !start.is_empty());
        let sent = runtime.block_on(async {
            let page = "<ListBucketResult><Name>b</Name></ListBucketResult>";
            let replay = Replay::new([response(200, &[("content-length", "0")], ""), response(200, &[], page)]);
            let store = replay.store();
            let client = generated::client(&store).await;
            // The client keeps white space around a key, but rejects a key that is only white space.
            let get = client.get_object().bucket("bucket").key(&key);
            get.send().await.unwrap();
            let list = client.list_objects_v2().bucket("bucket").prefix(&key);
            let _ = list.start_after(&start).send().await;
            replay.sent()
        });
        let mut path = "http://127.0.0.1:9/bucket/".to_owned();
        encode_key(&key, &mut path);
        let get = sent[0].uri.split('?').next().unwrap();
        prop_assert_eq!(get, path);
        let (_, listed) = sent[1].uri.split_once('?').unwrap();
        let mut query = Query::new();
        for (name, value) in [("prefix", &*key), ("start-after", &*start)] {
            query.push(name, value);
        }
        for pair in query.as_str().split('&') {
            prop_assert!(listed.split('&').any(|own| own == pair), "{} {}", listed, pair);
        }
    });
}
