//! What to ask for next, and how the answers fit together.
//!
//! A listing is a row of [spans](Span) in key order: ranges of keys, each listed, on its way or still open. Together
//! they always cover what has not been read, and none overlaps another, so every key comes once, wherever the
//! boundaries are. What decides about boundaries only decides about speed:
//!
//! 1. The first page is asked for plainly. If it is the only one, that was all.
//! 2. If keys are in directories, the second page is asked for, and beside it what follows with the
//!    delimiter `/`: the names of directories are [boundaries](super::directories), and all directories are listed at
//!    once. If no key is in a directory, only the latter is asked for: the answer is likely to be the second page.
//! 3. If more than half of the lanes are free then, they are used for [guesses](guess): a page on its way is followed by
//!    the request for the page behind it, which begins where the [density](Pace) of the keys seen last suggests. Guesses
//!    are paid by credit: one that finds keys earns one, one that finds none costs three. So listings whose keys are
//!    spread evenly soon use all lanes, and others are listed one page after the other, with few requests in vain.
//!
//! An answer that reaches behind its range is kept as far as nothing else has been asked there, so that a bad boundary
//! costs nothing as long as it was only planned.
//!
//! No request is sent here and no time passes: [`Plan::next`] says what to send, [`Plan::answered`] takes the answer
//! and [`Plan::pop`] gives the pages in key order.

mod guess;
mod scout;

use std::collections::VecDeque;
use std::sync::Arc;

use s3_core::{ListPage, ListRequest, ListedObject, Result, Retryability, S3Prefix};

use self::guess::Credit;
use self::scout::Scout;
use super::directories::{self, Density};
use super::pace::Pace;
use super::span::{Asked, Probe, Span, Start, State, last_key, lie};

/// Requests for directories that may find none to cut at, per listing.
const PROBES_IN_VAIN: usize = 3;

/// How a listing may be spread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    /// The most requests at once.
    pub(super) lanes: usize,
    /// The most pages asked for or kept, beyond those that were taken.
    pub(super) ahead: usize,
    /// Asks for one page more until the third is taken, and then for no more than the third power of those taken behind
    /// the first: who reads little is to pay for little, and who reads all waits for few rounds more (10 instead of 6
    /// for 200 pages in 64 directories).
    pub(super) follows_reader: bool,
}

/// What the server's order is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// Page after page by the server's tokens; nothing is known or asked about order.
    Ignored,
    /// The first page will tell.
    Unknown,
    /// Ranges may be asked for on their own.
    Kept,
}

/// A listing under way.
#[derive(Debug)]
pub(super) struct Plan {
    base: ListRequest,
    spread: Spread,
    order: Order,
    spans: VecDeque<Span>,
    scouts: Vec<Scout>,
    next_id: u64,
    /// Whether an answer has shown that the server begins behind the key it is given.
    is_verified: bool,
    /// Pages that were taken.
    taken: usize,
    /// The last entry of the last page that was taken.
    last: Option<Arc<str>>,
    credit: Credit,
    probes_in_vain: usize,
}

impl Plan {
    /// Begins a listing. Only one without delimiter can be spread, and only over ranges that `start_after` can express.
    pub(super) fn new(base: ListRequest, spread: Spread, takes_ranges: bool) -> Self {
        let is_flat = base.delimiter.as_deref().unwrap_or_default().is_empty();
        let order = if is_flat && takes_ranges && spread.lanes > 1 && spread.ahead > 1 {
            Order::Unknown
        } else {
            Order::Ignored
        };
        let span = Span {
            after: base.start_after.clone(),
            until: None,
            within: base.prefix.clone(),
            level: Some(base.prefix.prefix().len()),
            state: State::Open(Start::default()),
        };
        Self {
            base,
            spread,
            order,
            spans: VecDeque::from([span]),
            scouts: Vec::new(),
            next_id: 0,
            is_verified: false,
            taken: 0,
            last: None,
            credit: Credit::default(),
            probes_in_vain: 0,
        }
    }

    /// Whether there is nothing to come.
    pub(super) fn is_over(&self) -> bool {
        self.spans.is_empty()
    }

    /// Counts the pages that are asked for or kept.
    pub(super) fn pages_ahead(&self) -> usize {
        let is_open = |span: &&Span| matches!(span.state, State::Open(_));
        self.spans.len() - self.spans.iter().filter(is_open).count()
    }

