//! Tests of host, path and region of requests, compared with requests of the SDK's generated client.

use aws_smithy_types::endpoint::EndpointAuthScheme;

use super::*;
use crate::sdk::replay::{Replay, Sent, response};
use crate::{Addressing, HeadRequest, ListRequest, S3Prefix, S3Url, SdkStoreBuilder, Store};

const KEY: &str = "a b//c";

/// Returns the requests of the generated client for a key and for a listing, and the targets of `s3-wire`.
async fn both(
    builder: SdkStoreBuilder,
    replay: &Replay,
    bucket: &str,
) -> (Vec<Sent>, Option<Arc<Target>>) {
    let store = builder.build();
    let url = S3Url::from_parts(bucket, KEY).unwrap();
    store.head(HeadRequest::new(url)).await.unwrap();
    let prefix = S3Prefix::from_parts(bucket, "").unwrap();
    let _ = store.list_page(ListRequest::new(prefix)).await;
    let resolved = store.resolved(crate::Operation::Head).await.unwrap();
    let targets = Targets::new(resolved.rules.clone(), Arc::default(), Proxies::default());
    (replay.sent(), targets.get(bucket))
}

fn replay() -> Replay {
    Replay::new([
        response(200, &[("content-length", "0")], ""),
        response(
            200,
            &[],
            "<ListBucketResult><Name>b</Name></ListBucketResult>",
        ),
    ])
}

/// The URL of a key at a target.
fn url(target: &Target, key: &str) -> String {
    let mut path = String::new();
    target.write_path(key, &mut path);
    let scheme = if target.origin.tls { "https" } else { "http" };
    format!("{scheme}://{}{path}", target.host_header)
}

/// Returns a URL without the default port of its scheme.
fn without_default_port(url: &str) -> String {
    let port = if url.starts_with("https") {
        ":443/"
    } else {
        ":80/"
    };
    url.replacen(port, "/", 1)
}

#[tokio::test]
async fn targets_agree_with_the_requests_of_the_generated_client() {
    let endpoints = [
        None,
        Some("http://127.0.0.1:9000"),
        Some("http://localhost:80"),
        Some("https://storage.example.org"),
        Some("https://storage.example.org:443/"),
        Some("https://storage.example.org:444"),
        Some("http://[::1]:9000"),
        Some("http://host:9/base"),
        Some("http://host/one/two//"),
        Some("https://s3.eu-west-1.amazonaws.com"),
    ];
    let buckets = [
        "bucket",
        "with.dots",
        "under_score",
        "UPPER",
        "a-bucket-with-a-name-that-is-quite-long-but-still-one-label-01",
        "192.168.5.4",
        "access-point-metadata12345678901234-s3alias",
    ];
    let regions = [
        "us-east-1",
        "eu-west-1",
        "cn-north-1",
        "us-gov-west-1",
        "us-iso-east-1",
        "somewhere",
    ];
    let mut compared = 0;
    for endpoint in endpoints {
        for bucket in buckets {
            for region in regions {
                for addressing in [Addressing::Path, Addressing::VirtualHost] {
                    let replay = replay();
                    let mut settings = replay.builder().region(region).addressing(addressing);
                    settings = match endpoint {
                        Some(endpoint) => settings.endpoint(endpoint),
                        None => settings.without_endpoint(),
                    };
                    let (sent, target) = both(settings, &replay, bucket).await;
                    let case = format!("{endpoint:?} {bucket} {region} {addressing:?}");
                    let target = target.unwrap_or_else(|| panic!("no target: {case}"));
                    let listed = sent[1].uri.split('?').next().unwrap();
                    assert_eq!(
                        without_default_port(&sent[0].uri),
                        url(&target, KEY),
                        "{case}"
                    );
                    assert_eq!(without_default_port(listed), url(&target, ""), "{case}");
                    let signed = sent[0].header("authorization").unwrap();
                    let scope = format!("/{}/s3/aws4_request,", target.region);
                    assert!(
                        signed.starts_with("AWS4-HMAC-SHA256 ") && signed.contains(&scope),
                        "{case}"
                    );
                    compared += 1;
                }
            }
        }
    }
    assert_eq!(compared, 840);
}

fn settings(region: &str) -> EndpointSettings {
    EndpointSettings {
        region: region.to_owned(),
        ..EndpointSettings::default()
    }
}

#[test]
fn well_known_hosts_are_found() {
    let fips = EndpointSettings {
        fips: true,
        dual_stack: true,
        ..settings("us-east-1")
    };
    let custom = EndpointSettings {
        endpoint: Some("http://[::1]:9000/base/".to_owned()),
        path_style: true,
        ..settings("r")
    };
    for (settings, host, port, header, path) in [
        (
            settings("eu-west-1"),
            "bkt.s3.eu-west-1.amazonaws.com",
            443,
            "bkt.s3.eu-west-1.amazonaws.com",
            "",
        ),
        (
            settings("cn-north-1"),
            "bkt.s3.cn-north-1.amazonaws.com.cn",
            443,
            "bkt.s3.cn-north-1.amazonaws.com.cn",
            "",
        ),
        (
            fips,
            "bkt.s3-fips.dualstack.us-east-1.amazonaws.com",
            443,
            "bkt.s3-fips.dualstack.us-east-1.amazonaws.com",
            "",
        ),
        (custom, "::1", 9000, "[::1]:9000", "/base/bkt"),
    ] {
        let target = Targets::new(settings.clone(), Arc::default(), Proxies::default())
            .get("bkt")
            .unwrap();
        assert_eq!(*target.origin.host, *host);
        assert_eq!((target.origin.port, target.origin.tls), (port, port == 443));
        assert_eq!((&*target.host_header, &*target.base_path), (header, path));
        assert_eq!(*target.region, *settings.region);
    }
}

