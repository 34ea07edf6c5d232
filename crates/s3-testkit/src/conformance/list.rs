//! Conformance cases of ListObjectsV2: order of keys, pages, prefixes, `start-after` and continuation tokens.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt};
use s3_core::{ErrorKind, Store};

use super::assertions::fails;
use super::pages::{all_keys, keys, page, pages};
use super::verdict::require;
use super::{Harness, Verdict};

/// Keys in UTF-8 byte order, which is neither the order of UTF-16 nor that of any language.
const ORDERED: &[&str] = &[
    "!", "+", "-", "0", "10", "2", "A", "B", "_", "a", "a b", "a!", "a-b", "a.b", "ab", "z", "é",
    "\u{ff5e}", "😀",
];

/// Writes `count` empty objects `k/0000`, `k/0001`, … and returns their keys.
async fn numbered(harness: &Harness, count: usize) -> Vec<String> {
    let keys: Vec<String> = (0..count).map(|number| format!("k/{number:04}")).collect();
    let writes = keys.iter().map(|key| harness.put(key, ""));
    stream::iter(writes)
        .buffer_unordered(32)
        .collect::<Vec<_>>()
        .await;
    keys
}

/// The listing of an empty bucket is one page without entries.
pub async fn an_empty_listing_is_one_empty_page(harness: &Harness) -> Verdict {
    let listed = page(harness, harness.listing("")).await;
    assert!(
        listed.objects.is_empty() && listed.prefixes.is_empty() && listed.next.is_none(),
        "{listed:?}"
    );
    Verdict::Ran
}

/// Every object is listed once.
pub async fn every_object_is_listed_once(harness: &Harness) -> Verdict {
    harness.put_all(ORDERED).await;
    let listed = all_keys(harness, harness.listing("")).await;
    let distinct: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
    assert_eq!(listed.len(), ORDERED.len());
    assert_eq!(distinct, ORDERED.iter().copied().collect());
    Verdict::Ran
}

/// Keys come in the order of their UTF-8 bytes.
pub async fn keys_come_in_byte_order(harness: &Harness) -> Verdict {
    require!(harness, ordered_listing);
    harness.put_all(ORDERED).await;
    assert_eq!(all_keys(harness, harness.listing("")).await, ORDERED);
    Verdict::Ran
}

/// Pages of one entry return every key once, in order.
pub async fn pages_of_one_key(harness: &Harness) -> Verdict {
    require!(harness, ordered_listing);
    harness.put_all(ORDERED).await;
    let pages = pages(harness, harness.listing("").with_max_keys(1)).await;
    assert!(pages.iter().all(|page| page.objects.len() <= 1));
    assert_eq!(keys(harness, &pages), ORDERED);
    Verdict::Ran
}

/// Pages of two entries return every key once; with an odd number of keys the last page has one entry.
pub async fn pages_of_two_keys(harness: &Harness) -> Verdict {
    require!(harness, ordered_listing);
    let written = numbered(harness, 5).await;
    let pages = pages(harness, harness.listing("").with_max_keys(2)).await;
    assert_eq!(
        pages
            .iter()
            .map(|page| page.objects.len())
            .collect::<Vec<_>>(),
        [2, 2, 1]
    );
    assert_eq!(keys(harness, &pages), written);
    Verdict::Ran
}

/// A last page that is full has no continuation token.
pub async fn a_full_last_page_has_no_next(harness: &Harness) -> Verdict {
    require!(harness, ordered_listing);
    numbered(harness, 4).await;
    let pages = pages(harness, harness.listing("").with_max_keys(2)).await;
    assert_eq!(pages.len(), 2, "four keys are two pages of two");
    Verdict::Ran
}

/// A page has 1,000 keys by default; more keys need another page.
pub async fn more_than_a_thousand_keys_take_two_pages(harness: &Harness) -> Verdict {
    require!(harness, ordered_listing);
    let written = numbered(harness, 1005).await;
    for max_keys in [None, Some(1000), Some(5000)] {
        let mut request = harness.listing("k/");
        request.max_keys = max_keys;
        let pages = pages(harness, request).await;
        let sizes: Vec<_> = pages.iter().map(|page| page.objects.len()).collect();
        assert_eq!(sizes, [1000, 5], "with max_keys {max_keys:?}");
        assert_eq!(keys(harness, &pages), written);
    }
    Verdict::Ran
}

/// A page of at most zero entries is empty and the last page, even if there are keys.
pub async fn a_page_of_no_entries_is_empty(harness: &Harness) -> Verdict {
    require!(harness, ordered_listing);
    numbered(harness, 2).await;
    let listed = page(harness, harness.listing("").with_max_keys(0)).await;
    assert!(
        listed.objects.is_empty() && listed.next.is_none(),
        "{listed:?}"
    );
    Verdict::Ran
}