    /// Takes the next page in key order, or the error that is in its place. Nothing follows an error.
    pub(super) fn pop(&mut self) -> Option<Result<ListPage>> {
        if !matches!(
            self.spans.front()?.state,
            State::Listed(_) | State::Failed(_)
        ) {
            return None;
        }
        match self.spans.pop_front()?.state {
            State::Listed(page) => {
                self.taken += 1;
                if let Err(error) = self.follows(&page) {
                    self.spans.clear();
                    return Some(Err(error));
                }
                Some(Ok(page))
            }
            State::Failed(error) => {
                self.spans.clear();
                Some(Err(error))
            }
            State::Open(_) | State::Asked(_) => None,
        }
    }

    /// Refuses a page that has the last entry of the page before it once more: keys come twice, and others perhaps not
    /// at all. That is no matter of the server's order.
    fn follows(&mut self, page: &ListPage) -> Result<()> {
        let Some((first, last)) = ends(page) else {
            return Ok(());
        };
        if let Some(before) = self.last.as_deref()
            && first <= before
            && entries(page).any(|entry| entry == before)
        {
            return Err(lie(
                &self.base.prefix,
                "a page of the server's listing repeats entries of the one before it",
            ));
        }
        self.last = Some(last.into());
        Ok(())
    }

    /// Returns the next request to send, with the number to answer it by.
    pub(super) fn next(&mut self) -> Option<(u64, ListRequest)> {
        let scouts = self.scouts.iter().filter(|scout| scout.id.is_some());
        if self.asked().count() + scouts.count() >= self.spread.lanes.max(1) {
            return None;
        }
        if let Some(request) = self.send_scout() {
            return Some(request);
        }
        let has_room = self.pages_ahead() < self.most_ahead();
        for (index, span) in self.spans.iter().enumerate() {
            match span.state {
                // The first one may always go on: what is kept waits for it.
                State::Open(_) if index == 0 || has_room => {
                    return Some(self.ask(index));
                }
                State::Open(_) | State::Failed(_) => return None,
                State::Asked(_) | State::Listed(_) => {}
            }
        }
        has_room.then(|| self.guess()).flatten()
    }

    fn most_ahead(&self) -> usize {
        if self.spread.follows_reader {
            let behind_first = self.taken.saturating_sub(1);
            behind_first.saturating_pow(3).clamp(1, self.spread.ahead)
        } else {
            self.spread.ahead
        }
    }

    fn ask(&mut self, index: usize) -> (u64, ListRequest) {
        let waiting = self.unlisted();
        let span = &mut self.spans[index];
        let State::Open(start) = &mut span.state else {
            unreachable!("only open spans are asked for");
        };
        let mut start = std::mem::take(start);
        let levels = std::mem::take(&mut start.levels);
        // Where there is enough to do, a page in hand is worth more than directories.
        let looks =
            !start.is_plain && waiting <= self.spread.lanes && self.probes_in_vain < PROBES_IN_VAIN;
        if let (Some(&level), Some(after), true) = (levels.front(), &span.after, looks) {
            if level.1.directories == 0 {
                start.probe = Some(Probe::Directories(level));
            } else {
                self.scouts.push(Scout {
                    id: None,
                    after: Arc::clone(after),
                    within: span.within.clone(),
                    levels,
                });
            }
        }
        let can_verify = self.order == Order::Kept && start.token.is_some() && !start.is_plain;
        if can_verify && !self.is_verified && start.probe.is_none() {
            start.probe = Some(Probe::Order);
        }
        let request = span.request(&start, &self.base);
        let id = self.send(index, start, false);
        (id, request)
    }

