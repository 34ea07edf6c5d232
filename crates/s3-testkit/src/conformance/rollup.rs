//! Conformance cases of listings with a delimiter, which roll up keys to common prefixes.

use s3_core::ListRequest;

use super::pages::{all_keys, keys, page, pages, prefixes};
use super::verdict::require;
use super::{Harness, Verdict};

const TREE: &[&str] = &["a", "a/b/c", "a/b/d", "a/e", "b/f", "c"];

async fn tree(harness: &Harness, prefix: &str) -> ListRequest {
    harness.put_all(TREE).await;
    harness.listing(prefix).with_delimiter("/")
}

/// Asserts the objects and common prefixes of a complete listing.
async fn gives(harness: &Harness, request: ListRequest, objects: &[&str], rolled_up: &[&str]) {
    let pages = pages(harness, request.clone()).await;
    assert_eq!(keys(harness, &pages), objects, "objects of {request:?}");
    assert_eq!(
        prefixes(harness, &pages),
        rolled_up,
        "prefixes of {request:?}"
    );
}

/// Without a prefix: objects without the delimiter in their key, and each first-level directory once.
pub async fn a_delimiter_rolls_up_the_root(harness: &Harness) -> Verdict {
    require!(harness, ordered_listing, exact_keys);
    let request = tree(harness, "").await;
    gives(harness, request, &["a", "c"], &["a/", "b/"]).await;
    Verdict::Ran
}

/// With a directory as prefix: its objects and subdirectories, without the directory itself.
pub async fn a_delimiter_rolls_up_a_directory(harness: &Harness) -> Verdict {
    require!(harness, ordered_listing, exact_keys);
    let request = tree(harness, "a/").await;
    gives(harness, request, &["a/e"], &["a/b/"]).await;
    Verdict::Ran
}

/// A tree of plain names is rolled up, also by servers that do not keep keys exactly.
pub async fn a_plain_tree_is_rolled_up(harness: &Harness) -> Verdict {
    harness.put_all(&["x/1", "x/y/2", "x/y/3", "x/z/4"]).await;
    let request = harness.listing("x/").with_delimiter("/");
    let pages = pages(harness, request).await;
    let mut rolled_up = prefixes(harness, &pages);
    rolled_up.sort();
    assert_eq!(
        (keys(harness, &pages), rolled_up),
        (vec!["x/1".to_owned()], vec!["x/y/".into(), "x/z/".into()])
    );
    Verdict::Ran
}

/// With a prefix that does not end in the delimiter, keys are rolled up at the first delimiter after it.
pub async fn a_prefix_without_slash_rolls_up_to_the_slash(harness: &Harness) -> Verdict {
    require!(harness, ordered_listing, exact_keys);
    let request = tree(harness, "a").await;
    gives(harness, request, &["a"], &["a/"]).await;
    Verdict::Ran
}

/// Pages of one entry return every object and every common prefix once.
pub async fn a_prefix_is_shown_once_across_pages(harness: &Harness) -> Verdict {
    require!(harness, ordered_listing, exact_keys);
    for max_keys in [1, 2, 3] {
        let request = tree(harness, "").await.with_max_keys(max_keys);
        gives(harness, request, &["a", "c"], &["a/", "b/"]).await;
    }
    Verdict::Ran
}

/// Objects and common prefixes count alike towards the size of a page.
pub async fn prefixes_count_towards_the_page(harness: &Harness) -> Verdict {
    require!(harness, ordered_listing, exact_keys);
    let request = tree(harness, "").await.with_max_keys(2);
    let pages = pages(harness, request).await;
    let sizes: Vec<_> = pages
        .iter()
        .map(|page| page.objects.len() + page.prefixes.len())
        .collect();
    assert_eq!(sizes, [2, 2]);
    Verdict::Ran
}

/// A directory with more keys than a page holds is one entry.
pub async fn a_rolled_up_directory_costs_one_entry(harness: &Harness) -> Verdict {
    require!(harness, ordered_listing);
    for number in 0..30 {
        harness.put(&format!("big/{number}"), "").await;
    }
    harness.put("small/0", "").await;
    let listed = page(
        harness,
        harness.listing("").with_delimiter("/").with_max_keys(2),
    )
    .await;
    assert_eq!(
        prefixes(harness, std::slice::from_ref(&listed)),
        ["big/", "small/"]
    );
    assert_eq!(listed.next, None, "both entries are on the page");
    Verdict::Ran
}

/// Any string may be the delimiter.
pub async fn the_delimiter_need_not_be_a_slash(harness: &Harness) -> Verdict {
    require!(harness, ordered_listing);
    harness.put_all(&["a-1", "a-2", "b", "c--d", "c-e"]).await;
    gives(
        harness,
        harness.listing("").with_delimiter("-"),
        &["b"],
        &["a-", "c-"],
    )
    .await;
    gives(
        harness,
        harness.listing("").with_delimiter("--"),
        &["a-1", "a-2", "b", "c-e"],
        &["c--"],
    )
    .await;
    gives(
        harness,
        harness.listing("a-").with_delimiter("-"),
        &["a-1", "a-2"],
        &[],
    )
    .await;
    Verdict::Ran
}

/// An object whose key ends in the delimiter is listed below itself, and rolled up above.
pub async fn a_directory_marker_is_an_object(harness: &Harness) -> Verdict {
    require!(harness, ordered_listing, exact_keys);
    harness.put_all(&["dir/", "dir/file", "other"]).await;
    gives(
        harness,
        harness.listing("dir/").with_delimiter("/"),
        &["dir/", "dir/file"],
        &[],
    )
    .await;
    gives(
        harness,
        harness.listing("").with_delimiter("/"),
        &["other"],
        &["dir/"],
    )
    .await;
    assert_eq!(
        all_keys(harness, harness.listing("")).await,
        ["dir/", "dir/file", "other"]
    );
    Verdict::Ran
}

/// Empty names between delimiters are rolled up like other names.
pub async fn empty_names_are_rolled_up_too(harness: &Harness) -> Verdict {
    require!(harness, ordered_listing, exact_keys);
    harness.put_all(&["/lead", "a//b", "a//c"]).await;
    gives(
        harness,
        harness.listing("").with_delimiter("/"),
        &[],
        &["/", "a/"],
    )
    .await;
    gives(
        harness,
        harness.listing("a/").with_delimiter("/"),
        &[],
        &["a//"],
    )
    .await;
    gives(
        harness,
        harness.listing("a//").with_delimiter("/"),
        &["a//b", "a//c"],
        &[],
    )
    .await;
    Verdict::Ran
}

/// Common prefixes of names that URLs must escape are returned exactly.
pub async fn odd_names_are_rolled_up_as_they_are(harness: &Harness) -> Verdict {
    require!(harness, ordered_listing);
    harness.put_all(&["a b/1", "a%20b/1", "a+b/1", "é/1"]).await;
    let request = harness.listing("").with_delimiter("/").with_max_keys(1);
    gives(harness, request, &[], &["a b/", "a%20b/", "a+b/", "é/"]).await;
    Verdict::Ran
}
