//! Slow path: parses a ListObjects response with the XML parser where the scanner rejects it.

use std::borrow::Cow;

use super::page::{Entry, Page};
use crate::timestamp;
use crate::xml::{Node, NotXml, Reader};

/// Parses a document whose root is `ListBucketResult`; unknown elements are skipped.
pub(super) fn read(document: &str) -> Result<Page<'_>, NotXml> {
    let mut reader = Reader::new(document);
    loop {
        match reader.next()? {
            Node::Open if reader.name() == "ListBucketResult" => break,
            Node::Open => return Err(NotXml("the response is not a listing".into())),
            Node::End => return Err(NotXml("the response is empty".into())),
            Node::Text(_) | Node::Close => {}
        }
    }
    let mut page = Page::default();
    each_child(&mut reader, |reader, name| {
        match name {
            "Contents" => page.entries.push(entry(reader)?),
            "CommonPrefixes" => common_prefixes(reader, &mut page.common_prefixes)?,
            "Prefix" => page.prefix = Some(reader.text()?),
            "EncodingType" => page.claims_encoding = reader.text()?.trim() == "url",
            "Marker" => page.marker = Some(reader.text()?),
            "NextMarker" => page.next_marker = Some(reader.text()?),
            "Name" | "KeyCount" | "MaxKeys" => {
                page.is_identified = true;
                reader.skip()?;
            }
            "NextContinuationToken" => page.next_token = Some(reader.text()?),
            "IsTruncated" => {
                page.is_identified = true;
                page.is_truncated = Some(truth(&reader.text()?)?);
            }
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(page)
}

fn entry<'x>(reader: &mut Reader<'x>) -> Result<Entry<'x>, NotXml> {
    let mut entry = Entry::default();
    each_child(reader, |reader, name| {
        match name {
            "Key" if entry.key.is_some() => {
                return Err(NotXml("an entry of the listing has two keys".into()));
            }
            "Key" => entry.key = Some(reader.text()?),
            "Size" => entry.size = size(&reader.text()?)?,
            "ETag" => entry.etag = Some(reader.text()?),
            "LastModified" => {
                // An invalid time does not make the listing fail.
                entry.last_modified = timestamp::parse(&reader.text()?);
            }
            "StorageClass" => entry.storage_class = Some(reader.text()?),
            "ChecksumAlgorithm" => {
                let text = reader.text()?;
                entry.checksum_algorithm.get_or_insert(text);
            }
            "ChecksumType" => entry.checksum_type = Some(reader.text()?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    Ok(entry)
}

/// Reads the prefixes of one `CommonPrefixes` element. S3 writes one per element; several are accepted, too.
fn common_prefixes<'x>(
    reader: &mut Reader<'x>,
    common: &mut Vec<Option<Cow<'x, str>>>,
) -> Result<(), NotXml> {
    let before = common.len();
    each_child(reader, |reader, name| {
        match name {
            "Prefix" => common.push(Some(reader.text()?)),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    if common.len() == before {
        common.push(None);
    }
    Ok(())
}

/// Calls `read` for each child of the element that was opened last, with its name. `read` must read the child to its
/// end.
fn each_child<'x>(
    reader: &mut Reader<'x>,
    mut read: impl FnMut(&mut Reader<'x>, &str) -> Result<(), NotXml>,
) -> Result<(), NotXml> {
    loop {
        match reader.next()? {
            Node::Open => {
                let name = reader.name().to_owned();
                read(reader, &name)?;
            }
            Node::Text(_) => {}
            Node::Close | Node::End => return Ok(()),
        }
    }
}

fn truth(text: &str) -> Result<bool, NotXml> {
    match &*text.trim().to_ascii_lowercase() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(NotXml("IsTruncated is neither true nor false".into())),
    }
}

/// Parses a size; `None` if it is negative.
fn size(text: &str) -> Result<Option<u64>, NotXml> {
    let size: i64 = text
        .trim()
        .parse()
        .map_err(|_| NotXml("a size of the listing is no number".into()))?;
    Ok(u64::try_from(size).ok())
}
