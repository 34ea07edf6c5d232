//! Tests of signatures with the examples that AWS publishes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::Mac;
use sha2::{Digest, Sha256};

use super::signing_key::derive;
use super::{PayloadHash, SigningKeys};
use crate::{Credentials, Request};

/// 2013-05-24T00:00:00Z.
fn day_of_the_examples() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_369_353_600)
}

fn head(
    method: &'static str,
    path: &str,
    query: &[(&str, &str)],
    headers: &[(&str, &str)],
    payload: PayloadHash,
) -> String {
    let mut request = Request::new(method, "examplebucket.s3.amazonaws.com", path.to_owned());
    request.payload_hash = payload;
    for (name, value) in query {
        request.query.push(name, value);
    }
    for (name, value) in headers {
        request.headers.push(name, value).unwrap();
    }
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", secret, None).unwrap();
    let mut out = b"kept".to_vec();
    let now = day_of_the_examples();
    let keys = SigningKeys::default();
    keys.write_head(&request, &credentials, "us-east-1", now, &mut out)
        .unwrap();
    String::from_utf8(out).unwrap().split_off(4)
}

fn signature(head: &str) -> &str {
    let (_, signature) = head.split_once("Signature=").unwrap();
    signature.trim_end()
}

/// "Authenticating Requests: Using the Authorization Header", the four examples of a payload in one chunk.
#[test]
fn the_s3_examples_have_their_published_signatures() {
    let welcome = PayloadHash::Sha256(Sha256::digest("Welcome to Amazon S3.").into());
    let date = ("Date", "Fri, 24 May 2013 00:00:00 GMT");
    let class = ("x-amz-storage-class", "REDUCED_REDUNDANCY");
    for (head, expected) in [
        (
            head(
                "GET",
                "/test.txt",
                &[],
                &[("Range", "bytes=0-9")],
                PayloadHash::Empty,
            ),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            head("PUT", "/test%24file.text", &[], &[date, class], welcome),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            head("GET", "/", &[("lifecycle", "")], &[], PayloadHash::Empty),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            head(
                "GET",
                "/",
                &[("prefix", "J"), ("max-keys", "2")],
                &[],
                PayloadHash::Empty,
            ),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ] {
        assert_eq!(signature(&head), expected);
    }
}

#[test]
fn the_first_example_has_the_head_that_is_published() {
    let head = head(
        "GET",
        "/test.txt",
        &[],
        &[("Range", "bytes=0-9")],
        PayloadHash::Empty,
    );
    assert_eq!(
        head,
        "GET /test.txt HTTP/1.1\r\n\
         host: examplebucket.s3.amazonaws.com\r\n\
         range: bytes=0-9\r\n\
         x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n\
         x-amz-date: 20130524T000000Z\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
         SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
         Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41\r\n\r\n"
    );
}

/// The generic suite signs for a service called `service` and without a hash of the payload in the headers, so
/// only the last step of its cases applies: the key, and the signature of the text.
#[test]
fn the_generic_suite_agrees_on_keys_and_signatures() {
    for (digest, expected) in [
        (
            // get-vanilla
            "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            // get-vanilla-query-order-encoded
            "868294f5c38bd141c4972a373a76654f1418a8e4fc18b2e7903ae45e8ae0ec71",
            "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        ),
    ] {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let mut key = derive(secret, b"20150830", "us-east-1", "service");
        let scope = "20150830/us-east-1/service/aws4_request";
        let text = format!("AWS4-HMAC-SHA256\n20150830T123600Z\n{scope}\n{digest}");
        key.update(text.as_bytes());
        assert_eq!(hex::encode(key.finalize().into_bytes()), expected);
    }
}
