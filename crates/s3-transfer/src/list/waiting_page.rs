//! [`WaitingPage`]: a listed page that waits for its reader, packed into some 50 bytes per object.
//!
//! Up to 256 pages of 1,000 objects wait for the pages before them. A [`ListedObject`] takes 250 bytes, in three
//! allocations. Here a page is one text and one list of bytes: keys without the prefix that they share with the key before,
//! MD5 ETags as 16 bytes, and numbers in as many bytes as they need.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use s3_core::{ChecksumAlgorithm, ChecksumType, ETag, ListPage, ListedObject, S3Prefix};

/// A page that was listed and not yet read.
#[derive(Debug)]
pub(super) enum WaitingPage {
    /// The next page to be read, or one that cannot be packed.
    Plain(ListPage),
    Packed(PackedPage),
}

/// The packed objects of a page. They are of one bucket, and the page has no common prefixes.
#[derive(Debug)]
pub(super) struct PackedPage {
    /// Names the bucket.
    prefix: S3Prefix,
    objects: usize,
    /// The keys, each without the start that it shares with the key before, and the ETags that are not MD5s, in
    /// sequence.
    texts: String,
    /// All other fields of the objects, in sequence.
    bytes: Vec<u8>,
    /// The distinct combinations of fields that are the same for most objects.
    kinds: Vec<Kind>,
}

/// Fields that are usually the same for all objects of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kind {
    storage_class: Option<Arc<str>>,
    checksum_algorithm: Option<ChecksumAlgorithm>,
    checksum_type: Option<ChecksumType>,
}

/// Approximate number of bytes per object in `texts` and in `bytes`.
const TEXT: usize = 32;
const OBJECT: usize = 32;

/// Flag in an object's first byte: the object has a time. The other bits are the kind of its ETag.
const HAS_TIME: u8 = 4;
const NO_ETAG: u8 = 0;
/// The ETag is 32 lower-case hexadecimal digits.
const MD5: u8 = 1;
const OTHER_ETAG: u8 = 2;

impl WaitingPage {
    /// Packs a page of a listing of `prefix`.
    pub(super) fn pack(page: ListPage, prefix: &S3Prefix) -> Self {
        match PackedPage::pack(&page, prefix) {
            Some(packed) => Self::Packed(packed),
            None => Self::Plain(page),
        }
    }

    pub(super) fn unpack(self) -> ListPage {
        match self {
            Self::Plain(page) => page,
            Self::Packed(packed) => packed.unpack(),
        }
    }
}

impl PackedPage {
    /// Packs a page. Returns `None` if unpacking would not return the same page.
    fn pack(page: &ListPage, prefix: &S3Prefix) -> Option<Self> {
        if !page.prefixes.is_empty() || page.next.is_some() {
            return None;
        }
        let mut packed = Self {
            prefix: prefix.clone(),
            objects: page.objects.len(),
            texts: String::with_capacity(page.objects.len() * TEXT),
            bytes: Vec::with_capacity(page.objects.len() * OBJECT),
            kinds: Vec::new(),
        };
        let (mut key_before, mut seconds_before) = ("", 0);
        for object in &page.objects {
            if object.url.bucket() != prefix.bucket() {
                return None;
            }
            packed.push(object, key_before, &mut seconds_before)?;
            key_before = object.url.key();
        }
        packed.texts.shrink_to_fit();
        packed.bytes.shrink_to_fit();
        Some(packed)
    }

    fn push(&mut self, object: &ListedObject, before: &str, seconds: &mut u64) -> Option<()> {
        let kind = self.kind(object)?;
        let md5 = object.etag.as_ref().and_then(ETag::md5);
        let etag = match (&object.etag, &md5) {
            (None, _) => NO_ETAG,
            (Some(_), Some(_)) => MD5,
            (Some(_), None) => OTHER_ETAG,
        };
        let has_time = if object.last_modified.is_some() {
            HAS_TIME
        } else {
            0
        };
        let bytes = &mut self.bytes;
        bytes.extend([etag | has_time, kind]);
        let key = object.url.key();
        let shared = shared_len(before, key);
        push_number(bytes, shared as u64);
        push_number(bytes, (key.len() - shared) as u64);
        self.texts.push_str(&key[shared..]);
        push_number(bytes, object.size);
        if let Some(time) = object.last_modified {
            let since = time.duration_since(UNIX_EPOCH).ok()?;
            // The difference, positive or negative, in few bytes.
            let difference = since.as_secs().wrapping_sub(*seconds).cast_signed();
            push_number(bytes, (difference << 1 ^ difference >> 63).cast_unsigned());
            push_number(bytes, since.subsec_nanos().into());
            *seconds = since.as_secs();
        }
        match (md5, &object.etag) {
            (Some(md5), _) => bytes.extend(md5),
            (None, Some(etag)) => {
                push_number(bytes, etag.as_str().len() as u64);
                self.texts.push_str(etag.as_str());
            }
            (None, None) => {}
        }
        Some(())
    }

