//! Converts S3 access point ARNs to host names, and host names to ARNs.

use super::region;

/// Returns the host of an access point.
pub(super) fn host(arn: &str) -> Result<String, &'static str> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "s3", region, account, resource] = parts[..] else {
        return Err("its bucket is an ARN, but not of an S3 access point");
    };
    let Some(name) = resource
        .strip_prefix("accesspoint")
        .and_then(|rest| rest.strip_prefix([':', '/']))
    else {
        return Err("its bucket is an ARN, but not of an S3 access point");
    };
    if region.is_empty() {
        return Err("the host of a multi-region access point does not contain its account");
    }
    let found = region::partition(region).filter(|found| found.name == partition);
    match found {
        Some(found) if is_account(account) && is_name(name) => Ok(format!(
            "{name}-{account}.s3-accesspoint.{region}.{}",
            found.domain
        )),
        _ => Err("the ARN of its access point has no valid region, account and name"),
    }
}

/// Returns the ARN of the access point in the first label of a host.
pub(super) fn arn(label: &str, region: &str) -> Option<String> {
    let partition = region::partition(region)?.name;
    let (name, account) = label.rsplit_once('-')?;
    (is_account(account) && is_name(name))
        .then(|| format!("arn:{partition}:s3:{region}:{account}:accesspoint/{name}"))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether a text can be an access point's name: at most 50 characters, so that name, dash and account fit into
/// one label of a host.
fn is_name(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=50).contains(&text.len())
        && text.bytes().all(legal)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_access_points_of_one_region_have_a_host() {
        let slash = "arn:aws:s3:us-west-2:123456789012:accesspoint/mine";
        let colon = "arn:aws:s3:us-west-2:123456789012:accesspoint:mine";
        let expected = "mine-123456789012.s3-accesspoint.us-west-2.amazonaws.com";
        assert_eq!(host(slash).as_deref(), Ok(expected));
        assert_eq!(host(colon).as_deref(), Ok(expected));
        assert_eq!(
            arn("mine-123456789012", "us-west-2").as_deref(),
            Some(slash)
        );
        for bad in [
            "arn:aws:s3",
            "arn:aws:s3:::bucket",
            "arn:aws:s3-outposts:us-west-2:123456789012:accesspoint/mine",
            "arn:aws:s3:us-west-2:123456789012:accesspointmine",
            "arn:aws:s3:us-west-2:123456789012:accesspoint/",
            "arn:aws:s3:us-west-2:123456789012:accesspoint/a.b",
            "arn:aws:s3:us-west-2:123456789012:accesspoint/Mine",
            "arn:aws:s3:us-west-2:1234:accesspoint/mine",
            "arn:aws:s3:cn-north-1:123456789012:accesspoint/mine",
            "arn:aws:s3::123456789012:accesspoint/mine.mrap",
        ] {
            assert!(host(bad).is_err(), "{bad}");
        }
    }
}
