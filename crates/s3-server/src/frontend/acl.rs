//! ACLs of buckets and objects: Get and Put operations and grant headers. They are stored and returned, not enforced.

use s3_core::HeadRequest;
use s3s::dto::{
    AccessControlPolicy, GetBucketAclInput, GetBucketAclOutput, GetObjectAclInput,
    GetObjectAclOutput, Grant, Grantee, Initiator, Owner, Permission, PutBucketAclInput,
    PutBucketAclOutput, PutObjectAclInput, PutObjectAclOutput, Type,
};
use s3s::{S3Request, S3Result, s3_error};

use super::Frontend;
use super::bucket::must_exist;
use super::get::version;
use crate::convert::object_url;
use crate::target::OWNER_ID;

const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const AUTHENTICATED: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
const LOG_DELIVERY: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";

/// The owner of all buckets and objects.
pub(super) fn owner() -> Owner {
    Owner {
        display_name: Some("owner".to_owned()),
        id: Some(OWNER_ID.to_owned()),
    }
}

/// The owner, as the initiator of an upload.
pub(super) fn initiator() -> Initiator {
    let Owner { display_name, id } = owner();
    Initiator { display_name, id }
}

/// Calls [`of_write`] with the fields of an input that writes an object.
macro_rules! of {
    ($input:ident) => {
        $crate::frontend::acl::of_write(
            $input.acl.as_ref().map(|acl| acl.as_str()),
            &[
                ("FULL_CONTROL", $input.grant_full_control.as_deref()),
                ("READ", $input.grant_read.as_deref()),
                ("READ_ACP", $input.grant_read_acp.as_deref()),
                ("WRITE_ACP", $input.grant_write_acp.as_deref()),
            ],
        )
    };
}

pub(super) use of;