    fn send(&mut self, index: usize, start: Start, is_guess: bool) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.spans[index].state = State::Asked(Asked {
            id,
            is_guess,
            start,
        });
        id
    }

    fn asked(&self) -> impl Iterator<Item = &Asked> {
        self.spans.iter().filter_map(|span| match &span.state {
            State::Asked(asked) => Some(asked),
            _ => None,
        })
    }

    fn unlisted(&self) -> usize {
        let is_unlisted = |span: &&Span| matches!(span.state, State::Open(_) | State::Asked(_));
        self.spans.iter().filter(is_unlisted).count()
    }

    /// Takes the answer to a request.
    pub(super) fn answered(&mut self, id: u64, answer: Result<ListPage>) {
        let is_it = |span: &Span| matches!(&span.state, State::Asked(asked) if asked.id == id);
        if let Some(index) = self.scouts.iter().position(|scout| scout.id == Some(id)) {
            let scout = self.scouts.remove(index);
            // What goes wrong here goes wrong with the pages as well, or does not matter.
            return answer.map_or((), |page| self.scouted(scout, &page));
        }
        // It may have been given up meanwhile.
        let Some(index) = self.spans.iter().position(is_it) else {
            return;
        };
        let open = State::Open(Start::default());
        let State::Asked(asked) = std::mem::replace(&mut self.spans[index].state, open) else {
            unreachable!("it was found by its number");
        };
        let is_probe = asked.start.probe.is_some();
        let done = match answer {
            Err(error) if is_probe && error.retryability() == Retryability::No => {
                self.probes_in_vain = PROBES_IN_VAIN;
                self.reopen(index, asked.start);
                Ok(())
            }
            Err(error) => Err(error),
            Ok(page) if is_probe => self.probed(index, asked.start, page),
            Ok(page) if self.order == Order::Kept => self.listed(index, asked, page),
            Ok(page) => self.plain(index, asked.start, page),
        };
        if let Err(error) = done {
            self.spans[index].state = State::Failed(error);
        }
    }

    /// Asks for the page again without what was to be found out.
    fn reopen(&mut self, index: usize, start: Start) {
        let start = Start {
            probe: None,
            is_plain: true,
            ..start
        };
        self.spans[index].state = State::Open(start);
    }

    /// Gives up on ranges: the server does not begin behind a key. The span at `index` goes on by the server's tokens
    /// and takes what was cut off behind it.
    fn distrust(&mut self, index: usize) {
        self.spans.truncate(index + 1);
        self.spans[index].until = None;
        self.scouts.clear();
        self.spread.lanes = 1;
    }

    /// Whether all before this span is listed, and it can go on to the end of the listing.
    fn is_frontier(&self, index: usize) -> bool {
        let mut before = self.spans.iter().take(index);
        before.all(|span| matches!(span.state, State::Listed(_)))
            && self.spans[index].within == self.base.prefix
    }

    /// Takes an answer that shows that the server did not begin where a probe said.
    fn refute(&mut self, index: usize, start: Start) {
        self.probes_in_vain = PROBES_IN_VAIN;
        if start.token.is_some() && !self.is_verified && self.is_frontier(index) {
            self.distrust(index);
            self.order = Order::Ignored;
        }
        self.reopen(index, start);
    }

    /// Takes a page while pages come one after the other.
    fn plain(&mut self, index: usize, start: Start, page: ListPage) -> Result<()> {
        if self.order == Order::Unknown && page.next.is_some() {
            let span = &self.spans[index];
            if !page.objects.is_empty() && span.check(&page).is_ok() {
                self.order = Order::Kept;
                return self.shrink(index, start, page, Next::ByToken);
            }
            self.order = Order::Ignored;
        }
        let Some(token) = page.next.clone() else {
            self.spans[index].state = State::Listed(page);
            return Ok(());
        };
        let start = self.going_on(start, token)?;
        let span = &mut self.spans[index];
        let following = Span {
            after: span.after.clone(),
            until: None,
            within: span.within.clone(),
            level: None,
            state: State::Open(start),
        };
        span.state = State::Listed(page);
        self.spans.insert(index + 1, following);
        Ok(())
    }

    /// Returns how to go on by the server's token. Tokens that repeat would page for ever.
    fn going_on(&self, mut start: Start, token: Arc<str>) -> Result<Start> {
        if start.trail.meets_itself(&token) {
            return Err(lie(
                &self.base.prefix,
                "the server's continuation tokens go round in a circle",
            ));
        }
        Ok(Start {
            token: Some(token),
            trail: start.trail,
            ..Start::default()
        })
    }

    /// Takes the page of a range.
    fn listed(&mut self, index: usize, asked: Asked, page: ListPage) -> Result<()> {
        if let Err(lie) = self.spans[index].check(&page) {
            // While the pages up to here can still be followed by their token, this is a server without ranges.
            let has_token =
                |asked: &Asked| asked.start.probe.is_some() && asked.start.token.is_some();
            let by_token =
                |span: &Span| matches!(&span.state, State::Asked(asked) if has_token(asked));
            return match self.spans.iter().position(by_token) {
                Some(first) if first < index && !self.is_verified && self.is_frontier(first) => {
                    self.distrust(first);
                    Ok(())
                }
                _ => Err(lie),
            };
        }
        let found_keys = self.absorb(index, &page) > 0;
        self.account(asked.is_guess, found_keys);
        self.shrink(index, asked.start, page, Next::ByToken)
    }

    /// Lets a page that reaches behind its span have the open spans that follow; a page that ends the listing has the
    /// guesses as well, whose answers are not waited for. Returns how many of its keys are in the span then.
    fn absorb(&mut self, index: usize, page: &ListPage) -> usize {
        while self.spans[index].is_passed_by(page) {
            let Some(next) = self.spans.get(index + 1) else {
                break;
            };
            let (is_idle, is_in_vain) = match &next.state {
                State::Open(_) => (true, false),
                State::Asked(asked) => (false, asked.is_guess && page.next.is_none()),
                State::Listed(_) | State::Failed(_) => (false, false),
            };
            if !(is_idle || is_in_vain) || !self.spans[index].is_wider_than(next) {
                break;
            }
            let until = next.until.clone();
            if is_in_vain {
                self.credit.lose();
            }
            self.spans.remove(index + 1);
            self.spans[index].until = until;
        }
        keys_until(page, self.spans[index].until.as_deref())
    }

    /// Makes the span the page, and opens another one for what is left of it.
    fn shrink(&mut self, index: usize, start: Start, mut page: ListPage, next: Next) -> Result<()> {
        let span = &self.spans[index];
        let rest = if span.is_done_by(&page) {
            None
        } else {
            Some(self.rest(index, start, &page, next)?)
        };
        let span = &mut self.spans[index];
        page.objects
            .truncate(keys_until(&page, span.until.as_deref()));
        // The token is that of a range; it says nothing about the listing.
        page.next = None;
        let page = (!page.objects.is_empty()).then(|| Span {
            after: span.after.clone(),
            until: None,
            within: span.within.clone(),
            level: None,
            state: State::Listed(page),
        });
        self.replace(index, page.into_iter().chain(rest));
        Ok(())
    }

    fn replace(&mut self, index: usize, spans: impl IntoIterator<Item = Span>) {
        self.spans.remove(index);
        for (offset, span) in spans.into_iter().enumerate() {
            self.spans.insert(index + offset, span);
        }
    }

    /// Returns what a page leaves of its span.
    fn rest(&self, index: usize, start: Start, page: &ListPage, next: Next) -> Result<Span> {
        let span = &self.spans[index];
        let mut following = match (next, page.next.clone()) {
            (Next::ByToken, Some(token)) => self.going_on(start, token)?,
            _ => Start::default(),
        };
        let keys: Vec<&str> = page.objects.iter().map(|object| object.url.key()).collect();
        // Behind an empty page, only its token makes progress.
        following.is_plain = keys.is_empty();
        following.pace = Pace::measure(&keys, span.within.prefix().len());
        let mut level = span.level;
        if !keys.is_empty()
            && let Some(level) = level.take()
            && next == Next::ByToken
        {
            following.levels = Density::levels(&keys, level);
        }
        Ok(Span {
            after: last_key(page).map_or_else(|| span.after.clone(), |last| Some(last.into())),
            until: span.until.clone(),
            within: span.within.clone(),
            level,
            state: State::Open(following),
        })
    }

    /// Takes the answer to a probe.
    fn probed(&mut self, index: usize, mut start: Start, mut page: ListPage) -> Result<()> {
        let span = &self.spans[index];
        let Some(directory) = span.probed_directory(&start) else {
            if span.check(&page).is_err() {
                self.refute(index, start);
                return Ok(());
            }
            self.is_verified = true;
            self.absorb(index, &page);
            return self.shrink(index, start, page, Next::ByToken);
        };
        let after = span.after.clone().unwrap_or_default();
        if !directories::is_credible(&page, directory.prefix(), &after) {
            self.refute(index, start);
            return Ok(());
        }
        // No key was in a directory so far, so what is before `after` would have been shown.
        self.is_verified = true;
        let goes_on = page.next.is_some() || directory != span.within;
        if let (Some(Probe::Directories(level)), false) = (start.probe, page.prefixes.is_empty()) {
            return self.cut(index, start, level, page);
        }
        if page.objects.is_empty() && goes_on {
            self.reopen(index, start);
            return Ok(());
        }
        // Without directories it is a page like any other, but with a token for directories.
        page.next = goes_on.then(Arc::default);
        start.token = None;
        self.absorb(index, &page);
        self.shrink(index, start, page, Next::ByKey)
    }
}

/// How what follows a page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    ByToken,
    ByKey,
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
fn ends(page: &ListPage) -> Option<(&str, &str)> {
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

/// How many keys of a page are not behind `until`.
fn keys_until(page: &ListPage, until: Option<&str>) -> usize {
    until.map_or(page.objects.len(), |until| {
        page.objects
            .partition_point(|object| object.url.key() <= until)
    })
}
