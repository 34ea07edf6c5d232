//! [`ListScheduler`]: decides which pages of a listing to request next, and returns the pages in key order.
//!
//! A listing is a sequence of [`KeyRange`]s in key order, each listed, in flight or open. Together they cover all keys
//! that were not read, and they do not overlap, so every key is listed once, wherever the boundaries are. Boundaries
//! only affect speed:
//!
//! 1. The first page is requested alone. Often it is the only one.
//! 2. If keys are in directories, the next page is requested, and with it a page with the delimiter `/`, a
//!    [probe](delimiter_probe) for directories. Their names are [boundaries](super::directories), and all
//!    directories are listed in parallel.
//! 3. While half of the requests are unused, pages are [predicted](speculation): the page after one in flight is
//!    requested at the key where the [interpolator](super::key_interpolator) expects it to begin. Predictions are limited
//!    by credit: one that finds keys earns one, one that finds none costs three.
//!
//! Prediction makes flat listings parallel. 200,000 keys under one prefix, 200 pages: rounds and requests in
//! `simulation.rs`, seconds of `mfs3 du` over a server with 20 ms of latency, each without and with prediction:
//!
//! | names | rounds, without | with | requests, without | with | seconds, without | with |
//! |---|---|---|---|---|---|---|
//! | zero-padded numbers | 200 | 10 | 200 | 261 | 4.43 | 0.27 |
//! | UUIDs | 200 | 10 | 200 | 222 | 4.44 | 0.29 |
//! | dates | 200 | 51 | 200 | 400 | 4.44 | 1.74 |
//!
//! `docs/TUNING.md` has the CPU time, and the figures of a server without latency.
//!
//! If a page extends past its range, its keys are kept up to the next range that was requested, so a bad boundary costs
//! nothing before it is used.
//!
//! The scheduler sends nothing and reads no clock: [`ListScheduler::next_request`] returns the next request,
//! [`ListScheduler::handle_response`] takes the response, and [`ListScheduler::pop`] returns pages in key order.

mod delimiter_probe;
mod speculation;

use std::collections::VecDeque;
use std::sync::Arc;

use s3_core::{ListPage, ListRequest, ListedObject, Result, Retryability, S3Prefix};

use self::delimiter_probe::DelimiterProbe;
use self::speculation::SpeculationCredit;
use super::directories::{DELIMITER, Density};
use super::key_interpolator::KeyInterpolator;
use super::key_range::{
    Cursor, InFlightPage, KeyRange, RangeState, check_prefix, keys_until, last_key,
    protocol_violation,
};
use super::waiting_page::WaitingPage;

/// Maximum number of probes per listing that find no directory to split at.
const MAX_WASTED_PROBES: usize = 3;

/// Limits of the pages of a listing that are requested in parallel.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListConcurrency {
    /// Maximum number of requests in flight.
    pub(super) requests: usize,
    /// Maximum number of pages in flight or waiting to be read.
    pub(super) read_ahead: usize,
    /// Limits the read-ahead to one page until the third is read, and then to the cube of the pages read after the first.
    /// A caller that reads little causes few requests, and one that reads all waits for few more rounds (10 instead of 6
    /// for 200 pages in 64 directories).
    pub(super) follows_reader: bool,
}

/// Whether the server can list key ranges: it supports `start_after` and returns keys in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RangeSupport {
    /// Pages are requested one after the other, by the server's tokens.
    No,
    /// Decided by the first page.
    Unknown,
    Yes,
}

/// A listing in progress.
#[derive(Debug)]
pub(super) struct ListScheduler {
    base: ListRequest,
    concurrency: ListConcurrency,
    range_support: RangeSupport,
    ranges: VecDeque<KeyRange>,
    probes: Vec<DelimiterProbe>,
    next_id: u64,
    /// Whether a response has shown that the server supports `start_after`.
    is_verified: bool,
    /// Number of pages read.
    pages_read: usize,
    /// The last entry of the last page read.
    last_entry: Option<Arc<str>>,
    credit: SpeculationCredit,
    wasted_probes: usize,
}

impl ListScheduler {
    /// Starts a listing. Only a listing without delimiter, on a server that `supports_ranges`, is parallel.
    pub(super) fn new(
        base: ListRequest,
        concurrency: ListConcurrency,
        supports_ranges: bool,
    ) -> Self {
        let is_flat = base.delimiter.as_deref().unwrap_or_default().is_empty();
        let is_parallel = concurrency.requests > 1 && concurrency.read_ahead > 1;
        let range_support = if is_flat && supports_ranges && is_parallel {
            RangeSupport::Unknown
        } else {
            RangeSupport::No
        };
        let range = KeyRange {
            after: base.start_after.clone(),
            until: None,
            prefix: base.prefix.clone(),
            level: Some(base.prefix.prefix().len()),
            state: RangeState::Open(Cursor::default()),
        };
        Self {
            base,
            concurrency,
            range_support,
            ranges: VecDeque::from([range]),
            probes: Vec::new(),
            next_id: 0,
            is_verified: false,
            pages_read: 0,
            last_entry: None,
            credit: SpeculationCredit::default(),
            wasted_probes: 0,
        }
    }

