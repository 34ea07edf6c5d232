//! Both readers of a page on one document, for programs that look for one on which they differ.

use s3_url::S3Prefix;

use super::{full, scan};

/// Reads a document in both ways.
///
/// # Panics
///
/// If the quick reader makes another page of it than the real one.
pub(in crate::sdk) fn readers_agree(document: &str, prefix: &S3Prefix) {
    let Some(quick) = scan::scan(document) else {
        return;
    };
    match full::read(document) {
        Ok(slow) => {
            let [quick, slow] = [quick, slow].map(|page| page.listed_below(prefix));
            assert_eq!(format!("{quick:?}"), format!("{slow:?}"), "of {document:?}");
        }
        Err(not_xml) => {
            panic!(
                "a page was read of what is no XML ({}): {document:?}",
                not_xml.0
            )
        }
    }
}
