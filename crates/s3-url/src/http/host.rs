//! Parses AWS S3 host names: addressing style, and the bucket or access point in the name.

use super::{access_point, region};

/// How an S3 host names the bucket.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HostStyle<'host> {
    /// The path begins with the bucket.
    Path,
    /// The host begins with the bucket.
    VirtualHost(&'host str),
    /// The host is an access point with this ARN.
    AccessPoint(String),
}

/// Parses a host; returns `None` if it is not an S3 host.
///
/// Labels are parsed from the right, so that a bucket named `s3` or `us-east-1` is not mistaken for a service or
/// region: `[bucket.]SERVICE[.dualstack].REGION.DOMAIN`, or the older `[bucket.]s3[-REGION].DOMAIN`.
pub(super) fn read(host: &str) -> Option<HostStyle<'_>> {
    let (labels, domain) = region::strip_domain(host)?;
    let (rest, last) = split_last(labels);
    match region::partition(last) {
        Some(partition) => (partition.domain == domain).then(|| regional(rest?, last))?,
        None => is_old(last, domain).then_some(bucket_or_path(rest)),
    }
}

fn regional<'host>(labels: &'host str, region: &str) -> Option<HostStyle<'host>> {
    let labels = labels.strip_suffix(".dualstack").unwrap_or(labels);
    let (rest, service) = split_last(labels);
    match service {
        "s3" | "s3-fips" => Some(bucket_or_path(rest)),
        "s3-accesspoint" | "s3-accesspoint-fips" => {
            access_point::arn(rest?, region).map(HostStyle::AccessPoint)
        }
        _ => None,
    }
}

/// Returns whether a label is in the older form: `s3` for `us-east-1`, or `s3-REGION`.
fn is_old(label: &str, domain: &str) -> bool {
    let regional = label
        .strip_prefix("s3-fips-")
        .or_else(|| label.strip_prefix("s3-"));
    match regional.and_then(region::partition) {
        Some(partition) => partition.domain == domain,
        None => region::is_commercial(domain) && matches!(label, "s3" | "s3-external-1"),
    }
}

fn bucket_or_path(rest: Option<&str>) -> HostStyle<'_> {
    rest.map_or(HostStyle::Path, HostStyle::VirtualHost)
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
    fn every_form_of_a_host_is_parsed() {
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
            assert_eq!(read(service), Some(HostStyle::Path), "{service}");
            for bucket in [
                "photos",
                "my.photos",
                "s3",
                "dualstack",
                "us-east-1",
                "a.s3.us-east-1",
            ] {
                let host = format!("{bucket}.{service}");
                assert_eq!(read(&host), Some(HostStyle::VirtualHost(bucket)), "{host}");
            }
        }
    }

    #[test]
    fn other_hosts_are_rejected() {
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
