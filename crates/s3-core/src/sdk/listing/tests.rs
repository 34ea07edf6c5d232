//! Compares three parsers of listings: the scanner, the XML parser and the SDK's generated client.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use s3_url::{S3Prefix, S3Url};
use s3_wire::listing::Page;

use super::{list_page, read};
use crate::sdk::collected_response::CollectedResponse;
use crate::sdk::replay::{Replay, response};
use crate::sdk::tests::generated;
use crate::{
    ChecksumAlgorithm, ChecksumType, ETag, ErrorKind, ListPage, ListedObject, Operation, Result,
    Retryability,
};

/// The content of a listing page.
#[derive(Clone, Debug)]
struct Told {
    prefix: String,
    objects: Vec<Object>,
    common: Vec<String>,
    token: Option<String>,
    encoded: bool,
}

#[derive(Clone, Debug)]
struct Object {
    key: String,
    size: u64,
    etag: Option<String>,
    seconds: u64,
    millis: u32,
    class: Option<&'static str>,
    has_checksum: bool,
}

impl Told {
    fn resource(&self) -> S3Prefix {
        S3Prefix::from_parts("bucket", &self.prefix).unwrap()
    }

    /// Returns the expected page, built without the code under test.
    fn page(&self) -> ListPage {
        let objects = self.objects.iter().map(|object| {
            let url = S3Url::from_parts("bucket", &object.key).unwrap();
            let mut listed = ListedObject::new(url, object.size);
            listed.etag = object.etag.as_deref().map(ETag::new);
            listed.last_modified = Some(object.time());
            listed.storage_class = object.class.map(Into::into);
            if object.has_checksum {
                listed.checksum_algorithm = Some(ChecksumAlgorithm::Crc64Nvme);
                listed.checksum_type = Some(ChecksumType::FullObject);
            }
            listed
        });
        let common = self.common.iter();
        let common = common.map(|text| S3Prefix::from_parts("bucket", text).unwrap());
        let token = self.token.as_deref().map(Into::into);
        ListPage::new(objects.collect(), common.collect(), token)
    }
}

impl Object {
    fn time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::new(self.seconds, self.millis * 1_000_000)
    }
}

fn told() -> impl Strategy<Value = Told> {
    let name = || {
        prop_oneof![
            4 => "[a-z0-9/=._-]{1,20}",
            2 => "[ -~é😀]{1,12}",
            1 => "(a|\u{1}|\t|\n|&|<|>|\"|'|]]>|%|%20|\\+|é|&amp;){1,6}",
        ]
    };
    let object = (
        name(),
        0..1_u64 << 50,
        proptest::option::of("[0-9a-f]{32}(-[0-9]{1,3})?"),
        0..4_102_444_800_u64,
        0..1000_u32,
        proptest::option::of(proptest::sample::select(vec![
            "STANDARD",
            "GLACIER",
            "odd & new",
        ])),
        any::<bool>(),
    );
    let objects = proptest::collection::vec(object, 0..12);
    let common = proptest::collection::vec(name(), 0..4);
    let prefix = prop_oneof![Just(String::new()), Just("a+b/".to_owned()), name()];
    let token = proptest::option::of("[A-Za-z0-9+/=&]{1,30}");
    (prefix, objects, common, token, any::<bool>()).prop_map(
        |(prefix, objects, common, token, encoded)| Told {
            objects: objects
                .into_iter()
                .map(
                    |(name, size, etag, seconds, millis, class, has_checksum)| Object {
                        key: format!("{prefix}{name}"),
                        size,
                        etag,
                        seconds,
                        millis,
                        class,
                        has_checksum,
                    },
                )
                .collect(),
            common: common
                .into_iter()
                .map(|name| format!("{prefix}{name}/"))
                .collect(),
            prefix,
            token,
            encoded,
        },
    )
}

