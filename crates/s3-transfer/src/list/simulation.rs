//! Tests of the list scheduler with a simulated server: keys, rounds of requests, and number of requests.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use s3_core::{
    Error, ErrorKind, ListPage, ListRequest, ListedObject, Operation, Retryability, S3Prefix, S3Url,
};

use super::scheduler::{ListConcurrency, ListScheduler};

/// A simulated server, with faults of real ones.
#[derive(Clone, Debug, Default)]
struct ListServer {
    /// Keys in ascending order.
    keys: Vec<String>,
    page_size: usize,
    /// One in this number of responses is an empty page with a token.
    empty_every: usize,
    /// Ignores delimiters.
    ignores_delimiters: bool,
    /// Ignores `start_after`.
    ignores_starts: bool,
    /// Denies listings with a delimiter, as policies can.
    denies_delimiters: bool,
    responses: usize,
}

const EMPTY: &str = "again:";

impl ListServer {
    fn respond(&mut self, request: &ListRequest) -> s3_core::Result<ListPage> {
        let delimiter = request.delimiter.as_deref();
        if self.denies_delimiters && delimiter.is_some() {
            let error = Error::new(ErrorKind::AccessDenied, Operation::List);
            return Err(error.with_retryability(Retryability::No));
        }
        self.responses += 1;
        let start = request.start_after.as_deref();
        let start = start.filter(|_| !self.ignores_starts).unwrap_or_default();
        let position = match &request.continuation {
            Some(token) => String::from(token.strip_prefix(EMPTY).unwrap_or(token)),
            None => start.to_owned(),
        };
        let is_again = request
            .continuation
            .as_ref()
            .is_some_and(|token| token.starts_with(EMPTY));
        if self.empty_every > 0 && self.responses.is_multiple_of(self.empty_every) && !is_again {
            let next = Some(format!("{EMPTY}{position}").into());
            return Ok(ListPage::new(Vec::new(), Vec::new(), next));
        }
        let delimiter = delimiter.filter(|_| !self.ignores_delimiters);
        Ok(self.page(request, &position, delimiter))
    }

    fn page(&self, request: &ListRequest, position: &str, delimiter: Option<&str>) -> ListPage {
        let prefix = request.prefix.prefix();
        let mut position = position.to_owned();
        let mut page = ListPage::default();
        let after = |position: &str| {
            let is_before = |key: &String| **key < *prefix || **key <= *position;
            self.keys.partition_point(is_before)
        };
        let mut at = after(&position);
        loop {
            let Some(key) = self.keys.get(at).filter(|key| key.starts_with(prefix)) else {
                return page;
            };
            if page.objects.len() + page.prefixes.len() == self.page_size {
                page.next = Some(position.into());
                return page;
            }
            match delimiter.and_then(|delimiter| key[prefix.len()..].find(delimiter)) {
                Some(found) => {
                    let common = &key[..=prefix.len() + found];
                    page.prefixes
                        .push(S3Prefix::from_parts("b", common).unwrap());
                    // Longer than the rest of any key here.
                    position = format!("{common}{}", "\u{10ffff}".repeat(8));
                    at = after(&position);
                }
                None => {
                    let url = S3Url::from_parts("b", key).unwrap();
                    page.objects.push(ListedObject::new(url, 0));
                    position.clone_from(key);
                    at += 1;
                }
            }
        }
    }
}

/// The result of a listing.
#[derive(Debug)]
struct ListOutcome {
    keys: Vec<String>,
    error: Option<Error>,
    requests: usize,
    rounds: usize,
    /// Maximum number of pages that were in flight or kept.
    ahead: usize,
    most_at_once: usize,
}

const EAGER: ListConcurrency = ListConcurrency {
    requests: 64,
    read_ahead: usize::MAX,
    follows_reader: false,
};