    /// Returns whether all pages have been read.
    pub(super) fn is_over(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Counts the pages in flight or waiting to be read.
    pub(super) fn pages_ahead(&self) -> usize {
        let is_open = |range: &&KeyRange| matches!(range.state, RangeState::Open(_));
        self.ranges.len() - self.ranges.iter().filter(is_open).count()
    }

    /// Returns the next page in key order, or the error in its place. Nothing follows an error.
    pub(super) fn pop(&mut self) -> Option<Result<ListPage>> {
        let is_done = matches!(
            self.ranges.front()?.state,
            RangeState::Listed(_) | RangeState::Failed(_)
        );
        if !is_done {
            return None;
        }
        let page = match self.ranges.pop_front()?.state {
            RangeState::Listed(page) => {
                let page = page.unpack();
                check_prefix(&page, &self.base.prefix)
                    .and_then(|()| self.check_repetition(&page))
                    .map(|()| page)
            }
            RangeState::Failed(error) => Err(error),
            RangeState::Open(_) | RangeState::InFlight(_) => return None,
        };
        match &page {
            Ok(_) => self.pages_read += 1,
            Err(_) => self.ranges.clear(),
        }
        Some(page)
    }

    /// Fails if a page repeats the last entry of the page before. Such a server lists keys twice, and may omit others.
    fn check_repetition(&mut self, page: &ListPage) -> Result<()> {
        let Some((first, last)) = first_and_last_entry(page) else {
            return Ok(());
        };
        if let Some(before) = self.last_entry.as_deref()
            && first <= before
            && entries(page).any(|entry| entry == before)
        {
            return Err(protocol_violation(
                &self.base.prefix,
                "a page of the server's listing repeats entries of the page before it",
            ));
        }
        self.last_entry = Some(last.into());
        Ok(())
    }

    /// Returns the next request to send, and its id.
    pub(super) fn next_request(&mut self) -> Option<(u64, ListRequest)> {
        let probes = self.probes.iter().filter(|probe| probe.id.is_some());
        if self.in_flight().count() + probes.count() >= self.concurrency.requests.max(1) {
            return None;
        }
        if let Some(request) = self.send_probe() {
            return Some(request);
        }
        let has_room = self.pages_ahead() < self.read_ahead();
        for (index, range) in self.ranges.iter().enumerate() {
            match range.state {
                // The first range may always be requested, because all waiting pages wait for it.
                RangeState::Open(_) if index == 0 || has_room => {
                    return Some(self.request_page(index));
                }
                RangeState::Open(_) | RangeState::Failed(_) => return None,
                RangeState::InFlight(_) | RangeState::Listed(_) => {}
            }
        }
        has_room.then(|| self.speculate()).flatten()
    }

    fn read_ahead(&self) -> usize {
        if self.concurrency.follows_reader {
            let after_first = self.pages_read.saturating_sub(1);
            after_first
                .saturating_pow(3)
                .clamp(1, self.concurrency.read_ahead)
        } else {
            self.concurrency.read_ahead
        }
    }

    fn request_page(&mut self, index: usize) -> (u64, ListRequest) {
        let is_unlisted = |range: &&KeyRange| {
            matches!(range.state, RangeState::Open(_) | RangeState::InFlight(_))
        };
        let unlisted = self.ranges.iter().filter(is_unlisted).count();
        let range = &mut self.ranges[index];
        let RangeState::Open(cursor) = &mut range.state else {
            unreachable!("only open ranges are requested");
        };
        let mut cursor = std::mem::take(cursor);
        let levels = std::mem::take(&mut cursor.levels);
        // With enough ranges for all requests, more boundaries gain nothing.
        let may_probe =
            unlisted <= self.concurrency.requests && self.wasted_probes < MAX_WASTED_PROBES;
        if let (false, Some(after), true) = (levels.is_empty(), &range.after, may_probe) {
            self.probes.push(DelimiterProbe {
                id: None,
                after: Arc::clone(after),
                prefix: range.prefix.clone(),
                levels,
            });
        }
        cursor.verifies_start_after = self.range_support == RangeSupport::Yes
            && cursor.token.is_some()
            && !cursor.is_plain
            && !self.is_verified;
        let request = range.request(&cursor, &self.base);
        let id = self.set_in_flight(index, cursor, false);
        (id, request)
    }

    fn set_in_flight(&mut self, index: usize, cursor: Cursor, is_speculative: bool) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.ranges[index].state = RangeState::InFlight(InFlightPage {
            id,
            is_speculative,
            cursor,
        });
        id
    }