/// Writes a page as XML, with random variations.
struct Pen {
    dice: u64,
    /// White space between elements.
    pretty: bool,
    /// Syntax that XML allows and S3 never writes, except syntax that the generated client misreads.
    exotic: bool,
    /// Comments in texts and CDATA, which the generated client misreads.
    arcane: bool,
    out: String,
}

impl Pen {
    fn new(seed: u64, exotic: bool, arcane: bool) -> Self {
        let mut pen = Self {
            dice: seed | 1,
            pretty: false,
            exotic,
            arcane,
            out: String::new(),
        };
        pen.pretty = pen.throw(3) == 0;
        pen
    }

    fn throw(&mut self, sides: u64) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        (self.dice >> 20) % sides
    }

    fn one_of<const N: usize>(&mut self, texts: [&'static str; N]) -> &'static str {
        let at = self.throw(N as u64) as usize;
        texts[at]
    }

    fn blank(&mut self) {
        if self.pretty {
            let blank = self.one_of(["\n", "\n  ", " ", "\t", "\r\n"]);
            self.out.push_str(blank);
        }
    }

    fn gap(&mut self) {
        self.blank();
        if self.exotic && self.throw(8) == 0 {
            let odd = [
                "<!-- <Key> -->",
                "<?php 1 > 0 ?>",
                "<New><Key>no</Key>&odd;</New>",
            ];
            let odd = self.one_of(odd);
            self.out.push_str(odd);
        }
    }

    fn open(&mut self, name: &str) {
        self.out.push('<');
        let name = self.dressed(name);
        self.out.push_str(&name);
        if self.exotic && self.throw(8) == 0 {
            let odd = self.one_of([" a='>'", " a = \"&lt;\" ", " "]);
            self.out.push_str(odd);
        }
        self.out.push('>');
    }

    fn close(&mut self, name: &str) {
        let name = self.dressed(name);
        self.out.push_str("</");
        self.out.push_str(&name);
        if self.exotic && self.throw(8) == 0 {
            self.out.push(' ');
        }
        self.out.push('>');
    }

    /// Adds a namespace prefix to some names; the same name always gets the same one.
    fn dressed(&self, name: &str) -> String {
        if self.exotic && name.len().is_multiple_of(3) {
            return format!("s3:{name}");
        }
        name.to_owned()
    }

    fn element(&mut self, name: &str, text: &str) {
        self.gap();
        if text.is_empty() && self.throw(2) == 0 {
            self.out.push_str(&format!("<{name}/>"));
            return;
        }
        self.open(name);
        self.text(text);
        self.close(name);
    }

    fn text(&mut self, text: &str) {
        for letter in text.chars() {
            if self.arcane && self.throw(10) == 0 {
                let odd = self.one_of(["<!-- & -->", "<?p?>", "<![CDATA[]]>"]);
                self.out.push_str(odd);
            }
            let must = matches!(letter, '&' | '<' | '>' | '\0'..='\u{1f}');
            let may = matches!(letter, '"' | '\'');
            if self.arcane && letter != '>' && self.throw(10) == 0 {
                self.out.push_str(&format!("<![CDATA[{letter}]]>"));
            } else if must || (may && self.throw(2) == 0) || (self.exotic && self.throw(10) == 0) {
                let named = match letter {
                    '&' => Some("&amp;"),
                    '<' => Some("&lt;"),
                    '>' => Some("&gt;"),
                    '"' => Some("&quot;"),
                    '\'' => Some("&apos;"),
                    _ => None,
                };
                let number = u32::from(letter);
                let text = match (self.throw(3), named) {
                    (0, _) => format!("&#{number};"),
                    (_, Some(named)) => named.to_owned(),
                    _ => format!("&#x{number:x};"),
                };
                self.out.push_str(&text);
            } else {
                self.out.push(letter);
            }
        }
    }

    fn key(&mut self, name: &str, key: &str, encoded: bool) {
        const KEPT: &AsciiSet = &NON_ALPHANUMERIC
            .remove(b'-')
            .remove(b'.')
            .remove(b'_')
            .remove(b'*')
            .remove(b'/')
            .remove(b' ');
        if !encoded {
            return self.element(name, key);
        }
        let key = utf8_percent_encode(key, KEPT).to_string().replace(' ', "+");
        self.element(name, &key);
    }

    fn write(mut self, told: &Told) -> String {
        if self.throw(2) == 0 {
            self.out
                .push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
            self.blank();
        }
        if self.throw(2) == 0 {
            let xmlns = " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";
            self.out.push_str(&format!("<ListBucketResult{xmlns}>"));
        } else {
            self.out.push_str("<ListBucketResult>");
        }
        // The encoding may come before or after the elements that it applies to.
        let (mut early, mut late) = (vec![0, 1, 2, 3, 4], Vec::new());
        while early.len() > 1 && self.throw(3) == 0 {
            let at = self.throw(early.len() as u64) as usize;
            late.push(early.remove(at));
        }
        for what in early {
            self.head(what, told);
        }
        let whole = (told.objects.len(), told.common.len());
        let (mut objects, mut common) = (0, 0);
        while (objects, common) != whole {
            if common < whole.1 && (objects == whole.0 || self.throw(4) == 0) {
                self.gap();
                self.open("CommonPrefixes");
                self.key("Prefix", &told.common[common], told.encoded);
                self.gap();
                self.close("CommonPrefixes");
                common += 1;
            } else {
                self.object(&told.objects[objects], told.encoded);
                objects += 1;
            }
        }
        for what in late {
            self.head(what, told);
        }
        self.gap();
        self.out.push_str("</ListBucketResult>");
        self.blank();
        self.out
    }

    fn head(&mut self, what: usize, told: &Told) {
        match what {
            0 => self.key("Prefix", &told.prefix, told.encoded),
            1 => self.element("Name", "bucket"),
            2 => {
                if told.encoded {
                    self.element("EncodingType", "url");
                }
                self.element("MaxKeys", "1000");
                self.element("Delimiter", "");
            }
            3 => {
                self.element(
                    "IsTruncated",
                    if told.token.is_some() {
                        "true"
                    } else {
                        "false"
                    },
                );
                self.element("StartAfter", "a<b");
            }
            _ => {
                if let Some(token) = &told.token {
                    self.element("NextContinuationToken", token);
                }
                self.element("KeyCount", &told.objects.len().to_string());
            }
        }
    }

    fn object(&mut self, object: &Object, encoded: bool) {
        self.gap();
        self.open("Contents");
        let mut fields = vec![0, 1, 2, 3, 4, 5];
        while !fields.is_empty() {
            let at = if self.throw(3) == 0 {
                self.throw(fields.len() as u64) as usize
            } else {
                0
            };
            self.field(fields.remove(at), object, encoded);
        }
        self.gap();
        self.close("Contents");
    }

    fn field(&mut self, what: usize, object: &Object, encoded: bool) {
        match what {
            0 => self.key("Key", &object.key, encoded),
            1 => {
                let time = DateTime::from(UNIX_EPOCH + Duration::from_secs(object.seconds));
                let time = time.fmt(Format::DateTime).unwrap();
                let time = format!("{}.{:03}Z", &time[..19], object.millis);
                self.element("LastModified", &time);
            }
            2 => match (&object.etag, self.throw(4)) {
                (None, 0) => self.element("ETag", ""),
                (None, _) => {}
                (Some(etag), 0) => self.element("ETag", etag),
                (Some(etag), 1) => {
                    self.gap();
                    self.out.push_str(&format!("<ETag>\"{etag}\"</ETag>"));
                }
                (Some(etag), _) => {
                    self.gap();
                    self.out
                        .push_str(&format!("<ETag>&quot;{etag}&quot;</ETag>"));
                }
            },
            3 => self.element("Size", &object.size.to_string()),
            4 => {
                if let Some(class) = object.class {
                    self.element("StorageClass", class);
                }
            }
            _ => self.extras(object.has_checksum),
        }
    }

    fn extras(&mut self, has_checksum: bool) {
        if has_checksum {
            self.element("ChecksumAlgorithm", "CRC64NVME");
            self.element("ChecksumAlgorithm", "CRC32");
            self.element("ChecksumType", "FULL_OBJECT");
        }
        if self.throw(2) == 0 {
            self.gap();
            self.open("Owner");
            self.element("DisplayName", "a & b <c>");
            self.element("ID", "");
            self.gap();
            self.close("Owner");
        }
        if self.throw(4) == 0 {
            self.gap();
            self.open("RestoreStatus");
            self.element("IsRestoreInProgress", "true");
            self.element("RestoreExpiryDate", "2026-10-20T10:11:12.000Z");
            self.gap();
            self.close("RestoreStatus");
        }
    }
}

/// Parses a document as a response to ListObjectsV2.
fn read_direct(prefix: &S3Prefix, document: &[u8]) -> Result<ListPage> {
    let collected = CollectedResponse {
        status: 200,
        header: &|_| None,
        body: document,
    };
    read(prefix, &collected)
}

fn read_generated(prefix: &S3Prefix, document: &str) -> Result<ListPage> {
    let replay = Replay::new([response(200, &[], document)]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(generated::list(&replay.store(), prefix))
}

proptest! {
    #[test]
    fn both_parsers_read_a_page_that_s3_writes(told in told(), seed: u64) {
        let document = Pen::new(seed, false, false).write(&told);
        let scanned = Page::scan(&document);
        prop_assert!(scanned.is_some(), "{}", document);
        prop_assert_eq!(list_page(&scanned.unwrap(), &told.resource(), false), Ok(told.page()), "{}", document);
        let page = Page::parse_xml(&document).unwrap();
        prop_assert_eq!(list_page(&page, &told.resource(), false), Ok(told.page()), "{}", document);
    }

    #[test]
    fn a_page_with_unusual_xml_syntax_is_read(told in told(), seed: u64, arcane: bool) {
        let document = Pen::new(seed, true, arcane).write(&told);
        let page = read_direct(&told.resource(), document.as_bytes());
        prop_assert_eq!(page.unwrap(), told.page(), "{}", document);
    }

    #[test]
    fn a_page_that_ends_early_is_an_error_and_never_a_shorter_one(
        told in told(), seed: u64, exotic: bool, cut: prop::sample::Index,
    ) {
        let document = Pen::new(seed, exotic, exotic).write(&told);
        let end = cut.index(document.len());
        match read_direct(&told.resource(), &document.as_bytes()[..end]) {
            Ok(page) => {
                prop_assert!(document[..end].contains("</ListBucketResult>"));
                prop_assert_eq!(page, told.page());
            }
            Err(error) => prop_assert_eq!(
                (error.kind(), error.retryability()),
                (ErrorKind::Server, Retryability::Transient)
            ),
        }
    }

    #[test]
    fn the_xml_parser_agrees_with_the_scanner_on_edited_documents(
        told in told(), seed: u64,
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..3_u8, "[ -~\n]|é|</Key>|<Key>|&lt;|/>|<Size/>|-->"), 1..4),
    ) {
        let mut document = Pen::new(seed, false, false).write(&told);
        for (at, kind, with) in edits {
            let mut begin = at.index(document.len());
            while !document.is_char_boundary(begin) {
                begin -= 1;
            }
            let next = document[begin..].chars().next().map_or(0, char::len_utf8);
            let end = if kind == 0 { begin } else { begin + next };
            let with = if kind == 1 { "" } else { &with };
            document.replace_range(begin..end, with);
        }
        let prefix = told.resource();
        let page = Page::parse_xml(&document).map(|page| list_page(&page, &prefix, false));
        if let Some(scanned) = Page::scan(&document) {
            prop_assert_eq!(list_page(&scanned, &prefix, false), page.unwrap(), "{}", document);
        }
    }

    #[test]
    fn the_generated_client_reads_the_same(told in told(), seed: u64, exotic: bool) {
        let document = Pen::new(seed, exotic, false).write(&told);
        let page = read_generated(&told.resource(), &document);
        prop_assert_eq!(page.unwrap(), told.page(), "{}", document);
    }
}