/// Runs a listing. `order` chooses the request in flight that completes next; with `None`, all complete in rounds.
fn list(
    server: &ListServer,
    prefix: &str,
    spread: ListConcurrency,
    mut order: Option<&mut dyn FnMut(usize) -> usize>,
) -> ListOutcome {
    let mut server = server.clone();
    let base = ListRequest::new(S3Prefix::from_parts("b", prefix).unwrap());
    let mut scheduler = ListScheduler::new(base, spread, true);
    let mut outcome = ListOutcome {
        keys: Vec::new(),
        error: None,
        requests: 0,
        rounds: 0,
        ahead: 0,
        most_at_once: 0,
    };
    let mut in_flight: Vec<(u64, ListRequest)> = Vec::new();
    loop {
        while let Some(page) = scheduler.pop() {
            match page {
                Ok(page) => outcome.keys.extend(
                    page.objects
                        .iter()
                        .map(|object| object.url.key().to_owned()),
                ),
                Err(error) => outcome.error = Some(error),
            }
        }
        if scheduler.is_over() {
            return outcome;
        }
        while let Some(request) = scheduler.next_request() {
            outcome.requests += 1;
            in_flight.push(request);
        }
        outcome.ahead = outcome.ahead.max(scheduler.pages_ahead());
        outcome.most_at_once = outcome.most_at_once.max(in_flight.len());
        assert!(!in_flight.is_empty(), "no request in flight: {scheduler:?}");
        outcome.rounds += 1;
        match &mut order {
            Some(choose) => {
                let chosen = choose(in_flight.len());
                let (id, request) = in_flight.swap_remove(chosen);
                scheduler.handle_response(id, server.respond(&request));
            }
            None => {
                for (id, request) in in_flight.drain(..) {
                    scheduler.handle_response(id, server.respond(&request));
                }
            }
        }
        assert!(outcome.requests < 100_000, "the listing does not end");
    }
}

fn server(keys: impl IntoIterator<Item = String>) -> ListServer {
    let keys: BTreeSet<String> = keys.into_iter().collect();
    ListServer {
        keys: keys.into_iter().collect(),
        page_size: 1000,
        ..ListServer::default()
    }
}

/// Lists all keys in rounds, and asserts that each is listed once and in order.
fn complete(server: &ListServer, spread: ListConcurrency) -> ListOutcome {
    let outcome = list(server, "", spread, None);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert!(outcome.keys.iter().eq(&server.keys));
    outcome
}

fn hexadecimal(count: u64) -> impl Iterator<Item = String> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..count).map(move |_| {
        let (high, low) = (random.u64(..), random.u64(..));
        format!(
            "{:08x}-{:04x}-4{:03x}-{low:016x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff
        )
    })
}

#[test]
fn up_to_two_pages_cost_a_request_each_and_three_cost_two_more() {
    for (count, requests) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (2000, 2)] {
        let flat = server((0..count).map(|n| format!("k{n:07}")));
        assert_eq!(complete(&flat, EAGER).requests, requests, "{count} keys");
    }
    // The second page, and a probe for directories.
    let tree = server((0..1001).map(|n| format!("p/{n:04}")));
    let outcome = complete(&tree, EAGER);
    assert_eq!((outcome.requests, outcome.rounds), (3, 2));
    // Two speculative pages after the end.
    for count in [2500, 3000] {
        let flat = server((0..count).map(|n| format!("k{n:07}")));
        assert_eq!(complete(&flat, EAGER).requests, 3 + 2, "{count} keys");
    }
}

#[test]
fn directories_are_listed_in_parallel() {
    let tree = server((0..200_000).map(|n| format!("d{:02}/k{:05}", n / 3125, n % 3125)));
    let outcome = complete(&tree, EAGER);
    assert!(outcome.rounds <= 6, "{} rounds", outcome.rounds);
    assert!(outcome.requests <= 290, "{} requests", outcome.requests);
}

#[test]
fn numbers_are_listed_in_parallel() {
    let flat = server((0..200_000).map(|n| format!("{n:06}")));
    let outcome = complete(&flat, EAGER);
    assert!(outcome.rounds <= 10, "{} rounds", outcome.rounds);
    assert!(outcome.requests <= 280, "{} requests", outcome.requests);
    let flat = server((0..300_000).map(|n| format!("k{n:09}.parquet")));
    let outcome = complete(&flat, EAGER);
    assert!(outcome.rounds <= 13, "{} rounds", outcome.rounds);
    assert!(outcome.requests <= 400, "{} requests", outcome.requests);
}

#[test]
fn hexadecimal_keys_are_listed_in_parallel() {
    let outcome = complete(&server(hexadecimal(100_000)), EAGER);
    assert!(outcome.rounds <= 12, "{} rounds", outcome.rounds);
    assert!(outcome.requests <= 160, "{} requests", outcome.requests);
}

#[test]
fn keys_without_digits_cost_one_request_per_page() {
    let scripts = ('\u{4e00}'..'\u{4e80}')
        .flat_map(|a| ('\u{4e00}'..'\u{4e40}').map(move |b| format!("{a}{b}")));
    let mut server = server(scripts);
    server.page_size = 100;
    let outcome = complete(&server, EAGER);
    assert!(outcome.requests <= 82 + 2, "{} requests", outcome.requests);
}

#[test]
fn many_small_directories_share_requests() {
    let tree = server((0..20_000).map(|n| format!("d{n:05}/file")));
    let outcome = complete(&tree, EAGER);
    assert!(outcome.requests <= 40, "{} requests", outcome.requests);
    assert!(outcome.rounds <= 8, "{} rounds", outcome.rounds);
    let tree = server((0..40_000).map(|n| format!("d{:05}/file{:02}", n / 20, n % 20)));
    let outcome = complete(&tree, EAGER);
    assert!(outcome.requests <= 80, "{} requests", outcome.requests);
}

