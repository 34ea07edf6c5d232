//! The hosts of AWS's S3.

use super::{access_point, region};

/// What a host of S3 says about the bucket.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place<'host> {
    /// Nothing: the path begins with the bucket.
    Path,
    /// The host begins with the bucket.
    Bucket(&'host str),
    /// The host is that of an access point with this ARN.
    AccessPoint(String),
}

/// Reads a host, or returns `None` if it is not one of S3's.
///
/// Labels are read from the right, so that no name of a bucket, `s3` and `us-east-1` included, is mistaken for more:
/// `[bucket.]SERVICE[.dualstack].REGION.DOMAIN`, or the older `[bucket.]s3[-REGION].DOMAIN`.
pub(super) fn read(host: &str) -> Option<Place<'_>> {
    let (labels, domain) = region::strip_domain(host)?;
    let (rest, last) = split_last(labels);
    match region::partition(last) {
        Some(partition) => (partition.domain == domain).then(|| regional(rest?, last))?,
        None => is_old(last, domain).then_some(bucket_or_path(rest)),
    }
}

fn regional<'host>(labels: &'host str, region: &str) -> Option<Place<'host>> {
    let labels = labels.strip_suffix(".dualstack").unwrap_or(labels);
    let (rest, service) = split_last(labels);
    match service {
        "s3" | "s3-fips" => Some(bucket_or_path(rest)),
        "s3-accesspoint" | "s3-accesspoint-fips" => {
            access_point::arn(rest?, region).map(Place::AccessPoint)
        }
        _ => None,
    }
}

/// Says whether a label is `s3`, which stands for `us-east-1`, or one with the region behind a dash.
fn is_old(label: &str, domain: &str) -> bool {
    let regional = label
        .strip_prefix("s3-fips-")
        .or_else(|| label.strip_prefix("s3-"));
    match regional.and_then(region::partition) {
        Some(partition) => partition.domain == domain,
        None => region::is_commercial(domain) && matches!(label, "s3" | "s3-external-1"),
    }
}

fn bucket_or_path(rest: Option<&str>) -> Place<'_> {
    rest.map_or(Place::Path, Place::Bucket)
}

fn split_last(labels: &str) -> (Option<&str>, &str) {
    match labels.rsplit_once('.') {
        Some((rest, last)) => (Some(rest), last),
        None => (None, labels),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_host_is_read() {
        for service in [
            "s3.amazonaws.com",
            "s3-external-1.amazonaws.com",
            "s3-us-west-2.amazonaws.com",
            "s3-fips-us-gov-west-1.amazonaws.com",
            "s3.us-west-2.amazonaws.com",
            "s3.dualstack.us-west-2.amazonaws.com",
            "s3-fips.us-west-2.amazonaws.com",
            "s3-fips.dualstack.us-gov-west-1.amazonaws.com",
            "s3.cn-north-1.amazonaws.com.cn",
            "s3.dualstack.cn-north-1.amazonaws.com.cn",
        ] {
            assert_eq!(read(service), Some(Place::Path), "{service}");
            for bucket in [
                "photos",
                "my.photos",
                "s3",
                "dualstack",
                "us-east-1",
                "a.s3.us-east-1",
            ] {
                let host = format!("{bucket}.{service}");
                assert_eq!(read(&host), Some(Place::Bucket(bucket)), "{host}");
            }
        }
    }

    #[test]
    fn other_hosts_are_not_s3() {
        for host in [
            "example.com",
            "amazonaws.com",
            "s3.amazonaws.com.evil.com",
            "s3.evilamazonaws.com",
            "b.s3.us-west-2.amazonaws.com.cn",
            "b.s3.cn-north-1.amazonaws.com",
            "s3.amazonaws.com.cn",
            "b.s3-website-us-east-1.amazonaws.com",
            "b.s3-website.us-east-1.amazonaws.com",
            "b.s3express-use1-az4.us-east-1.amazonaws.com",
            "123456789012.s3-control.us-east-1.amazonaws.com",
            "us-east-1.amazonaws.com",
            "ec2.us-east-1.amazonaws.com",
            "s3-accesspoint.us-east-1.amazonaws.com",
            "a.b-123456789012.s3-accesspoint.us-east-1.amazonaws.com",
            "127.0.0.1",
        ] {
            assert_eq!(read(host), None, "{host}");
        }
    }
}
