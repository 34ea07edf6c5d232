//! Handwritten signatures, for signed requests that a well-behaved client never sends.

use s3_testkit::S3Server;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::macros::format_description;

/// Returns the header lines of a signed `PUT` of `path` whose body is hashed as `payload` says.
pub(crate) fn signed_put(
    server: &S3Server,
    path: &str,
    payload: &str,
    extra: &[(&str, &str)],
) -> Vec<String> {
    signed(server, "PUT", "us-east-1", path, payload, extra)
}

/// Returns the header lines of a request that is signed for a region.
pub(crate) fn signed(
    server: &S3Server,
    method: &str,
    region: &str,
    path: &str,
    payload: &str,
    extra: &[(&str, &str)],
) -> Vec<String> {
    let now = OffsetDateTime::now_utc();
    let date = now
        .format(format_description!("[year][month][day]"))
        .unwrap();
    let moment = now
        .format(format_description!(
            "[year][month][day]T[hour][minute][second]Z"
        ))
        .unwrap();
    let host = format!("127.0.0.1:{}", server.port());
    let mut headers = vec![
        ("host", host.as_str()),
        ("x-amz-content-sha256", payload),
        ("x-amz-date", &moment),
    ];
    headers.extend(extra);
    headers.sort_unstable();
    let names: Vec<_> = headers.iter().map(|&(name, _)| name).collect();
    let names = names.join(";");
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let request = format!("{method}\n{path}\n\n{lines}\n{names}\n{payload}");
    let scope = format!("{date}/{region}/s3/aws4_request");
    let text = format!(
        "AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}",
        hex::encode(Sha256::digest(request))
    );

    let secret = format!("AWS4{}", server.secret_key());
    let key = [region, "s3", "aws4_request"]
        .iter()
        .fold(hmac(secret.as_bytes(), date.as_bytes()), |key, part| {
            hmac(&key, part.as_bytes())
        });
    let signature = hex::encode(hmac(&key, text.as_bytes()));
    let credential = format!("{}/{scope}", server.access_key());
    let authorization = format!(
        "authorization: AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
    );
    let lines = headers
        .iter()
        .filter(|(name, _)| *name != "host")
        .map(|(name, value)| format!("{name}: {value}"));
    lines.chain([authorization]).collect()
}

/// RFC 2104; keys here are shorter than a block of 64 bytes.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let padded = |pad: u8| -> Vec<u8> {
        let key = key.iter().copied().chain(std::iter::repeat(0)).take(64);
        key.map(|byte| byte ^ pad).collect()
    };
    let inner = Sha256::new()
        .chain_update(padded(0x36))
        .chain_update(message)
        .finalize();
    Sha256::new()
        .chain_update(padded(0x5c))
        .chain_update(inner)
        .finalize()
        .to_vec()
}
