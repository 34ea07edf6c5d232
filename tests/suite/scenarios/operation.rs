//! Operations of the scenarios: the call, the requests that it sends, and the check of its result.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use s3_client::{
    Attributes, Conditions, Error, S3, S3Entry, S3GetObject, S3Info, S3Object, WriteResult,
};
use s3_core::{
    Checksum, ChecksumAlgorithm, ETag, GetTags, HeadRequest, ListVersions, ListedVersion,
    MemoryStore, Payload, PutRequest, S3Prefix, S3Url, SetTags, Store, StoreExt, Tags,
};
use s3_testkit::ramp;

/// The size of a part; larger objects are read and written in parts.
pub(super) const PART: usize = 8 << 10;
/// An object of one request.
pub(super) const SMALL: usize = 1024;
/// An object of three parts.
const LARGE: usize = 2 * PART + 4000;
/// How many entries a page of a listing has.
pub(super) const PAGE: u32 = 5;
/// How many inputs a call over many has, and how many objects are listed.
const MANY: usize = 4;
const LISTED: usize = 23;
/// The size of an object that is replaced.
const OLD: usize = 10;
/// A bucket that keeps versions.
pub(super) const VERSIONED: &str = "versions";

/// A call of the facade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    GetSmall,
    GetRange,
    GetParts,
    GetPartsToFile,
    GetMany,
    GetFiles,
    GetRecursive,
    Info,
    InfoMany,
    PutSmall,
    PutSmallOnce,
    PutParts,
    PutPartsOnce,
    PutMany,
    PutManyOnce,
    PutFiles,
    Copy,
    ListPaths,
    ListRecursive,
    Delete,
    DeleteMany,
    GetVersion,
    DeleteVersion,
    ListVersions,
    Tags,
    SetTags,
    PutIfMatch,
    DeleteIfMatch,
    CopyOnce,
    Attributes,
    Restore,
}

/// One kind of request that an operation sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Get,
    Head,
    Put,
    Create,
    Part,
    Complete,
    Copy,
    List,
    /// A batch of deletes.
    Delete,
    DeleteOne,
    Versions,
    GetTags,
    SetTags,
    Attributes,
    Restore,
}

impl Target {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Get => "GetObject",
            Self::Head => "HeadObject",
            Self::Put => "PutObject",
            Self::Create => "CreateMultipartUpload",
            Self::Part => "UploadPart",
            Self::Complete => "CompleteMultipartUpload",
            Self::Copy => "CopyObject",
            Self::List => "ListObjectsV2",
            Self::Delete => "DeleteObjects",
            Self::DeleteOne => "DeleteObject",
            Self::Versions => "ListObjectVersions",
            Self::GetTags => "GetObjectTagging",
            Self::SetTags => "PutObjectTagging",
            Self::Attributes => "GetObjectAttributes",
            Self::Restore => "RestoreObject",
        }
    }

    /// Whether the request changes something.
    pub(super) fn writes(self) -> bool {
        !matches!(
            self,
            Self::Get | Self::Head | Self::List | Self::Versions | Self::GetTags | Self::Attributes
        )
    }

    /// Whether it has a body of more than 100 bytes.
    pub(super) fn sends(self) -> bool {
        matches!(
            self,
            Self::Put | Self::Part | Self::Complete | Self::Delete | Self::SetTags | Self::Restore
        )
    }

    /// Whether its response is a document, which is of no use before its end.
    pub(super) fn responds_in_xml(self) -> bool {
        matches!(
            self,
            Self::Create
                | Self::Complete
                | Self::Copy
                | Self::List
                | Self::Delete
                | Self::Versions
                | Self::GetTags
                | Self::Attributes
        )
    }
}

/// The result of a call that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Right,
    /// A listing without some of its entries.
    Fewer,
    /// All bytes are there, and some have a flipped bit.
    Spoilt,
    Wrong(String),
}

/// Client and root of a call; each scenario has its own root.
pub(super) struct Ground<'a> {
    pub(super) s3: S3,
    pub(super) memory: &'a MemoryStore,
    pub(super) root: String,
    pub(super) work: PathBuf,
    /// Whether the server keeps a checksum of each object.
    pub(super) with_checksums: bool,
}