/// A prefix is a string, not a directory.
pub async fn a_prefix_is_a_string(harness: &Harness) -> Verdict {
    harness
        .put_all(&["a", "ab", "abc/d", "abd", "b", "xab"])
        .await;
    let mut listed = all_keys(harness, harness.listing("ab")).await;
    listed.sort();
    assert_eq!(listed, ["ab", "abc/d", "abd"]);
    Verdict::Ran
}

/// If a prefix equals a key, that key is listed too.
pub async fn a_prefix_may_be_a_whole_key(harness: &Harness) -> Verdict {
    harness.put_all(&["key", "key2"]).await;
    assert_eq!(all_keys(harness, harness.listing("key2")).await, ["key2"]);
    let mut listed = all_keys(harness, harness.listing("key")).await;
    listed.sort();
    assert_eq!(listed, ["key", "key2"]);
    Verdict::Ran
}

/// A prefix without keys returns an empty listing, not an error.
pub async fn a_prefix_without_keys_lists_nothing(harness: &Harness) -> Verdict {
    harness.put_all(&["a", "b/c"]).await;
    for prefix in ["c", "b/d", "ab", "b/c/"] {
        assert!(
            all_keys(harness, harness.listing(prefix)).await.is_empty(),
            "{prefix:?}"
        );
    }
    Verdict::Ran
}

/// A prefix is compared byte by byte: no pattern, no case folding, no normalisation.
pub async fn a_prefix_is_no_pattern(harness: &Harness) -> Verdict {
    harness
        .put_all(&["a+b", "a%2Bb", "a*b", "A+b", "a b"])
        .await;
    for key in ["a+", "a%2B", "a*", "A", "a "] {
        let listed = all_keys(harness, harness.listing(key)).await;
        assert_eq!(listed.len(), 1, "{key:?} lists {listed:?}");
        assert!(listed[0].starts_with(key), "{key:?} lists {listed:?}");
    }
    Verdict::Ran
}

/// `start-after` excludes its own key.
pub async fn start_after_is_exclusive(harness: &Harness) -> Verdict {
    require!(harness, start_after, ordered_listing);
    harness.put_all(&["a", "b", "c"]).await;
    let after = |key: &str| harness.listing("").with_start_after(harness.url(key).key());
    assert_eq!(all_keys(harness, after("a")).await, ["b", "c"]);
    assert_eq!(all_keys(harness, after("c")).await, [""; 0]);
    Verdict::Ran
}

/// The key in `start-after` need not exist.
pub async fn start_after_need_not_exist(harness: &Harness) -> Verdict {
    require!(harness, start_after, ordered_listing);
    harness.put_all(&["b", "d"]).await;
    let after = |key: &str| harness.listing("").with_start_after(harness.url(key).key());
    assert_eq!(all_keys(harness, after("a")).await, ["b", "d"]);
    assert_eq!(all_keys(harness, after("b0")).await, ["d"]);
    assert_eq!(all_keys(harness, after("e")).await, [""; 0]);
    Verdict::Ran
}

/// `start-after` can be combined with a prefix and with pages.
pub async fn start_after_keeps_to_the_prefix(harness: &Harness) -> Verdict {
    require!(harness, start_after, ordered_listing);
    harness.put_all(&["a1", "b1", "b2", "b3", "c1"]).await;
    let after = |key: &str| {
        harness
            .listing("b")
            .with_start_after(harness.url(key).key())
            .with_max_keys(1)
    };
    assert_eq!(all_keys(harness, after("a1")).await, ["b1", "b2", "b3"]);
    assert_eq!(all_keys(harness, after("b1")).await, ["b2", "b3"]);
    assert_eq!(all_keys(harness, after("b3")).await, [""; 0]);
    Verdict::Ran
}

/// Deleting the objects of a page does not change the next page. Emptying a bucket depends on this.
pub async fn the_next_page_does_not_need_the_last_key(harness: &Harness) -> Verdict {
    require!(harness, ordered_listing);
    numbered(harness, 4).await;
    let first = page(harness, harness.listing("k/").with_max_keys(2)).await;
    super::copy_delete::delete(harness, &["k/0000", "k/0001"]).await;
    let token = first.next.expect("two of four keys are not all");
    let rest = page(harness, harness.listing("k/").with_continuation(token)).await;
    assert_eq!(keys(harness, &[rest]), ["k/0002", "k/0003"]);
    Verdict::Ran
}

/// A token that the store did not return is rejected; the listing does not start from the beginning.
pub async fn a_foreign_token_is_rejected(harness: &Harness) -> Verdict {
    require!(harness, ordered_listing);
    numbered(harness, 1).await;
    let request = harness
        .listing("")
        .with_continuation("no token of any store");
    fails(
        harness.store.list_page(request).await,
        ErrorKind::InvalidInput,
    );
    Verdict::Ran
}