#[test]
fn directories_in_one_directory_are_found() {
    let tree = server((0..64_000).map(|n| format!("set/train/c{:02}/k{:05}", n / 2000, n % 2000)));
    let outcome = complete(&tree, EAGER);
    assert!(outcome.rounds <= 8, "{} rounds", outcome.rounds);
    assert!(outcome.requests <= 120, "{} requests", outcome.requests);
}

#[test]
fn large_directories_among_small_ones_are_listed_in_several_ranges() {
    let small = (0..30).map(|n| format!("a{n:02}/x"));
    let large = (0..100_000).map(|n| format!("b/{n:06}"));
    let tree = server(small.chain(large).chain(["c/x".to_owned()]));
    let outcome = complete(&tree, EAGER);
    assert!(outcome.rounds <= 14, "{} rounds", outcome.rounds);
    assert!(outcome.requests <= 200, "{} requests", outcome.requests);
}

#[test]
fn a_reader_that_stops_early_causes_few_requests() {
    let tree = server((0..200_000).map(|n| format!("d{:02}/k{:05}", n / 3125, n % 3125)));
    let following = ListConcurrency {
        read_ahead: 256,
        follows_reader: true,
        ..EAGER
    };
    for (read, most) in [(1, 1), (2, 3), (3, 4), (4, 12), (10, 240)] {
        let mut server = tree.clone();
        let base = ListRequest::new(S3Prefix::parse("s3://b").unwrap());
        let mut scheduler = ListScheduler::new(base, following, true);
        let (mut taken, mut requests) = (0, 0);
        while taken < read {
            if scheduler.pop().is_some() {
                taken += 1;
                continue;
            }
            let sent: Vec<_> = std::iter::from_fn(|| scheduler.next_request()).collect();
            requests += sent.len();
            for (id, request) in sent {
                scheduler.handle_response(id, server.respond(&request));
            }
        }
        assert!(requests <= most, "{requests} for {read}");
    }
    // One page after the other would be 200.
    let outcome = complete(&tree, following);
    assert!(outcome.rounds <= 10, "{} rounds", outcome.rounds);
}

#[test]
fn unused_boundaries_cost_nothing() {
    let large = (0..3500).map(|n| format!("a/{n:04}"));
    let small = (0..40).flat_map(|n| [format!("b{n:02}.txt"), format!("b{n:02}/x")]);
    let tree = server(large.chain(small));
    let two = ListConcurrency {
        read_ahead: 2,
        ..EAGER
    };
    let requests = complete(&tree, two).requests;
    assert!(requests <= 8, "{requests} requests");
}

#[test]
fn no_more_pages_are_kept_than_allowed() {
    let tree = server((0..60_000).map(|n| format!("d{:02}/k{:05}", n / 3000, n % 3000)));
    for ahead in [1, 2, 7, 30] {
        let outcome = complete(
            &tree,
            ListConcurrency {
                read_ahead: ahead,
                ..EAGER
            },
        );
        assert!(outcome.ahead <= ahead, "{} of {ahead}", outcome.ahead);
        let outcome = complete(
            &tree,
            ListConcurrency {
                requests: ahead,
                read_ahead: 100,
                ..EAGER
            },
        );
        assert!(
            outcome.most_at_once <= ahead,
            "{} of {ahead}",
            outcome.most_at_once
        );
    }
}

#[test]
fn a_server_without_start_after_is_listed_by_tokens() {
    for tree in [false, true] {
        let key = |n| {
            if tree {
                format!("d{:02}/{n:04}", n / 300)
            } else {
                format!("{n:04}")
            }
        };
        let mut server = server((0..3000).map(key));
        server.page_size = 100;
        server.ignores_starts = true;
        let requests = complete(&server, EAGER).requests;
        assert!(requests <= 30 + 1 + 10, "{requests} requests");
    }
}

#[test]
fn a_server_that_denies_delimiters_is_listed() {
    let mut server = server((0..30_000).map(|n| format!("d{:02}/k{n:05}", n / 3000)));
    server.denies_delimiters = true;
    let outcome = complete(&server, EAGER);
    assert!(outcome.rounds < 30, "{} rounds", outcome.rounds);
}