impl Operation {
    pub(super) const ALL: [Self; 31] = [
        Self::GetSmall,
        Self::GetRange,
        Self::GetParts,
        Self::GetPartsToFile,
        Self::GetMany,
        Self::GetFiles,
        Self::GetRecursive,
        Self::Info,
        Self::InfoMany,
        Self::PutSmall,
        Self::PutSmallOnce,
        Self::PutParts,
        Self::PutPartsOnce,
        Self::PutMany,
        Self::PutManyOnce,
        Self::PutFiles,
        Self::Copy,
        Self::ListPaths,
        Self::ListRecursive,
        Self::Delete,
        Self::DeleteMany,
        Self::GetVersion,
        Self::DeleteVersion,
        Self::ListVersions,
        Self::Tags,
        Self::SetTags,
        Self::PutIfMatch,
        Self::DeleteIfMatch,
        Self::CopyOnce,
        Self::Attributes,
        Self::Restore,
    ];

    /// The requests that it sends.
    pub(super) fn targets(self) -> &'static [Target] {
        use Target as T;
        match self {
            Self::GetSmall | Self::GetRange | Self::GetMany => &[T::Get],
            Self::GetParts | Self::GetPartsToFile | Self::GetFiles => &[T::Get],
            Self::GetRecursive => &[T::List, T::Get],
            Self::Info | Self::InfoMany => &[T::Head],
            Self::PutSmall | Self::PutSmallOnce | Self::PutMany | Self::PutManyOnce => &[T::Put],
            Self::PutParts => &[T::Create, T::Part, T::Complete],
            // Without those that are the same as above.
            Self::PutPartsOnce => &[T::Head, T::Complete],
            Self::PutFiles => &[T::Put, T::Part],
            Self::Copy => &[T::Copy],
            Self::ListPaths | Self::ListRecursive => &[T::List],
            Self::Delete | Self::DeleteVersion | Self::DeleteIfMatch => &[T::DeleteOne],
            Self::GetVersion => &[T::Get],
            Self::ListVersions => &[T::Versions],
            Self::Tags => &[T::GetTags],
            Self::SetTags => &[T::SetTags],
            Self::PutIfMatch => &[T::Put],
            Self::CopyOnce => &[T::Copy],
            Self::Attributes => &[T::Attributes],
            Self::Restore => &[T::Restore],
            Self::DeleteMany => &[T::Delete],
        }
    }

    /// How many requests of the target there are at least when nothing goes wrong.
    pub(super) fn requests(self, target: Target) -> u32 {
        match (self, target) {
            (Self::GetParts | Self::GetPartsToFile, Target::Get) => 3,
            (Self::GetMany | Self::GetRecursive | Self::InfoMany, Target::Get | Target::Head) => 4,
            (Self::PutMany | Self::PutManyOnce, Target::Put) => 4,
            (Self::GetFiles, Target::Get) => 2,
            (_, Target::Part) => 3,
            (Self::ListPaths | Self::ListRecursive, Target::List) => 5,
            _ => 1,
        }
    }

    /// Whether some of its requests are sent only after the responses to others.
    pub(super) fn goes_on(self) -> bool {
        matches!(
            self,
            Self::GetParts
                | Self::GetPartsToFile
                | Self::GetRecursive
                | Self::PutParts
                | Self::PutPartsOnce
                | Self::PutFiles
                | Self::ListPaths
                | Self::ListRecursive
        )
    }

    /// How many requests of the target follow one another at most when nothing goes wrong.
    pub(super) fn in_a_row(self, target: Target) -> u32 {
        match target {
            // The first part, and then the others; all of it again if the object has changed.
            Target::Get => 4,
            // Pages follow each other, and a listing looks for places to be cut at.
            Target::List => 12,
            _ => 1,
        }
    }

    /// How many bytes the body of a GET response has, except for the last part of an object.
    pub(super) fn unit(self) -> u64 {
        match self {
            Self::GetParts | Self::GetPartsToFile => PART as u64,
            Self::GetRange => 500,
            _ => SMALL as u64,
        }
    }

    /// Whether reads are in parts that must be of one version.
    pub(super) fn reads_in_parts(self) -> bool {
        matches!(self, Self::GetParts | Self::GetPartsToFile)
    }

    pub(super) fn lists(self) -> bool {
        matches!(self, Self::ListPaths | Self::ListRecursive)
    }

    /// Whether it sends the same requests as another operation, with something else around them.
    pub(super) fn resembles_another(self) -> bool {
        matches!(
            self,
            Self::GetRange
                | Self::GetFiles
                | Self::GetRecursive
                | Self::GetPartsToFile
                | Self::InfoMany
                | Self::PutManyOnce
                | Self::PutFiles
                | Self::PutPartsOnce
                | Self::ListPaths
                | Self::Delete
        ) || self.is_of_one_request()
    }

    /// Whether it is one of those beyond Metaflow's, of one request each.
    pub(super) fn is_of_one_request(self) -> bool {
        matches!(
            self,
            Self::GetVersion
                | Self::DeleteVersion
                | Self::ListVersions
                | Self::Tags
                | Self::SetTags
                | Self::PutIfMatch
                | Self::DeleteIfMatch
                | Self::CopyOnce
                | Self::Attributes
                | Self::Restore
        )
    }

    /// Stores the objects that the operation needs, without faults.
    pub(super) async fn prepare(self, ground: &Ground<'_>) {
        match self {
            Self::GetSmall | Self::GetRange | Self::Info | Self::Copy | Self::Delete => {
                ground.seed("k", SMALL).await;
            }
            Self::GetParts | Self::GetPartsToFile => ground.seed("k", LARGE).await,
            Self::GetMany
            | Self::GetFiles
            | Self::GetRecursive
            | Self::InfoMany
            | Self::DeleteMany => {
                for key in many() {
                    ground.seed(&key, SMALL).await;
                }
            }
            Self::ListPaths | Self::ListRecursive => {
                for key in listed() {
                    ground.seed(&key, 1).await;
                }
            }
            Self::PutFiles => {
                for (name, len) in files() {
                    std::fs::write(ground.work.join(name), ramp(0, len)).unwrap();
                }
            }
            Self::Attributes | Self::DeleteIfMatch | Self::CopyOnce => {
                ground.seed("k", SMALL).await;
            }
            Self::PutIfMatch => ground.seed("k", OLD).await,
            Self::Tags => {
                ground.seed("k", SMALL).await;
                let set = SetTags::new(ground.url("k"), tags());
                ground.memory.set_tags(set).await.unwrap();
            }
            Self::SetTags => ground.seed("k", SMALL).await,
            Self::Restore => {
                let archived = Attributes::default().with_storage_class("GLACIER");
                let put = PutRequest::new(ground.url("k"), "archived".into());
                let put = put.with_attributes(archived);
                ground.memory.put(put).await.unwrap();
            }
            Self::GetVersion | Self::DeleteVersion | Self::ListVersions => {
                for len in [SMALL, OLD] {
                    ground.seed_at(ground.versioned(), len).await;
                }
            }
            Self::PutSmall | Self::PutSmallOnce | Self::PutParts => {}
            Self::PutPartsOnce | Self::PutMany | Self::PutManyOnce => {}
        }
    }

    /// Makes the call.
    pub(super) async fn perform(self, ground: &Ground<'_>) -> Result<Seen, Error> {
        let s3 = &ground.s3;
        Ok(match self {
            Self::GetSmall => ramps([s3.get("k").await?], 0, SMALL),
            Self::GetRange => ramps([s3.get(S3GetObject::new("k", 100, 500)).await?], 100, 500),
            Self::GetParts => ramps([s3.get("k").to_memory().await?], 0, LARGE),
            Self::GetPartsToFile => {
                let path = ground.work.join("out");
                s3.get("k").to_file(&path).await?;
                of_file(&path, LARGE)
            }
            Self::GetMany => ramps(s3.get_many(many()).await?, 0, SMALL),
            Self::GetFiles => {
                let to = |key: &String| (key.clone(), ground.work.join(key.replace('/', "-")));
                let files: Vec<_> = many().iter().map(to).take(2).collect();
                s3.get_files(files.clone()).await?;
                files
                    .iter()
                    .map(|(_, path)| of_file(path, SMALL))
                    .find(|seen| *seen != Seen::Right)
                    .unwrap_or(Seen::Right)
            }
            Self::GetRecursive => {
                let found = s3.get_recursive(["d/"]).await?;
                match found.len() {
                    MANY => ramps(found, 0, SMALL),
                    other => Seen::Wrong(format!("{other} objects")),
                }
            }
            Self::Info => sizes(&[s3.info("k").await?]),
            Self::InfoMany => sizes(&s3.info_many(many()).await?),
            Self::PutSmall => written(&s3.put("k", ramp(0, SMALL)).await?),
            Self::PutSmallOnce => written(&s3.put("k", ramp(0, SMALL)).overwrite(false).await?),
            Self::PutParts => written(&s3.put("k", ramp(0, LARGE)).await?),
            Self::PutPartsOnce => written(&s3.put("k", ramp(0, LARGE)).overwrite(false).await?),
            Self::PutMany => counted(s3.put_many(values()).await?.len(), MANY),
            Self::PutManyOnce => counted(s3.put_many(values()).overwrite(false).await?.len(), MANY),
            Self::PutFiles => {
                let from = files().map(|(name, _)| (name, ground.work.join(name)));
                counted(s3.put_files(from).await?.len(), 2)
            }
            Self::Copy => written(&s3.copy("k", "copy").await?),
            Self::ListPaths => {
                let found = s3.list_paths().at(["d"]).await?;
                names(found.iter().map(S3Entry::key), &one_level())
            }
            Self::ListRecursive => {
                let found = s3.list_recursive().at(["d"]).await?;
                names(found.iter().map(S3Info::key), &below())
            }
            Self::Delete => {
                s3.delete("k").await?;
                Seen::Right
            }
            Self::DeleteMany => counted(s3.delete_many(many()).await?.len(), MANY),
            Self::GetVersion => {
                let (_, first) = ground.versions().await;
                let get = ground.without_root().get(ground.versioned().as_str());
                ramps([get.version(first.version).await?], 0, SMALL)
            }
            Self::DeleteVersion => {
                let (_, first) = ground.versions().await;
                let delete = ground.without_root().delete(ground.versioned().as_str());
                delete.version(first.version).await?;
                Seen::Right
            }
            Self::ListVersions => {
                let list = ground.without_root();
                let list = list.list_versions(ground.versioned().as_str());
                counted(list.await?.len(), 2)
            }
            Self::Tags => match s3.tags("k").await? {
                found if found == tags() => Seen::Right,
                other => Seen::Wrong(format!("{other:?}")),
            },
            Self::SetTags => {
                s3.set_tags("k", tags()).await?;
                Seen::Right
            }
            Self::PutIfMatch => {
                let put = s3.put("k", ramp(0, SMALL));
                written(&put.if_match(ground.etag("k").await).await?)
            }
            Self::DeleteIfMatch => {
                s3.delete("k").if_match(ground.etag("k").await).await?;
                Seen::Right
            }
            Self::CopyOnce => {
                let source = Conditions::default().with_if_match(ground.etag("k").await);
                let copy = s3.copy("k", "copy").conditions(source).overwrite(false);
                written(&copy.await?)
            }
            Self::Attributes => match s3.object_attributes("k").await?.size {
                size if size == SMALL as u64 => Seen::Right,
                size => Seen::Wrong(format!("{size} bytes")),
            },
            Self::Restore => {
                s3.restore("k", 3).tier("Standard").await?;
                Seen::Right
            }
        })
    }

    /// Returns the problem if the objects on the server contradict the result of the call.
    pub(super) async fn check_server(self, ground: &Ground<'_>, succeeded: bool) -> Option<String> {
        let (keys, len): (Vec<String>, usize) = match self {
            Self::PutSmall | Self::PutSmallOnce => (vec!["k".into()], SMALL),
            Self::PutParts | Self::PutPartsOnce => (vec!["k".into()], LARGE),
            Self::PutMany | Self::PutManyOnce => (many(), SMALL),
            Self::Copy | Self::CopyOnce => (vec!["copy".into()], SMALL),
            Self::PutFiles => {
                for (name, len) in files() {
                    let there = ground.stored(name).await;
                    if let Some(wrong) = wrong(name, there, len, succeeded) {
                        return Some(wrong);
                    }
                }
                return None;
            }
            Self::PutIfMatch => {
                let there = ground.stored("k").await.map(|bytes| bytes.len());
                let is_right = there == Some(SMALL) || !succeeded && there == Some(OLD);
                return (!is_right).then(|| format!("k has {there:?} bytes"));
            }
            Self::SetTags if succeeded => {
                let there = ground.memory.get_tags(GetTags::new(ground.url("k"))).await;
                let there = there.unwrap();
                return (there != tags()).then(|| format!("the tags are {there:?}"));
            }
            Self::Restore if succeeded => {
                let there = ground.memory.head(HeadRequest::new(ground.url("k"))).await;
                let is_restored = there.unwrap().restore.is_some();
                return (!is_restored).then(|| "k is not restored".to_owned());
            }
            Self::DeleteVersion if succeeded => {
                let left = ground.listed_versions().await.len();
                return (left != 1).then(|| format!("{left} versions are left"));
            }
            Self::Delete | Self::DeleteMany | Self::DeleteIfMatch if succeeded => {
                for key in many().into_iter().chain(["k".to_owned()]) {
                    if ground.stored(&key).await.is_some() {
                        return Some(format!("{key} is still there"));
                    }
                }
                return None;
            }
            _ => return None,
        };
        for key in keys {
            let there = ground.stored(&key).await;
            if let Some(wrong) = wrong(&key, there, len, succeeded) {
                return Some(wrong);
            }
        }
        None
    }

    /// Returns the problem if a failed call has left a file.
    pub(super) fn check_files(self, ground: &Ground<'_>, succeeded: bool) -> Option<String> {
        let out = ground.work.join("out");
        (!succeeded && out.exists()).then(|| "a failed download has left its target".to_owned())
    }
}

