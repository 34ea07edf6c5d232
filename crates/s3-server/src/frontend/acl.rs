//! Canned access lists of buckets and objects: stored and returned, not enforced.

use s3s::dto::{
    GetBucketAclInput, GetBucketAclOutput, GetObjectAclInput, GetObjectAclOutput, Grant, Grantee,
    Owner, Permission, PutBucketAclInput, PutBucketAclOutput, PutObjectAclInput,
    PutObjectAclOutput, Type,
};
use s3s::{S3Request, S3Result, s3_error};

use super::Frontend;
use super::bucket::must_exist;
use super::tags::etag;

const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const AUTHENTICATED: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";

/// The owner of all buckets and objects.
pub(super) fn owner() -> Owner {
    Owner {
        display_name: Some("owner".to_owned()),
        id: Some("75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a".to_owned()),
    }
}

pub(super) async fn get_bucket_acl(
    front: &Frontend,
    request: S3Request<GetBucketAclInput>,
) -> S3Result<GetBucketAclOutput> {
    let bucket = request.input.bucket;
    must_exist(front, &bucket).await?;
    let canned = front.configurations.of(&bucket).acl;
    Ok(GetBucketAclOutput {
        grants: Some(grants(canned.as_deref())),
        owner: Some(owner()),
    })
}

pub(super) async fn put_bucket_acl(
    front: &Frontend,
    request: S3Request<PutBucketAclInput>,
) -> S3Result<PutBucketAclOutput> {
    let input = request.input;
    must_exist(front, &input.bucket).await?;
    let canned = canned(input.acl.map(|acl| acl.as_str().to_owned()))?;
    let set = |all: &mut super::bucket_configuration::BucketConfiguration| all.acl = Some(canned);
    front.configurations.change(&input.bucket, set);
    Ok(PutBucketAclOutput::default())
}

pub(super) async fn get_object_acl(
    front: &Frontend,
    request: S3Request<GetObjectAclInput>,
) -> S3Result<GetObjectAclOutput> {
    let input = request.input;
    let etag = etag(front, &input.bucket, &input.key).await?;
    let extras = front.extras.of(&input.bucket, &input.key, etag.as_ref());
    Ok(GetObjectAclOutput {
        grants: Some(grants(extras.acl.as_deref())),
        owner: Some(owner()),
        request_charged: None,
    })
}

pub(super) async fn put_object_acl(
    front: &Frontend,
    request: S3Request<PutObjectAclInput>,
) -> S3Result<PutObjectAclOutput> {
    let input = request.input;
    let etag = etag(front, &input.bucket, &input.key).await?;
    let canned = canned(input.acl.map(|acl| acl.as_str().to_owned()))?;
    let mut extras = front.extras.of(&input.bucket, &input.key, etag.as_ref());
    extras.acl = Some(canned);
    front.extras.set(&input.bucket, &input.key, etag, extras);
    Ok(PutObjectAclOutput::default())
}

fn canned(acl: Option<String>) -> S3Result<String> {
    acl.ok_or_else(|| {
        s3_error!(
            NotImplemented,
            "access lists other than canned ones (x-amz-acl) are not implemented"
        )
    })
}

fn grants(canned: Option<&str>) -> Vec<Grant> {
    let Owner { display_name, id } = owner();
    let all = Grantee {
        display_name,
        email_address: None,
        id,
        type_: Type::from_static(Type::CANONICAL_USER),
        uri: None,
    };
    let mut grants = vec![grant(all, Permission::FULL_CONTROL)];
    let groups: &[(&str, &'static str)] = match canned.unwrap_or_default() {
        "public-read" => &[(ALL_USERS, Permission::READ)],
        "public-read-write" => &[
            (ALL_USERS, Permission::READ),
            (ALL_USERS, Permission::WRITE),
        ],
        "authenticated-read" => &[(AUTHENTICATED, Permission::READ)],
        _ => &[],
    };
    grants.extend(groups.iter().map(|&(uri, permission)| {
        let group = Grantee {
            display_name: None,
            email_address: None,
            id: None,
            type_: Type::from_static(Type::GROUP),
            uri: Some(uri.to_owned()),
        };
        grant(group, permission)
    }));
    grants
}

fn grant(grantee: Grantee, permission: &'static str) -> Grant {
    Grant {
        grantee: Some(grantee),
        permission: Some(Permission::from_static(permission)),
    }
}
