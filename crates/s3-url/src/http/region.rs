//! AWS regions and partitions: recognises region names, and maps them to the partition's name and domain.

/// An AWS partition: a group of regions with separate accounts, buckets and hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Partition {
    /// The name in ARNs.
    pub(super) name: &'static str,
    /// The domain of its hosts.
    pub(super) domain: &'static str,
}

/// The partition of all regions that are not in `OTHERS`.
const COMMERCIAL: Partition = Partition {
    name: "aws",
    domain: "amazonaws.com",
};

/// Region prefix, ARN name and domain of the other partitions; from AWS's `partitions.json`.
const OTHERS: [(&str, &str, &str); 7] = [
    ("cn-", "aws-cn", "amazonaws.com.cn"),
    ("us-gov-", "aws-us-gov", "amazonaws.com"),
    ("eusc-", "aws-eusc", "amazonaws.eu"),
    ("us-iso-", "aws-iso", "c2s.ic.gov"),
    ("us-isob-", "aws-iso-b", "sc2s.sgov.gov"),
    ("eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"),
    ("us-isof-", "aws-iso-f", "csp.hci.ic.gov"),
];

/// Returns the partition of a region, or `None` if the text does not look like a region.
///
/// Regions are recognised by their form, such as `us-east-1`, because AWS adds new ones every year.
pub(super) fn partition(region: &str) -> Option<Partition> {
    has_shape(region).then(|| {
        OTHERS
            .iter()
            .find(|(start, ..)| region.starts_with(start))
            .map_or(COMMERCIAL, |&(_, name, domain)| Partition { name, domain })
    })
}

/// Splits a host into the labels before a partition's domain, and that domain.
pub(super) fn strip_domain(host: &str) -> Option<(&str, &'static str)> {
    let others = OTHERS.iter().map(|&(_, _, domain)| domain);
    std::iter::once(COMMERCIAL.domain)
        .chain(others)
        .find_map(|domain| Some((host.strip_suffix(domain)?.strip_suffix('.')?, domain)))
}

/// Returns whether a domain is that of hosts without a region, such as `s3.amazonaws.com`.
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
    fn regions_are_recognised_by_their_form() {
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