impl Ground<'_> {
    async fn seed(&self, key: &str, len: usize) {
        self.seed_at(self.url(key), len).await;
    }

    async fn seed_at(&self, url: S3Url, len: usize) {
        let bytes = ramp(0, len);
        let mut put = PutRequest::new(url, Payload::from(bytes.clone()));
        put.checksum = self.with_checksums.then(|| checksum_of(&bytes));
        self.memory.put(put).await.unwrap();
    }

    async fn stored(&self, key: &str) -> Option<bytes::Bytes> {
        self.memory.get_bytes(self.url(key)).await.ok()
    }

    /// Returns a client on the same engine that takes full URLs.
    fn without_root(&self) -> S3 {
        let builder = S3::builder().engine_of(&self.s3);
        builder.tmproot(&self.work).build().unwrap()
    }

    /// Returns the URL of an object in a bucket that keeps versions.
    fn versioned(&self) -> S3Url {
        S3Url::from_parts(VERSIONED, &format!("{}/k", self.root)).unwrap()
    }

    /// Returns the newest version of the object and the one before.
    async fn versions(&self) -> (ListedVersion, ListedVersion) {
        let mut all = self.listed_versions().await.into_iter();
        (all.next().unwrap(), all.next().unwrap())
    }

    async fn listed_versions(&self) -> Vec<ListedVersion> {
        let prefix = S3Prefix::from_parts(VERSIONED, self.versioned().key()).unwrap();
        let page = self.memory.list_versions(ListVersions::new(prefix)).await;
        page.unwrap().versions
    }

    async fn etag(&self, key: &str) -> ETag {
        let head = self.memory.head(HeadRequest::new(self.url(key))).await;
        head.unwrap().etag.unwrap()
    }

    fn url(&self, key: &str) -> S3Url {
        S3Url::from_parts("bkt", &format!("{}/{key}", self.root)).unwrap()
    }
}