#[test]
fn access_points_and_directory_buckets_have_no_target() {
    let aws = Targets::new(settings("us-west-2"), Arc::default(), Proxies::default());
    for bucket in [
        "arn:aws:s3:us-west-2:123456789012:accesspoint:name",
        "arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap",
        "arn:aws:s3-outposts:us-west-2:123456789012:outpost:op-01:accesspoint:reports",
        "arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint:name",
        "bucket--usw2-az1--x-s3",
        "test-accessp-e0b1d075431d83bebde8xz5w8ijx1qzlbp3i3kuse10--op-s3",
        " ",
    ] {
        let custom = EndpointSettings {
            endpoint: Some("http://127.0.0.1:9000".to_owned()),
            path_style: true,
            ..settings("us-west-2")
        };
        assert_eq!(aws.get(bucket), None, "{bucket}");
        if bucket.contains("arn:") || bucket.trim().is_empty() {
            assert_eq!(
                Targets::new(custom, Arc::default(), Proxies::default()).get(bucket),
                None,
                "{bucket}"
            );
        }
    }
    // A region with a line break must not get into the scope of a signature.
    let odd = EndpointSettings {
        endpoint: Some("http://127.0.0.1:9000".to_owned()),
        path_style: true,
        ..settings("r\r\nx: y")
    };
    assert_eq!(
        Targets::new(odd, Arc::default(), Proxies::default()).get("bucket"),
        None
    );
}

#[test]
fn an_endpoint_that_requires_another_signature_has_no_region() {
    let scheme = |scheme: &'static str, service: &str, once: bool| {
        EndpointAuthScheme::with_capacity(scheme, 3)
            .put("disableDoubleEncoding", once)
            .put("signingName", service.to_owned())
            .put("signingRegion", "r".to_owned())
    };
    let plain = || scheme("sigv4", "s3", true);
    let endpoint = || Endpoint::builder().url("http://host");
    let is_plain = |endpoint: Endpoint| signing_region(&endpoint).is_some();
    assert!(is_plain(endpoint().auth_scheme(plain()).build()));
    for other in [
        endpoint(),
        endpoint().auth_scheme(scheme("sigv4a", "s3", true)),
        endpoint().auth_scheme(scheme("sigv4-s3express", "s3", true)),
        endpoint().auth_scheme(scheme("sigv4", "s3express", true)),
        endpoint().auth_scheme(scheme("sigv4", "s3-outposts", true)),
        endpoint().auth_scheme(scheme("sigv4", "s3", false)),
        endpoint().auth_scheme(plain()).auth_scheme(plain()),
        endpoint().auth_scheme(plain()).header("x-amz-a", "b"),
        endpoint()
            .auth_scheme(plain())
            .property("backend", "S3Express".to_owned()),
    ] {
        assert!(!is_plain(other.build()));
    }
}

#[test]
fn the_cache_of_targets_is_bounded() {
    let targets = Targets::new(settings("eu-west-1"), Arc::default(), Proxies::default());
    let first = targets.get("bucket").unwrap();
    assert!(Arc::ptr_eq(&first, &targets.get("bucket").unwrap()));
    for number in 0..2 * MAX_BUCKETS {
        targets.get(&format!("bucket-{number}")).unwrap();
    }
    assert!(targets.known.read().unwrap().len() <= MAX_BUCKETS);
    assert_eq!(targets.get("bucket").unwrap(), first);
}

#[test]
fn invalid_urls_have_no_target() {
    for url in [
        "host:9",
        "ftp://host",
        "http://",
        "http:///path",
        "http://user@host",
        "http://host:",
        "http://host:99999",
        "http://host/a?b",
        "http://host/a b",
        "http://host\r\n",
        "http://hóst",
    ] {
        assert_eq!(read_url(url, "r"), None, "{url}");
    }
}

#[test]
fn requests_without_a_bucket_go_to_the_service() {
    let aws = Targets::new(settings("us-west-2"), Arc::default(), Proxies::default());
    let target = aws.get("").unwrap();
    assert_eq!(&*target.host_header, "s3.us-west-2.amazonaws.com");
    assert_eq!(&*target.region, "us-west-2");
    let custom = EndpointSettings {
        endpoint: Some("http://127.0.0.1:9000/base".to_owned()),
        path_style: true,
        ..settings("us-west-2")
    };
    let target = Targets::new(custom, Arc::default(), Proxies::default())
        .get("")
        .unwrap();
    assert_eq!(&*target.host_header, "127.0.0.1:9000");
    assert_eq!(url(&target, ""), "http://127.0.0.1:9000/base/");
}

#[test]
fn a_target_is_not_cached_after_another_region_was_learned() {
    let regions = Arc::new(Regions::new(Some("us-west-2".to_owned())));
    let aws = Targets::new(
        settings("us-west-2"),
        Arc::clone(&regions),
        Proxies::default(),
    );
    // One request resolves the target; another one learns the region before the first has cached it.
    let old = aws.resolve("bucket", None).map(Arc::new);
    assert!(regions.learn("bucket", "eu-west-3", None));
    aws.forget("bucket");
    assert!(!aws.remember("bucket", None, old.as_ref()));
    assert_eq!(&*aws.get("bucket").unwrap().region, "eu-west-3");
}
