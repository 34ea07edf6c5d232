//! AWS's regions, and the partitions that they lie in.

/// A part of AWS with accounts, buckets and hosts of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Partition {
    /// Its name in ARNs.
    pub(super) name: &'static str,
    /// What its hosts end in.
    pub(super) domain: &'static str,
}

/// Where every region lies that the table below does not place.
const COMMERCIAL: Partition = Partition {
    name: "aws",
    domain: "amazonaws.com",
};

/// What regions begin with, the ARN's name and the domain of their partition; from AWS's `partitions.json`.
const OTHERS: [(&str, &str, &str); 7] = [
    ("cn-", "aws-cn", "amazonaws.com.cn"),
    ("us-gov-", "aws-us-gov", "amazonaws.com"),
    ("eusc-", "aws-eusc", "amazonaws.eu"),
    ("us-iso-", "aws-iso", "c2s.ic.gov"),
    ("us-isob-", "aws-iso-b", "sc2s.sgov.gov"),
    ("eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"),
    ("us-isof-", "aws-iso-f", "csp.hci.ic.gov"),
];

/// Returns the partition of a region, or `None` if the text cannot be a region.
///
/// Regions are told by their shape, such as `us-east-1`: new ones appear every year.
pub(super) fn partition(region: &str) -> Option<Partition> {
    has_shape(region).then(|| {
        OTHERS
            .iter()
            .find(|(start, ..)| region.starts_with(start))
            .map_or(COMMERCIAL, |&(_, name, domain)| Partition { name, domain })
    })
}

/// Cuts the domain of a partition off a host; the rest has no dot at its end.
pub(super) fn strip_domain(host: &str) -> Option<(&str, &'static str)> {
    let others = OTHERS.iter().map(|&(_, _, domain)| domain);
    std::iter::once(COMMERCIAL.domain)
        .chain(others)
        .find_map(|domain| Some((host.strip_suffix(domain)?.strip_suffix('.')?, domain)))
}

/// Says whether a domain is the one that hosts without a region, such as `s3.amazonaws.com`, are in.
pub(super) fn is_commercial(domain: &str) -> bool {
    domain == COMMERCIAL.domain
}

fn has_shape(region: &str) -> bool {
    let mut parts = region.split('-');
    let Some(area) = parts
        .next()
        .filter(|area| area.len() == 2 || *area == "eusc")
    else {
        return false;
    };
    let Some(number) = parts.next_back() else {
        return false;
    };
    let letters =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut names = parts.peekable();
    letters(area) && digits(number) && names.peek().is_some() && names.all(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_told_by_their_shape() {
        for (region, name, domain) in [
            ("us-east-1", "aws", "amazonaws.com"),
            ("ap-southeast-10", "aws", "amazonaws.com"),
            ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
            ("cn-northwest-1", "aws-cn", "amazonaws.com.cn"),
            ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
            ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
        ] {
            assert_eq!(partition(region), Some(Partition { name, domain }));
        }
        for other in [
            "",
            "-",
            "us",
            "us-1",
            "us-east",
            "us-east-",
            "us--1",
            "US-EAST-1",
            "us east-1",
            "website-us-east-1",
            "fips-us-gov-west-1",
            "aws-global",
            "us-east-1/x",
            "us-east-1.evil",
            "auto",
        ] {
            assert_eq!(partition(other), None, "{other:?}");
        }
    }
}