    fn in_flight(&self) -> impl Iterator<Item = &InFlightPage> {
        self.ranges.iter().filter_map(|range| match &range.state {
            RangeState::InFlight(page) => Some(page),
            _ => None,
        })
    }

    /// Handles the response to a request.
    pub(super) fn handle_response(&mut self, id: u64, response: Result<ListPage>) {
        if let Some(index) = self.probes.iter().position(|probe| probe.id == Some(id)) {
            let probe = self.probes.remove(index);
            return match response {
                Ok(page) => self.handle_probe(probe, &page),
                // The listing is complete without directories.
                Err(_) => self.wasted_probes = MAX_WASTED_PROBES,
            };
        }
        let is_it =
            |range: &KeyRange| matches!(&range.state, RangeState::InFlight(page) if page.id == id);
        // The range may have been abandoned.
        let Some(index) = self.ranges.iter().position(is_it) else {
            return;
        };
        let open = RangeState::Open(Cursor::default());
        let RangeState::InFlight(request) = std::mem::replace(&mut self.ranges[index].state, open)
        else {
            unreachable!("the range was found by its id");
        };
        let done = match response {
            Err(error)
                if request.cursor.verifies_start_after
                    && error.retryability() == Retryability::No =>
            {
                self.reopen(index, request.cursor);
                Ok(())
            }
            Err(error) => Err(error),
            Ok(page) if self.range_support == RangeSupport::Yes => {
                self.handle_range_page(index, request, page)
            }
            Ok(page) => self.handle_sequential_page(index, request.cursor, page),
        };
        if let Err(error) = done {
            self.ranges[index].state = RangeState::Failed(error);
        }
    }

    /// Requests the page again, without verification.
    fn reopen(&mut self, index: usize, cursor: Cursor) {
        let cursor = Cursor {
            is_plain: true,
            ..cursor
        };
        self.ranges[index].state = RangeState::Open(cursor);
    }

    /// Stops listing ranges, because the server does not support `start_after`. The range at `index` continues by tokens,
    /// and takes over the ranges after it.
    fn fall_back_to_tokens(&mut self, index: usize) {
        self.ranges.truncate(index + 1);
        self.ranges[index].until = None;
        self.probes.clear();
        self.concurrency.requests = 1;
    }

    /// Returns whether all ranges before this one are listed, so that it can continue to the end of the listing.
    fn is_frontier(&self, index: usize) -> bool {
        let mut before = self.ranges.iter().take(index);
        before.all(|range| matches!(range.state, RangeState::Listed(_)))
            && self.ranges[index].prefix == self.base.prefix
    }

    /// Handles a page while pages are requested one after the other.
    fn handle_sequential_page(
        &mut self,
        index: usize,
        cursor: Cursor,
        page: ListPage,
    ) -> Result<()> {
        if self.range_support == RangeSupport::Unknown && page.next.is_some() {
            if !page.objects.is_empty() && self.ranges[index].check(&page).is_ok() {
                self.range_support = RangeSupport::Yes;
                return self.split_at_page(index, cursor, page);
            }
            self.range_support = RangeSupport::No;
        }
        let next = match page.next.clone() {
            Some(token) => Some(self.continue_by_token(cursor, token)?),
            None => None,
        };
        let range = &mut self.ranges[index];
        let next = next.map(|cursor| KeyRange {
            after: range.after.clone(),
            until: None,
            prefix: range.prefix.clone(),
            level: None,
            state: RangeState::Open(cursor),
        });
        range.state = RangeState::Listed(WaitingPage::Plain(page));
        if let Some(next) = next {
            self.ranges.insert(index + 1, next);
        }
        Ok(())
    }

    /// Returns the cursor for a continuation token. Fails if the server repeats tokens, which would never end.
    fn continue_by_token(&self, mut cursor: Cursor, token: Arc<str>) -> Result<Cursor> {
        if cursor.tokens.is_repeated(&token) {
            return Err(protocol_violation(
                &self.base.prefix,
                "the server returned a continuation token twice",
            ));
        }
        Ok(Cursor {
            token: Some(token),
            tokens: cursor.tokens,
            ..Cursor::default()
        })
    }