    /// Returns the index of the object's kind.
    fn kind(&mut self, object: &ListedObject) -> Option<u8> {
        let is_it = |kind: &Kind| {
            let class = match (&kind.storage_class, &object.storage_class) {
                (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one == other,
                (one, other) => one.is_none() && other.is_none(),
            };
            class
                && kind.checksum_algorithm == object.checksum_algorithm
                && kind.checksum_type == object.checksum_type
        };
        let index = match self.kinds.iter().position(is_it) {
            Some(index) => index,
            None => {
                self.kinds.push(Kind {
                    storage_class: object.storage_class.clone(),
                    checksum_algorithm: object.checksum_algorithm,
                    checksum_type: object.checksum_type,
                });
                self.kinds.len() - 1
            }
        };
        u8::try_from(index).ok()
    }

    fn unpack(self) -> ListPage {
        let mut urls = self.prefix.object_urls();
        let mut reader = PackedReader {
            texts: &self.texts,
            bytes: &self.bytes,
        };
        let (mut key, mut seconds) = (String::new(), 0_u64);
        let mut objects = Vec::with_capacity(self.objects);
        for _ in 0..self.objects {
            let [flags, kind] = reader.array();
            key.truncate(reader.length());
            key.push_str(reader.text());
            let url = urls.of_key(&key);
            let url = url.expect("it was the key of a URL of this bucket");
            let mut object = ListedObject::new(url, reader.number());
            if flags & HAS_TIME != 0 {
                let difference = reader.number();
                let difference = (difference >> 1) ^ (difference & 1).wrapping_neg();
                seconds = seconds.wrapping_add(difference);
                let nanoseconds = u32::try_from(reader.number()).expect("it was a u32");
                object.last_modified = Some(UNIX_EPOCH + Duration::new(seconds, nanoseconds));
            }
            object.etag = match flags & !HAS_TIME {
                MD5 => Some(ETag::of_md5(reader.array())),
                OTHER_ETAG => Some(quoted(reader.text())),
                _ => None,
            };
            let kind = &self.kinds[usize::from(kind)];
            object.storage_class.clone_from(&kind.storage_class);
            object.checksum_algorithm = kind.checksum_algorithm;
            object.checksum_type = kind.checksum_type;
            objects.push(object);
        }
        ListPage::new(objects, Vec::new(), None)
    }
}

/// Reads the fields of a packed page.
struct PackedReader<'b> {
    texts: &'b str,
    bytes: &'b [u8],
}

impl<'b> PackedReader<'b> {
    fn array<const N: usize>(&mut self) -> [u8; N] {
        let (array, rest) = self.bytes.split_first_chunk().expect("it was packed");
        self.bytes = rest;
        *array
    }

    fn number(&mut self) -> u64 {
        let mut number = 0;
        for shift in (0..).step_by(7) {
            let [byte] = self.array();
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        number
    }

    fn length(&mut self) -> usize {
        usize::try_from(self.number()).expect("it was a usize")
    }

    fn text(&mut self) -> &'b str {
        let len = self.length();
        let (text, rest) = self.texts.split_at(len);
        self.texts = rest;
        text
    }
}

/// Appends a number, seven bits per byte, the lowest first (LEB128).
fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Returns the length of the start that `key` shares with the key before, up to a character boundary.
fn shared_len(before: &str, key: &str) -> usize {
    let pairs = before.bytes().zip(key.bytes());
    let mut shared = pairs.take_while(|(one, other)| one == other).count();
    while !key.is_char_boundary(shared) {
        shared -= 1;
    }
    shared
}

/// Creates an ETag from its text without the outer quotes. `ETag::new` would remove quotes inside the text.
fn quoted(text: &str) -> ETag {
    match text.starts_with('"') {
        true => ETag::new(&format!("\"{text}\"")),
        false => ETag::new(text),
    }
}

#[cfg(test)]
#[cfg(not(shuttle))]
mod tests {
    use proptest::prelude::*;
    use s3_core::S3Url;

    use super::*;