/// Returns the ACL of a write: a canned ACL, or the grants of the `x-amz-grant-*` headers.
pub(super) fn of_write(
    canned: Option<&str>,
    headers: &[(&'static str, Option<&str>)],
) -> S3Result<Option<Vec<Grant>>> {
    let granted = headers
        .iter()
        .filter_map(|(name, value)| Some((*name, (*value)?)));
    let granted: Vec<_> = granted.collect();
    match (canned, granted.is_empty()) {
        (None, true) => Ok(None),
        (Some(canned), true) => canned_grants(canned).map(Some),
        (None, false) => {
            let mut grants = Vec::new();
            for (permission, value) in granted {
                for grantee in value.split(',') {
                    grants.push(grant(grantee_of(grantee.trim())?, permission));
                }
            }
            Ok(Some(grants))
        }
        (Some(_), false) => Err(s3_error!(
            InvalidRequest,
            "Specifying both Canned ACLs and Header Grants is not allowed"
        )),
    }
}

pub(super) async fn get_bucket_acl(
    front: &Frontend,
    request: S3Request<GetBucketAclInput>,
) -> S3Result<GetBucketAclOutput> {
    let bucket = request.input.bucket;
    must_exist(front, &bucket).await?;
    let acl = front.configurations.of(&bucket).acl;
    Ok(GetBucketAclOutput {
        grants: Some(acl.unwrap_or_else(private)),
        owner: Some(owner()),
    })
}

pub(super) async fn put_bucket_acl(
    front: &Frontend,
    request: S3Request<PutBucketAclInput>,
) -> S3Result<PutBucketAclOutput> {
    let input = request.input;
    must_exist(front, &input.bucket).await?;
    let headers = [
        ("FULL_CONTROL", input.grant_full_control.as_deref()),
        ("READ", input.grant_read.as_deref()),
        ("READ_ACP", input.grant_read_acp.as_deref()),
        ("WRITE", input.grant_write.as_deref()),
        ("WRITE_ACP", input.grant_write_acp.as_deref()),
    ];
    let canned = input.acl.as_ref().map(|acl| acl.as_str());
    let acl = of_request(canned, &headers, input.access_control_policy)?;
    let set = |all: &mut super::bucket_configuration::BucketConfiguration| all.acl = Some(acl);
    front.configurations.change(&input.bucket, set);
    Ok(PutBucketAclOutput::default())
}

pub(super) async fn get_object_acl(
    front: &Frontend,
    request: S3Request<GetObjectAclInput>,
) -> S3Result<GetObjectAclOutput> {
    let input = request.input;
    let mut head = HeadRequest::new(object_url(&input.bucket, &input.key)?);
    head.version = version(input.version_id)?;
    let _reading = front.keys.read(&head.url).await;
    let meta = front.head(head).await?;
    Ok(GetObjectAclOutput {
        grants: Some(front.extras.of(&meta).acl.unwrap_or_else(private)),
        owner: Some(owner()),
        request_charged: None,
    })
}

pub(super) async fn put_object_acl(
    front: &Frontend,
    request: S3Request<PutObjectAclInput>,
) -> S3Result<PutObjectAclOutput> {
    let input = request.input;
    let mut head = HeadRequest::new(object_url(&input.bucket, &input.key)?);
    head.version = version(input.version_id)?;
    let _writing = front.keys.write(&head.url).await;
    let meta = front.head(head).await?;
    let headers = [
        ("FULL_CONTROL", input.grant_full_control.as_deref()),
        ("READ", input.grant_read.as_deref()),
        ("READ_ACP", input.grant_read_acp.as_deref()),
        ("WRITE", input.grant_write.as_deref()),
        ("WRITE_ACP", input.grant_write_acp.as_deref()),
    ];
    let canned = input.acl.as_ref().map(|acl| acl.as_str());
    let mut extras = front.extras.of(&meta);
    extras.acl = Some(of_request(canned, &headers, input.access_control_policy)?);
    front
        .extras
        .set(&meta.url, meta.version.as_ref(), meta.etag.clone(), extras);
    Ok(PutObjectAclOutput::default())
}

fn of_request(
    canned: Option<&str>,
    headers: &[(&'static str, Option<&str>)],
    policy: Option<AccessControlPolicy>,
) -> S3Result<Vec<Grant>> {
    match (of_write(canned, headers)?, policy) {
        (Some(grants), None) => Ok(grants),
        (None, Some(policy)) => Ok(policy.grants.unwrap_or_default()),
        (Some(_), Some(_)) => Err(s3_error!(
            UnexpectedContent,
            "This request does not support content"
        )),
        (None, None) => Err(s3_error!(
            MissingSecurityHeader,
            "Your request was missing a required header"
        )),
    }
}

fn private() -> Vec<Grant> {
    let Owner { display_name, id } = owner();
    let grantee = Grantee {
        display_name,
        email_address: None,
        id,
        type_: Type::from_static(Type::CANONICAL_USER),
        uri: None,
    };
    vec![grant(grantee, Permission::FULL_CONTROL)]
}

fn canned_grants(canned: &str) -> S3Result<Vec<Grant>> {
    let groups: &[(&str, &'static str)] = match canned {
        "private" | "aws-exec-read" | "bucket-owner-read" | "bucket-owner-full-control" => &[],
        "public-read" => &[(ALL_USERS, Permission::READ)],
        "public-read-write" => &[
            (ALL_USERS, Permission::READ),
            (ALL_USERS, Permission::WRITE),
        ],
        "authenticated-read" => &[(AUTHENTICATED, Permission::READ)],
        "log-delivery-write" => &[
            (LOG_DELIVERY, Permission::WRITE),
            (LOG_DELIVERY, Permission::READ_ACP),
        ],
        _ => {
            return Err(s3_error!(
                InvalidArgument,
                "x-amz-acl has an unknown value: {canned}"
            ));
        }
    };
    let mut grants = private();
    let groups = groups.iter();
    grants.extend(groups.map(|&(uri, permission)| grant(group(uri), permission)));
    Ok(grants)
}

fn group(uri: &str) -> Grantee {
    Grantee {
        display_name: None,
        email_address: None,
        id: None,
        type_: Type::from_static(Type::GROUP),
        uri: Some(uri.to_owned()),
    }
}

/// Parses a grantee in a grant header: `id="…"`, `uri="…"` or `emailAddress="…"`.
fn grantee_of(text: &str) -> S3Result<Grantee> {
    let invalid = || s3_error!(InvalidArgument, "Argument format not recognized: {text}");
    let (kind, value) = text.split_once('=').ok_or_else(invalid)?;
    let value = value.trim_matches('"').to_owned();
    let mut grantee = group(&value);
    match kind {
        "uri" => return Ok(grantee),
        "id" => {
            grantee.type_ = Type::from_static(Type::CANONICAL_USER);
            let Owner { display_name, id } = owner();
            grantee.display_name = display_name.filter(|_| id.as_deref() == Some(&*value));
            grantee.id = Some(value);
        }
        "emailAddress" => {
            grantee.type_ = Type::from_static(Type::AMAZON_CUSTOMER_BY_EMAIL);
            grantee.email_address = Some(value);
        }
        _ => return Err(invalid()),
    }
    grantee.uri = None;
    Ok(grantee)
}

fn grant(grantee: Grantee, permission: &'static str) -> Grant {
    Grant {
        grantee: Some(grantee),
        permission: Some(Permission::from_static(permission)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_list_is_canned_or_granted_by_headers() {
        assert_eq!(of_write(None, &[("READ", None)]).unwrap(), None);
        let canned = of_write(Some("public-read"), &[]).unwrap().unwrap();
        assert_eq!(canned.len(), 2);
        let header = "id=\"someone\", uri=\"http://acs.amazonaws.com/groups/global/AllUsers\"";
        let granted = of_write(None, &[("READ", Some(header))]).unwrap().unwrap();
        let grantees: Vec<_> = granted
            .iter()
            .map(|grant| {
                let grantee = grant.grantee.clone().unwrap();
                (grantee.id, grantee.uri)
            })
            .collect();
        let someone = (Some("someone".to_owned()), None);
        assert_eq!(grantees, [someone, (None, Some(ALL_USERS.to_owned()))]);
        assert!(of_write(Some("public"), &[]).is_err());
        assert!(of_write(Some("private"), &[("READ", Some("id=\"a\""))]).is_err());
        assert!(of_write(None, &[("READ", Some("someone"))]).is_err());
    }
}