/// Returns the problem of a stored object. After a failure it may be missing.
fn wrong(key: &str, there: Option<bytes::Bytes>, len: usize, succeeded: bool) -> Option<String> {
    match there {
        Some(bytes) if bytes == ramp(0, len) => None,
        Some(bytes) => Some(format!("{key} has {} wrong bytes", bytes.len())),
        None if succeeded => Some(format!("{key} is not there")),
        None => None,
    }
}

/// As the server would have it from a client that sends checksums.
fn checksum_of(bytes: &[u8]) -> Checksum {
    let value = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, bytes);
    Checksum::new(
        ChecksumAlgorithm::Crc64Nvme,
        STANDARD.encode(value.to_be_bytes()),
    )
}

fn tags() -> Tags {
    [("project", "demo"), ("stage", "draft")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn many() -> Vec<String> {
    (0..MANY).map(|number| format!("d/{number}")).collect()
}

fn values() -> Vec<(String, bytes::Bytes)> {
    let value = |key| (key, ramp(0, SMALL));
    many().into_iter().map(value).collect()
}

fn files() -> [(&'static str, usize); 2] {
    [("one", SMALL), ("two", LARGE)]
}

fn listed() -> Vec<String> {
    (0..LISTED)
        .map(|number| match number % 3 {
            0 => format!("d/{number:02}"),
            _ => format!("d/{number:02}/x"),
        })
        .collect()
}

fn below() -> Vec<String> {
    listed().iter().map(|key| key[2..].to_owned()).collect()
}

fn one_level() -> Vec<String> {
    (0..LISTED).map(|number| format!("{number:02}")).collect()
}

fn ramps(objects: impl IntoIterator<Item = S3Object>, start: u64, len: usize) -> Seen {
    let mut seen = Seen::Right;
    for object in objects {
        let Ok(bytes) = object.bytes() else {
            return Seen::Wrong("there is no object".to_owned());
        };
        match compared(&bytes, &ramp(start, len)) {
            Seen::Right => {}
            Seen::Spoilt => seen = Seen::Spoilt,
            wrong => return wrong,
        }
    }
    seen
}

fn compared(have: &[u8], want: &[u8]) -> Seen {
    if have.len() != want.len() {
        return Seen::Wrong(format!("{} bytes", have.len()));
    }
    let changed = || have.iter().zip(want).map(|(have, want)| have ^ want);
    match changed().map(u8::count_ones).max() {
        None | Some(0) => Seen::Right,
        Some(1) => Seen::Spoilt,
        Some(_) => {
            let at = changed().position(|bits| bits.count_ones() > 1);
            Seen::Wrong(format!("other bytes at {at:?}"))
        }
    }
}

fn of_file(path: &std::path::Path, len: usize) -> Seen {
    match std::fs::read(path) {
        Ok(bytes) => compared(&bytes, &ramp(0, len)),
        Err(error) => Seen::Wrong(error.to_string()),
    }
}

fn sizes(infos: &[S3Info]) -> Seen {
    match infos.iter().find(|info| info.size() != SMALL as u64) {
        None => Seen::Right,
        Some(info) => Seen::Wrong(format!("{} bytes", info.size())),
    }
}

fn written(result: &WriteResult) -> Seen {
    let is_right = result.url().starts_with("s3://bkt/") && result.etag().is_some();
    match is_right && !result.already_there() {
        true => Seen::Right,
        false => Seen::Wrong(format!("{result:?}")),
    }
}

fn counted(have: usize, want: usize) -> Seen {
    match have == want {
        true => Seen::Right,
        false => Seen::Wrong(format!("{have} of {want}")),
    }
}

/// Compares the names of a listing. Those of a page may come before or after its directories.
fn names<'a>(found: impl Iterator<Item = &'a str>, want: &[String]) -> Seen {
    let mut found: Vec<_> = found.map(ToOwned::to_owned).collect();
    found.sort();
    if found == want {
        return Seen::Right;
    }
    let total = found.len();
    found.dedup();
    match found.len() == total && found.iter().all(|name| want.contains(name)) {
        true => Seen::Fewer,
        false => Seen::Wrong(format!("{found:?}")),
    }
}