    fn object(bucket: &str, key: &str) -> ListedObject {
        ListedObject::new(S3Url::from_parts(bucket, key).unwrap(), 7)
    }

    fn any_object() -> impl Strategy<Value = ListedObject> {
        let key = prop_oneof!["[ab]{1,3}", "p/[0-9]{3}", "[a/é\u{ea}]{1,4}", ".{1,20}"];
        let etag = prop_oneof![
            Just(None),
            "[0-9a-f]{32}".prop_map(Some),
            "[0-9a-fA-F]{32}(-[0-9]{1,3})?".prop_map(Some),
            "[\"a]{0,3}".prop_map(Some),
        ];
        let time = prop::option::of((0..u64::from(u32::MAX), 0..1_000_000_000_u32));
        let class = prop::sample::select(vec![None, Some("STANDARD"), Some("GLACIER")]);
        (key, any::<u64>(), etag, time, class, any::<bool>()).prop_map(
            |(key, size, etag, time, class, has_checksum)| {
                let mut object = object("b", &key);
                object.size = size;
                object.etag = etag.map(|text| ETag::new(&format!("\"{text}\"")));
                object.last_modified =
                    time.map(|(seconds, nanos)| UNIX_EPOCH + Duration::new(seconds, nanos));
                object.storage_class = class.map(Arc::from);
                object.checksum_algorithm = has_checksum.then_some(ChecksumAlgorithm::Crc32c);
                object.checksum_type = has_checksum.then_some(ChecksumType::Composite);
                object
            },
        )
    }

    proptest! {
        #[test]
        fn unpacking_returns_the_packed_page(objects in prop::collection::vec(any_object(), 0..20)) {
            let prefix = S3Prefix::parse("s3://b/some").unwrap();
            let page = ListPage::new(objects, Vec::new(), None);
            let waiting = WaitingPage::pack(page.clone(), &prefix);
            prop_assert!(matches!(waiting, WaitingPage::Packed(_)));
            prop_assert_eq!(waiting.unpack(), page);
        }
    }

    #[test]
    fn no_field_of_an_object_is_left_out() {
        // A field that is added to `ListedObject` has to be packed, and to be in `any_object`.
        let text = format!("{:#?}", object("b", "k"));
        let fields = text
            .lines()
            .filter(|line| line.starts_with("    ") && !line.starts_with("     "));
        let names: Vec<_> = fields
            .filter_map(|line| line.split_once(':'))
            .map(|(name, _)| name.trim())
            .collect();
        let packed = "url size etag last_modified storage_class checksum_algorithm checksum_type";
        assert_eq!(names.join(" "), packed);
    }

    #[test]
    fn a_page_that_would_change_is_not_packed() {
        let prefix = S3Prefix::parse("s3://b").unwrap();
        let page = || ListPage::new(vec![object("b", "k")], Vec::new(), None);
        let mut elsewhere = page();
        elsewhere.objects.push(object("other", "k"));
        let mut continued = page();
        continued.next = Some("token".into());
        let mut rolled_up = page();
        rolled_up.prefixes.push(prefix.clone());
        let mut many_classes = page();
        let classes = (0..300).map(|n| object("b", "k").with_storage_class(n.to_string()));
        many_classes.objects.extend(classes);
        let mut early = page();
        early.objects[0].last_modified = Some(UNIX_EPOCH - Duration::from_secs(1));
        for page in [elsewhere, continued, rolled_up, many_classes, early] {
            let waiting = WaitingPage::pack(page.clone(), &prefix);
            assert!(matches!(waiting, WaitingPage::Plain(_)));
            assert_eq!(waiting.unpack(), page);
        }
    }

    #[test]
    fn an_object_waits_in_few_bytes() {
        let prefix = S3Prefix::parse("s3://b").unwrap();
        let objects = (0..1000_u64).map(|n| {
            // Keys of 40 bytes of which 20 differ, as in the buckets of the bench.
            let random = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let key = format!("p00/data-{n:08}-{random:016x}.parquet");
            object("b", &key)
                .with_etag(ETag::new(&format!("{random:032x}")))
                .with_last_modified(UNIX_EPOCH + Duration::new(1_795_935_571 + n, 0))
                .with_storage_class("STANDARD")
        });
        let page = ListPage::new(objects.collect(), Vec::new(), None);
        let packed = PackedPage::pack(&page, &prefix).unwrap();
        let bytes = packed.bytes.capacity() + packed.texts.capacity();
        assert!(bytes < 1000 * 56, "{bytes}");
    }
}
