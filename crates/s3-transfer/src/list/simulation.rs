//! Plans against a server of a page: what comes, in how many rounds, and for how many requests.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use s3_core::{
    Error, ErrorKind, ListPage, ListRequest, ListedObject, Operation, Retryability, S3Prefix, S3Url,
};

use super::plan::{Plan, Spread};

/// A server with keys in order, and some faults that servers have.
#[derive(Clone, Debug, Default)]
struct Server {
    /// In order.
    keys: Vec<String>,
    page_size: usize,
    /// Every so many answers is an empty page that goes on.
    empty_every: usize,
    /// Answers listings with a delimiter as if there were none.
    ignores_delimiters: bool,
    /// Begins at the first key, whatever `start_after` says.
    ignores_starts: bool,
    /// Refuses delimiters, as policies can.
    refuses_delimiters: bool,
    answers: usize,
}

const EMPTY: &str = "again:";

impl Server {
    fn answer(&mut self, request: &ListRequest) -> s3_core::Result<ListPage> {
        let delimiter = request.delimiter.as_deref();
        if self.refuses_delimiters && delimiter.is_some() {
            let error = Error::new(ErrorKind::AccessDenied, Operation::List);
            return Err(error.with_retryability(Retryability::No));
        }
        self.answers += 1;
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
        if self.empty_every > 0 && self.answers.is_multiple_of(self.empty_every) && !is_again {
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
        let behind = |position: &str| {
            let is_before = |key: &String| **key < *prefix || **key <= *position;
            self.keys.partition_point(is_before)
        };
        let mut at = behind(&position);
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
                    // Longer than what follows in any key here.
                    position = format!("{common}{}", "\u{10ffff}".repeat(8));
                    at = behind(&position);
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

/// What became of a listing.
#[derive(Debug)]
struct Outcome {
    keys: Vec<String>,
    error: Option<Error>,
    requests: usize,
    rounds: usize,
    /// Most pages asked for or kept at a time.
    ahead: usize,
    most_at_once: usize,
}

const EAGER: Spread = Spread {
    lanes: 64,
    ahead: usize::MAX,
    follows_reader: false,
};

/// Lists; `order` chooses which request of those under way is answered next, and `None` answers all, one round each.
fn list(
    server: &Server,
    prefix: &str,
    spread: Spread,
    mut order: Option<&mut dyn FnMut(usize) -> usize>,
) -> Outcome {
    let mut server = server.clone();
    let base = ListRequest::new(S3Prefix::from_parts("b", prefix).unwrap());
    let mut plan = Plan::new(base, spread, true);
    let mut outcome = Outcome {
        keys: Vec::new(),
        error: None,
        requests: 0,
        rounds: 0,
        ahead: 0,
        most_at_once: 0,
    };
    let mut under_way: Vec<(u64, ListRequest)> = Vec::new();
    loop {
        while let Some(page) = plan.pop() {
            match page {
                Ok(page) => outcome.keys.extend(
                    page.objects
                        .iter()
                        .map(|object| object.url.key().to_owned()),
                ),
                Err(error) => outcome.error = Some(error),
            }
        }
        if plan.is_over() {
            return outcome;
        }
        while let Some(request) = plan.next() {
            outcome.requests += 1;
            under_way.push(request);
        }
        outcome.ahead = outcome.ahead.max(plan.pages_ahead());
        outcome.most_at_once = outcome.most_at_once.max(under_way.len());
        assert!(!under_way.is_empty(), "the listing stands still: {plan:?}");
        outcome.rounds += 1;
        match &mut order {
            Some(choose) => {
                let chosen = choose(under_way.len());
                let (id, request) = under_way.swap_remove(chosen);
                plan.answered(id, server.answer(&request));
            }
            None => {
                for (id, request) in under_way.drain(..) {
                    plan.answered(id, server.answer(&request));
                }
            }
        }
        assert!(outcome.requests < 100_000, "the listing does not end");
    }
}

fn server(keys: impl IntoIterator<Item = String>) -> Server {
    let keys: BTreeSet<String> = keys.into_iter().collect();
    Server {
        keys: keys.into_iter().collect(),
        page_size: 1000,
        ..Server::default()
    }
}

/// Lists all keys in rounds, and asserts that each came once and in order.
fn complete(server: &Server, spread: Spread) -> Outcome {
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
fn up_to_two_pages_cost_a_request_each_and_three_cost_little_more() {
    for (count, requests) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (2000, 2)] {
        let flat = server((0..count).map(|n| format!("k{n:07}")));
        assert_eq!(complete(&flat, EAGER).requests, requests, "{count} keys");
    }
    // Beside the second page is the look for directories.
    let tree = server((0..1001).map(|n| format!("p/{n:04}")));
    let outcome = complete(&tree, EAGER);
    assert_eq!((outcome.requests, outcome.rounds), (3, 2));
    // Two guesses behind the end.
    for count in [2500, 3000] {
        let flat = server((0..count).map(|n| format!("k{n:07}")));
        assert_eq!(complete(&flat, EAGER).requests, 3 + 2, "{count} keys");
    }
}

#[test]
fn directories_are_listed_side_by_side() {
    let tree = server((0..200_000).map(|n| format!("d{:02}/k{:05}", n / 3125, n % 3125)));
    let outcome = complete(&tree, EAGER);
    assert!(outcome.rounds <= 6, "{} rounds", outcome.rounds);
    assert!(outcome.requests <= 290, "{} requests", outcome.requests);
}

#[test]
fn numbers_are_listed_side_by_side() {
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
fn hexadecimal_keys_are_listed_side_by_side() {
    let outcome = complete(&server(hexadecimal(100_000)), EAGER);
    assert!(outcome.rounds <= 12, "{} rounds", outcome.rounds);
    assert!(outcome.requests <= 160, "{} requests", outcome.requests);
}

#[test]
fn keys_without_a_structure_cost_no_more_than_pages() {
    let scripts = ('\u{4e00}'..'\u{4e80}')
        .flat_map(|a| ('\u{4e00}'..'\u{4e40}').map(move |b| format!("{a}{b}")));
    let mut server = server(scripts);
    server.page_size = 100;
    let outcome = complete(&server, EAGER);
    assert!(outcome.requests <= 82 + 2, "{} requests", outcome.requests);
}

#[test]
fn many_small_directories_cost_no_request_each() {
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
fn a_reader_who_stops_early_has_paid_for_few_pages() {
    let tree = server((0..200_000).map(|n| format!("d{:02}/k{:05}", n / 3125, n % 3125)));
    let following = Spread {
        ahead: 256,
        follows_reader: true,
        ..EAGER
    };
    for (read, most) in [(1, 1), (2, 3), (3, 4), (4, 12), (10, 240)] {
        let mut server = tree.clone();
        let base = ListRequest::new(S3Prefix::parse("s3://b").unwrap());
        let mut plan = Plan::new(base, following, true);
        let (mut taken, mut requests) = (0, 0);
        while taken < read {
            if plan.pop().is_some() {
                taken += 1;
                continue;
            }
            let sent: Vec<_> = std::iter::from_fn(|| plan.next()).collect();
            requests += sent.len();
            for (id, request) in sent {
                plan.answered(id, server.answer(&request));
            }
        }
        assert!(requests <= most, "{requests} for {read}");
    }
    // One page after the other would be 200.
    let outcome = complete(&tree, following);
    assert!(outcome.rounds <= 10, "{} rounds", outcome.rounds);
}

#[test]
fn boundaries_that_were_only_planned_cost_nothing() {
    let large = (0..3500).map(|n| format!("a/{n:04}"));
    let small = (0..40).flat_map(|n| [format!("b{n:02}.txt"), format!("b{n:02}/x")]);
    let tree = server(large.chain(small));
    let two = Spread { ahead: 2, ..EAGER };
    let requests = complete(&tree, two).requests;
    assert!(requests <= 8, "{requests} requests");
}

#[test]
fn no_more_pages_are_kept_than_allowed() {
    let tree = server((0..60_000).map(|n| format!("d{:02}/k{:05}", n / 3000, n % 3000)));
    for ahead in [1, 2, 7, 30] {
        let outcome = complete(&tree, Spread { ahead, ..EAGER });
        assert!(outcome.ahead <= ahead, "{} of {ahead}", outcome.ahead);
        let outcome = complete(
            &tree,
            Spread {
                lanes: ahead,
                ahead: 100,
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
fn a_server_that_does_not_begin_behind_a_key_is_listed_by_its_tokens() {
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
fn a_server_that_refuses_delimiters_is_listed_all_the_same() {
    let mut server = server((0..30_000).map(|n| format!("d{:02}/k{n:05}", n / 3000)));
    server.refuses_delimiters = true;
    let outcome = complete(&server, EAGER);
    assert!(outcome.rounds < 30, "{} rounds", outcome.rounds);
}

#[test]
fn an_error_comes_behind_the_pages_before_it() {
    let tree = server((0..9_000).map(|n| format!("d{:02}/k{n:05}", n / 3000)));
    let mut plan = Plan::new(
        ListRequest::new(S3Prefix::parse("s3://b").unwrap()),
        EAGER,
        true,
    );
    let mut server = tree.clone();
    let mut keys = 0;
    loop {
        match plan.pop() {
            Some(Ok(page)) => keys += page.objects.len(),
            Some(Err(error)) => {
                assert_eq!(error.kind(), ErrorKind::Other);
                break;
            }
            None => {
                let requests: Vec<_> = std::iter::from_fn(|| plan.next()).collect();
                for (id, request) in requests.into_iter().rev() {
                    let is_bad = request.prefix.prefix() == "d01/";
                    let answer = if is_bad {
                        Err(Error::new(ErrorKind::Other, Operation::List))
                    } else {
                        server.answer(&request)
                    };
                    plan.answered(id, answer);
                }
            }
        }
    }
    assert_eq!(keys, 3000);
    assert!(plan.is_over() && plan.next().is_none());
}

#[test]
fn a_range_that_lies_is_an_error() {
    let tree = server((0..9_000).map(|n| format!("d{:02}/k{n:05}", n / 3000)));
    for lie in [
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
        let mut plan = Plan::new(
            ListRequest::new(S3Prefix::parse("s3://b").unwrap()),
            EAGER,
            true,
        );
        let error = loop {
            match plan.pop() {
                Some(Ok(_)) => continue,
                Some(Err(error)) => break error,
                None => assert!(!plan.is_over(), "the lie is noticed"),
            }
            let requests: Vec<_> = std::iter::from_fn(|| plan.next()).collect();
            for (id, request) in requests {
                let mut page = server.answer(&request).unwrap();
                if request.prefix.prefix() == "d01/" {
                    lie(&mut page);
                }
                plan.answered(id, Ok(page));
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
    fn every_key_comes_once_and_in_order(
        keys in keys(),
        prefix in "(p|p/|a|a/)?",
        page_size in 1_usize..40,
        empty_every in 0_usize..6,
        ignores_delimiters: bool,
        refuses_delimiters: bool,
        ignores_starts in prop::bool::weighted(0.2),
        lanes in 1_usize..20,
        ahead in 1_usize..40,
        follows_reader: bool,
        seed: u64,
    ) {
        let server = Server {
            keys, page_size, empty_every: empty_every + usize::from(empty_every == 1),
            ignores_delimiters, refuses_delimiters, ignores_starts, ..Server::default()
        };
        let mut random = fastrand::Rng::with_seed(seed);
        let mut choose = move |count| random.usize(..count);
        let outcome = list(&server, &prefix, Spread { lanes, ahead, follows_reader }, Some(&mut choose));
        let mut expected: Vec<&String> = server.keys.iter().filter(|key| key.starts_with(&prefix)).collect();
        if let Some(error) = outcome.error {
            // A server may be found out too late, but then it is said.
            prop_assert_eq!((error.kind(), ignores_starts), (ErrorKind::Integrity, true), "{}", error);
            expected.truncate(outcome.keys.len());
        }
        prop_assert_eq!(outcome.keys.iter().collect::<Vec<_>>(), expected);
        prop_assert!(outcome.ahead <= ahead, "{} pages", outcome.ahead);
    }
}

#[test]
fn the_listings_of_the_model_are_really_cut() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut cut = 0;
    for _ in 0..50 {
        let keys = keys().new_tree(&mut runner).unwrap().current();
        let server = Server {
            keys,
            page_size: 5,
            ..Server::default()
        };
        cut += usize::from(list(&server, "", EAGER, None).most_at_once > 2);
    }
    assert!(cut > 30, "only {cut} of 50");
}
