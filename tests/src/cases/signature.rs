//! Verifies AWS Signature Version 4 of requests, implemented independently of the client.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::server::Seen;

/// Returns whether the request is signed with the secret key.
pub(super) fn is_valid(seen: &Seen, secret: &str) -> bool {
    expected(seen, secret).is_some_and(|(expected, sent)| expected == sent)
}

fn expected(seen: &Seen, secret: &str) -> Option<(String, String)> {
    let authorization = seen.header("authorization")?;
    let field = |name: &str| {
        let rest = authorization.split(name).nth(1)?.strip_prefix('=')?;
        Some(rest.split([',', ' ']).next()?.to_owned())
    };
    let credential = field("Credential")?;
    let scope = credential.split_once('/')?.1;
    let signed = field("SignedHeaders")?;
    let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
    let mut pairs: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.contains('=') {
            true => pair.to_owned(),
            false => format!("{pair}="),
        })
        .collect();
    pairs.sort();
    let mut request = format!("{}\n{path}\n{}\n", seen.method, pairs.join("&"));
    for name in signed.split(';') {
        request += &format!("{name}:{}\n", seen.header(name)?);
    }
    request += &format!("\n{signed}\n{}", seen.header("x-amz-content-sha256")?);
    let date = seen.header("x-amz-date")?;
    let hashed = hex::encode(Sha256::digest(request));
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashed}");
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in scope.split('/') {
        key = mac(&key, part);
    }
    Some((hex::encode(mac(&key, &text)), field("Signature")?))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length is one of a key");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