    /// Handles a page of a range.
    fn handle_range_page(
        &mut self,
        index: usize,
        request: InFlightPage,
        page: ListPage,
    ) -> Result<()> {
        let cursor = request.cursor;
        if let Err(violation) = self.ranges[index].check(&page) {
            if cursor.verifies_start_after {
                if self.is_frontier(index) && !self.is_verified {
                    self.fall_back_to_tokens(index);
                    self.range_support = RangeSupport::No;
                }
                self.reopen(index, cursor);
                return Ok(());
            }
            // While a verification is in flight that can continue by its token, the server may not support ranges.
            let is_verification = |range: &KeyRange| matches!(&range.state, RangeState::InFlight(page) if page.cursor.verifies_start_after);
            return match self.ranges.iter().position(is_verification) {
                Some(first) if first < index && !self.is_verified && self.is_frontier(first) => {
                    self.fall_back_to_tokens(first);
                    Ok(())
                }
                _ => Err(violation),
            };
        }
        self.is_verified |= cursor.verifies_start_after;
        let found_keys = self.absorb(index, &page) > 0;
        self.update_credit(request.is_speculative, found_keys);
        self.split_at_page(index, cursor, page)
    }

    /// Extends a range by the open ranges that its page covers. A page that ends the listing covers speculative ranges as
    /// well, whose responses are not awaited. Returns how many keys of the page are in the range.
    fn absorb(&mut self, index: usize, page: &ListPage) -> usize {
        while self.ranges[index].is_exceeded_by(page) {
            let Some(next) = self.ranges.get(index + 1) else {
                break;
            };
            let (is_open, is_wasted) = match &next.state {
                RangeState::Open(_) => (true, false),
                RangeState::InFlight(request) => {
                    (false, request.is_speculative && page.next.is_none())
                }
                RangeState::Listed(_) | RangeState::Failed(_) => (false, false),
            };
            if !(is_open || is_wasted) || !self.ranges[index].includes_prefix_of(next) {
                break;
            }
            if is_wasted {
                self.credit.charge();
            }
            let next = self.ranges.remove(index + 1);
            self.ranges[index].until = next.and_then(|next| next.until);
        }
        keys_until(page, self.ranges[index].until.as_deref())
    }

    /// Replaces a range by its page and an open range for the rest.
    fn split_at_page(&mut self, index: usize, cursor: Cursor, mut page: ListPage) -> Result<()> {
        let range = &self.ranges[index];
        let rest = if range.is_completed_by(&page) {
            None
        } else {
            Some(self.rest(index, cursor, &page)?)
        };
        let mut range = self.ranges.remove(index).expect("the range exists");
        page.objects
            .truncate(keys_until(&page, range.until.as_deref()));
        // The token belongs to a range, not to the listing.
        page.next = None;
        let has_keys = !page.objects.is_empty();
        let waiting = match index {
            0 => WaitingPage::Plain(page),
            _ => WaitingPage::pack(page, &range.prefix),
        };
        range.state = RangeState::Listed(waiting);
        let listed = has_keys.then_some(range);
        for (offset, range) in listed.into_iter().chain(rest).enumerate() {
            self.ranges.insert(index + offset, range);
        }
        Ok(())
    }

    /// Returns the part of a range after a page.
    fn rest(&self, index: usize, cursor: Cursor, page: &ListPage) -> Result<KeyRange> {
        let range = &self.ranges[index];
        let mut next = match page.next.clone() {
            Some(token) => self.continue_by_token(cursor, token)?,
            None => Cursor::default(),
        };
        let keys: Vec<&str> = page.objects.iter().map(|object| object.url.key()).collect();
        // After an empty page, only its token makes progress.
        next.is_plain = keys.is_empty();
        next.interpolator = KeyInterpolator::new(&keys, range.prefix.prefix().len());
        let mut level = range.level;
        if let (Some(at), Some(last)) = (level, keys.last())
            && last
                .get(at..)
                .is_some_and(|below| below.contains(DELIMITER))
        {
            next.levels = Density::levels(&keys, at);
            level = None;
        }
        Ok(KeyRange {
            after: last_key(page).map_or_else(|| range.after.clone(), |last| Some(last.into())),
            until: range.until.clone(),
            prefix: range.prefix.clone(),
            level,
            state: RangeState::Open(next),
        })
    }
}

fn key(object: &ListedObject) -> &str {
    object.url.key()
}

fn entries(page: &ListPage) -> impl Iterator<Item = &str> {
    page.objects
        .iter()
        .map(key)
        .chain(page.prefixes.iter().map(S3Prefix::prefix))
}

/// Returns the first and the last entry of a page, objects and prefixes together.
fn first_and_last_entry(page: &ListPage) -> Option<(&str, &str)> {
    let (objects, prefixes) = (&page.objects, &page.prefixes);
    let first = [
        objects.first().map(key),
        prefixes.first().map(S3Prefix::prefix),
    ];
    let last = [
        objects.last().map(key),
        prefixes.last().map(S3Prefix::prefix),
    ];
    let first = first.into_iter().flatten().min()?;
    Some((first, last.into_iter().flatten().max()?))
}