fn prefix() -> S3Prefix {
    S3Prefix::parse("s3://bucket/a b/").unwrap()
}

fn listing(inside: &str) -> String {
    format!("<ListBucketResult>{inside}</ListBucketResult>")
}

/// Parses a document with our parser and the generated client, compares the results, and returns the page.
fn agreed(document: &str) -> Result<ListPage> {
    let direct = read_direct(&prefix(), document.as_bytes());
    let generated = read_generated(&prefix(), document);
    match (&direct, &generated) {
        (Ok(direct), Ok(generated)) => assert_eq!(direct, generated, "{document}"),
        (Err(direct), Err(generated)) => assert_eq!(
            (
                direct.kind(),
                direct.retryability(),
                direct.http_status(),
                direct.resource()
            ),
            (
                generated.kind(),
                generated.retryability(),
                generated.http_status(),
                generated.resource()
            ),
            "{document}: {direct} / {generated}"
        ),
        _ => panic!("{document}: {direct:?} / {generated:?}"),
    }
    direct
}

#[test]
fn a_page_never_shrinks_in_silence() {
    for entry in [
        "<Contents><Size>1</Size></Contents>",
        "<Contents><Key></Key><Size>1</Size></Contents>",
        "<Contents><Key/><Size>1</Size></Contents>",
        "<Contents><Key>k</Key></Contents>",
        "<Contents><Key>k</Key><Size>-1</Size></Contents>",
        "<CommonPrefixes></CommonPrefixes>",
        "<CommonPrefixes/>",
        "<IsTruncated>true</IsTruncated>",
        "<IsTruncated>true</IsTruncated><NextContinuationToken/>",
    ] {
        let error = agreed(&listing(entry)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{entry}");
        assert_eq!(error.retryability(), Retryability::Transient);
    }
    for entry in [
        "<Contents><Key>k</Key><Size>many</Size></Contents>",
        "<Contents><Key>k</Key><Size></Size></Contents>",
        "<Contents><Key>k</Key><Size>99999999999999999999</Size></Contents>",
        "<Contents><Key><b/>k</Key><Size>1</Size></Contents>",
        "<Contents><Key>k&odd;</Key><Size>1</Size></Contents>",
        "<IsTruncated>maybe</IsTruncated>",
        "<IsTruncated/>",
    ] {
        let error = agreed(&listing(entry)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{entry}");
        assert_eq!(error.retryability(), Retryability::Transient);
    }
}

#[test]
fn a_document_that_is_not_a_listing_is_an_error() {
    for document in [
        "",
        " ",
        "no XML",
        "<html><body>Welcome to the hotel</body>",
        "<html><body>Welcome to the hotel</body></html>",
        "<Other/>",
        "<ListBucketResult>",
        "<ListBucketResult><Contents>",
        "<Error><Code>SlowDown</Code></Error>",
        "<Error><Code>AccessDenied</Code><Message>no</Message></Error>",
        "<Error><Code>Odd</Code></Error>",
        "<Error/>",
        "<ListBucketResult/>",
        "<ListBucketResult></ListBucketResult>",
        "<ListBucketResult><Prefix>a b/</Prefix></ListBucketResult>",
    ] {
        assert!(agreed(document).is_err(), "{document}");
    }
    assert!(read_direct(&prefix(), b"<ListBucketResult>\xff</ListBucketResult>").is_err());
}

#[test]
fn both_clients_agree_on_unusual_pages() {
    for document in [
        "\u{feff}<ListBucketResult><Name>b</Name></ListBucketResult>",
        "<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>",
        "<!DOCTYPE x><ListBucketResult><Name>b</Name> text <!-- Contents --> </ListBucketResult> <after>",
        "<x:ListBucketResult xmlns:x='y'><x:Contents><x:Key>k</x:Key><x:Size>1</x:Size></x:Contents></x:ListBucketResult>",
        "<ListBucketResult><Contents><Owner><Key>no</Key></Owner><Key>k</Key><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a b/%20</Key><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a+b/%C3%A9</Key><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a+b/%20</Key><Size>1</Size></Contents><Contents><Key>é</Key><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>k</Key><Size>1</Size><ETag>W/\"a\"</ETag></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>k</Key><Size>1</Size><ETag>&quot;W/a&quot;</ETag></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>k</Key><Size>1</Size><ETag>&quot;\"a\"&quot;</ETag></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>k</Key><Size>1</Size><ETag>&quot;&quot;</ETag><StorageClass/></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key> k </Key><Size>+01</Size><LastModified>2015-10-21T09:28:00+02:00</LastModified></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>k</Key><Size>1</Size><LastModified>1960-10-21T09:28:00Z</LastModified></Contents></ListBucketResult>",
        "<ListBucketResult><Name>b</Name><NextContinuationToken>t</NextContinuationToken></ListBucketResult>",
        "<ListBucketResult><IsTruncated>false</IsTruncated><NextContinuationToken>t</NextContinuationToken></ListBucketResult>",
    ] {
        agreed(document).unwrap();
    }
}

#[test]
fn scalars_in_other_forms_are_read() {
    let read = |document: &str| read_direct(&prefix(), document.as_bytes()).unwrap();
    let empty = "<ListBucketResult><IsTruncated>\n  False\n </IsTruncated></ListBucketResult>";
    assert_eq!(read(empty), ListPage::default());
    let time = Some(UNIX_EPOCH + Duration::from_secs(1_520_961_904));
    for (text, time) in [("Tue, 13 Mar 2018 17:25:04 GMT", time), ("today", None)] {
        let document = listing(&format!(
            "<Contents><Key>k</Key><Size>\n 1 </Size><LastModified>{text}</LastModified></Contents>"
        ));
        let object = &read(&document).objects[0];
        assert_eq!((object.size, object.last_modified), (1, time), "{text}");
    }
}

/// The generated client loses these keys, or a part of them; ours does not.
#[test]
fn pages_that_the_generated_client_misreads_are_read_correctly() {
    let key = |page: ListPage| page.objects[0].url.key().to_owned();
    for inside in ["a<!-- -->b", "<![CDATA[ab]]>", "a<![CDATA[b]]>"] {
        let document = listing(&format!(
            "<Contents><Key>{inside}</Key><Size>1</Size></Contents>"
        ));
        assert_eq!(
            key(read_direct(&prefix(), document.as_bytes()).unwrap()),
            "ab"
        );
    }
    let two = listing("<CommonPrefixes><Prefix>a/</Prefix><Prefix>b/</Prefix></CommonPrefixes>");
    assert_eq!(
        read_direct(&prefix(), two.as_bytes())
            .unwrap()
            .prefixes
            .len(),
        2
    );
    for broken in [
        "<Contents><Key>a</Key><Size>1</Size></Contents><<Contents><Key>b</Key><Size>1</Size></Contents>",
        "<Contents><Key>a</Key><Key>b</Key><Size>1</Size></Contents>",
        "<Contents><Key>a<b/></Key><Size>1</Size></Contents>",
    ] {
        let error = read_direct(&prefix(), listing(broken).as_bytes()).unwrap_err();
        assert_eq!(error.retryability(), Retryability::Transient, "{broken}");
    }
}

#[test]
fn an_error_document_is_an_error_whatever_the_status() {
    let body = b"<Error><Code>NoSuchBucket</Code></Error>";
    for status in [404, 200, 500] {
        let collected = CollectedResponse {
            status,
            header: &|name| (name == "x-amz-request-id").then_some("r1"),
            body,
        };
        let error = read(&prefix(), &collected).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSuchBucket, "{status}");
        assert_eq!(
            (error.operation(), error.request_id(), error.resource()),
            (Operation::List, Some("r1"), Some(prefix().as_str()))
        );
    }
}