#[test]
fn an_error_comes_after_the_pages_before_it() {
    let tree = server((0..9_000).map(|n| format!("d{:02}/k{n:05}", n / 3000)));
    let mut scheduler = ListScheduler::new(
        ListRequest::new(S3Prefix::parse("s3://b").unwrap()),
        EAGER,
        true,
    );
    let mut server = tree.clone();
    let mut keys = 0;
    loop {
        match scheduler.pop() {
            Some(Ok(page)) => keys += page.objects.len(),
            Some(Err(error)) => {
                assert_eq!(error.kind(), ErrorKind::Other);
                break;
            }
            None => {
                let requests: Vec<_> = std::iter::from_fn(|| scheduler.next_request()).collect();
                for (id, request) in requests.into_iter().rev() {
                    let is_bad = request.prefix.prefix() == "d01/";
                    let response = if is_bad {
                        Err(Error::new(ErrorKind::Other, Operation::List))
                    } else {
                        server.respond(&request)
                    };
                    scheduler.handle_response(id, response);
                }
            }
        }
    }
    assert_eq!(keys, 3000);
    assert!(scheduler.is_over() && scheduler.next_request().is_none());
}

#[test]
fn keys_outside_their_range_are_an_error() {
    let tree = server((0..9_000).map(|n| format!("d{:02}/k{n:05}", n / 3000)));
    for violate in [
        (|page: &mut ListPage| page.objects.reverse()) as fn(&mut ListPage),
        |page| page.objects.insert(1, page.objects[0].clone()),
        |page| {
            page.objects.insert(
                0,
                ListedObject::new(S3Url::from_parts("b", "a").unwrap(), 0),
            )
        },
        |page| {
            page.objects
                .push(ListedObject::new(S3Url::from_parts("b", "z").unwrap(), 0))
        },
    ] {
        let mut server = tree.clone();
        let mut scheduler = ListScheduler::new(
            ListRequest::new(S3Prefix::parse("s3://b").unwrap()),
            EAGER,
            true,
        );
        let error = loop {
            match scheduler.pop() {
                Some(Ok(_)) => continue,
                Some(Err(error)) => break error,
                None => assert!(!scheduler.is_over(), "the violation is detected"),
            }
            let requests: Vec<_> = std::iter::from_fn(|| scheduler.next_request()).collect();
            for (id, request) in requests {
                let mut page = server.respond(&request).unwrap();
                if request.prefix.prefix() == "d01/" {
                    violate(&mut page);
                }
                scheduler.handle_response(id, Ok(page));
            }
        };
        assert_eq!(error.kind(), ErrorKind::Integrity);
    }
}

fn keys() -> impl Strategy<Value = Vec<String>> {
    let key = prop_oneof![
        "[0-9]{3}",
        "[ab]/[0-9]{2}",
        "[ab]{1,2}/[ab-]/[0-9a-f]{2}",
        "(p|p/|p/q)[/ab.é\u{10ffff}]{0,4}x",
        "[ -~]{1,4}",
    ];
    prop::collection::btree_set(key, 0..300).prop_map(|keys| keys.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_key_is_listed_once_and_in_order(
        keys in keys(),
        prefix in "(p|p/|a|a/)?",
        page_size in 1_usize..40,
        empty_every in 0_usize..6,
        ignores_delimiters: bool,
        denies_delimiters: bool,
        ignores_starts in prop::bool::weighted(0.2),
        requests in 1_usize..20,
        read_ahead in 1_usize..40,
        follows_reader: bool,
        seed: u64,
    ) {
        let server = ListServer {
            keys, page_size, empty_every: empty_every + usize::from(empty_every == 1),
            ignores_delimiters, denies_delimiters, ignores_starts, ..ListServer::default()
        };
        let mut random = fastrand::Rng::with_seed(seed);
        let mut choose = move |count| random.usize(..count);
        let outcome = list(&server, &prefix, ListConcurrency { requests, read_ahead, follows_reader }, Some(&mut choose));
        let mut expected: Vec<&String> = server.keys.iter().filter(|key| key.starts_with(&prefix)).collect();
        if let Some(error) = outcome.error {
            // A violation may be detected too late to fall back, but then it is an error.
            prop_assert_eq!((error.kind(), ignores_starts), (ErrorKind::Integrity, true), "{}", error);
            expected.truncate(outcome.keys.len());
        }
        prop_assert_eq!(outcome.keys.iter().collect::<Vec<_>>(), expected);
        prop_assert!(outcome.ahead <= read_ahead, "{} pages", outcome.ahead);
    }
}

#[test]
fn the_listings_of_the_model_are_parallel() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut cut = 0;
    for _ in 0..50 {
        let keys = keys().new_tree(&mut runner).unwrap().current();
        let server = ListServer {
            keys,
            page_size: 5,
            ..ListServer::default()
        };
        cut += usize::from(list(&server, "", EAGER, None).most_at_once > 2);
    }
    assert!(cut > 30, "only {cut} of 50");
}
