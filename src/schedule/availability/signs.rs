//! Signs of life and signs of an outage in the API's answers.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::moment::Moment;
use super::super::rules::History;
use super::super::ticket::Ticket;
use super::doubt::TOGETHER;

/// Different rows that failed without a sign of life in between: the API is down.
const ROWS_FAILED_MAX: usize = 10;
/// Rows that are enough to show an outage after [`SILENCE_MAX`].
const ROWS_FAILED_FEW: usize = 2;
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// The time over which the share of failures is measured.
const RECENT: Duration = Duration::from_secs(20);
/// The fewest answers with a meaningful share of failures.
const RECENT_ANSWERS_MIN: u32 = 20;
/// The API is in trouble if one in this many answers is a failure of its own: the row was applied
/// later.
const PROVEN_PART: u64 = 8;
/// Different rows with answers that were not the API's, without an answer of the API in between:
/// another program answers.
pub(super) const FOREIGN_ROWS_MAX: usize = 3;

/// The evidence in the answers to writes.
#[derive(Debug)]
pub(super) struct Signs {
    /// Whether the API has ever answered in this run directory.
    has_answered: bool,
    /// Whether it has ever applied a row in it.
    has_applied: bool,
    /// The time at which the last write left that was applied or refused in the API's shape.
    alive_at: Option<Moment>,
    /// The time at which the last applied write left.
    applied_at: Option<Moment>,
    /// The time at which the first write left that has failed since.
    failing_since: Option<Moment>,
    /// Rows that have failed since, each once.
    failed_rows: Vec<Ticket>,
    /// Rows with answers since that were not the API's, each once.
    foreign_rows: Vec<Ticket>,
    /// Answers of the last [`RECENT`], in slices of one second.
    recent: VecDeque<Slice>,
    /// Totals over the whole run.
    counts: Counts,
}

/// Totals of answers, to compare two points of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) struct Counts {
    /// Writes that were applied or failed.
    answers: u64,
    /// Failures of rows that were applied later, which were the API's fault.
    proven: u64,
    /// Outages that more than one row, or a control, showed.
    outages: u64,
}

#[derive(Debug)]
struct Slice {
    start: Moment,
    alive: u32,
    failed: u32,
    /// Failures of any time that turned out to be the API's in this second.
    proven: u32,
}

/// The weight of a row's failure as evidence about the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Evidence {
    /// A possible sign of an outage.
    New,
    /// A repeat: the row failed before, and the API has given a sign of life since. The row may be
    /// at fault.
    Repeated,
    /// Nothing: the row was in doubt when others were not.
    None,
}

impl Counts {
    /// These counts with the outages of `later`, so that earlier outages no longer count.
    pub(in super::super) fn after_outages_of(self, later: Counts) -> Counts {
        Counts {
            outages: later.outages,
            ..self
        }
    }
}

impl Signs {
    /// Starts with what earlier processes saw.
    pub(super) fn new(history: History) -> Signs {
        Signs {
            has_answered: history.answered > 0,
            has_applied: history.updated() > 0,
            alive_at: None,
            applied_at: None,
            failing_since: None,
            failed_rows: Vec::new(),
            foreign_rows: Vec::new(),
            recent: VecDeque::new(),
            counts: Counts::default(),
        }
    }

    /// Notes an applied write that left at `sent`, whose row had failed this many times.
    pub(super) fn applied(&mut self, failures: u32, sent: Moment, now: Moment) {
        self.has_applied = true;
        self.applied_at = self.applied_at.max(Some(sent));
        self.counts.answers += 1;
        self.counts.proven += u64::from(failures);
        self.slice(now).proven += failures;
        self.alive(sent, now);
    }

    /// Notes a write that left at `sent` and was applied or refused in the API's shape.
    ///
    /// Answers overtake each other. A write that left before the trouble began does not end it.
    pub(super) fn alive(&mut self, sent: Moment, now: Moment) {
        self.has_answered = true;
        self.alive_at = self.alive_at.max(Some(sent));
        self.slice(now).alive += 1;
        // An API that refuses excess load still answers other rows, so an answer clears these
        // whenever its request left.
        self.failed_rows.clear();
        self.foreign_rows.clear();
        self.failing_since = self.failing_since.filter(|since| *since > sent);
    }

    /// Notes a failed write that left at `sent`.
    pub(super) fn failed(&mut self, row: Ticket, evidence: Evidence, sent: Moment, now: Moment) {
        self.counts.answers += 1;
        if self.alive_at.is_none_or(|alive_at| alive_at <= sent) {
            self.failing_since = Some(self.failing_since.map_or(sent, |since| since.min(sent)));
            if evidence == Evidence::New
                && self.failed_rows.len() < ROWS_FAILED_MAX
                && !self.failed_rows.contains(&row)
            {
                self.failed_rows.push(row);
            }
        }
        if evidence != Evidence::None {
            self.slice(now).failed += 1;
        }
    }

    /// Notes an answer to a write that left at `sent` and was not the API's. The write is noted as
    /// failed, too.
    pub(super) fn foreign_answer(&mut self, row: Ticket, sent: Moment) {
        let is_news = self.alive_at.is_none_or(|alive_at| alive_at <= sent);
        if is_news
            && self.foreign_rows.len() < FOREIGN_ROWS_MAX
            && !self.foreign_rows.contains(&row)
        {
            self.foreign_rows.push(row);
        }
    }

    /// Counts a refusal that may be a gateway's. It is no sign of anything.
    pub(super) fn count_refusal_in_doubt(&mut self) {
        self.counts.answers += 1;
    }

    /// Notes a control whose update failed.
    pub(super) fn control_failed(&mut self, sent: Moment) {
        self.counts.answers += 1;
        self.failing_since.get_or_insert(sent);
    }

    /// Excludes time in which the user's own rate held rows back.
    pub(super) fn postpone(&mut self, time: Duration) {
        self.failing_since = self.failing_since.map(|since| since + time);
    }

    /// Whether the answers show that the API is down.
    pub(super) fn is_down(&self, now: Moment) -> bool {
        let rows = self.failed_rows.len();
        self.failing_since.is_some_and(|since| {
            rows >= ROWS_FAILED_MAX
                || (rows >= ROWS_FAILED_FEW && now.since(since) >= SILENCE_MAX)
                || (self.has_answered && self.foreign_rows.len() >= FOREIGN_ROWS_MAX)
        }) || self.has_mostly_failed(now)
    }

    /// The time at which the silence of the few failed rows shows an outage.
    pub(super) fn down_at(&self) -> Option<Moment> {
        self.failing_since
            .filter(|_| self.failed_rows.len() >= ROWS_FAILED_FEW)
            .map(|since| since + SILENCE_MAX)
    }

    /// Whether the failures are those of too many rows to be a coincidence.
    pub(super) fn is_shown_by_many(&self, now: Moment) -> bool {
        self.failed_rows.len() >= TOGETHER
            || self.foreign_rows.len() >= FOREIGN_ROWS_MAX
            || self.has_mostly_failed(now)
    }

    /// Counts an outage that more than one row, or a control, showed.
    pub(super) fn count_outage(&mut self) {
        self.counts.outages += 1;
    }

    /// Forgets all failures, after every row that failed has ended.
    pub(super) fn give_up(&mut self) {
        self.failing_since = None;
        self.failed_rows.clear();
        self.foreign_rows.clear();
        self.recent.clear();
    }

    /// Forgets the share of failures. The time before an outage says nothing about the time after
    /// it.
    pub(super) fn forget_recent(&mut self) {
        self.recent.clear();
    }

    /// Whether the API has ever answered in this run directory.
    pub(super) fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// Whether the API has ever applied a row in this run directory.
    pub(super) fn has_ever_applied(&self) -> bool {
        self.has_applied
    }

    /// The time at which the first write left that has failed since the last sign of life.
    pub(super) fn failing_since(&self) -> Option<Moment> {
        self.failing_since
    }

    /// The time at which the last applied write left.
    pub(super) fn applied_at(&self) -> Option<Moment> {
        self.applied_at
    }

    /// Whether a write that left at `at` or later was applied or refused in the API's shape.
    pub(super) fn was_alive_since(&self, at: Moment) -> bool {
        self.alive_at.is_some_and(|alive_at| alive_at >= at)
    }

    /// The number of rows with answers that were not the API's.
    pub(super) fn foreign_rows(&self) -> usize {
        self.foreign_rows.len()
    }

    /// The totals so far.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether the API was in trouble since `earlier`, or recently.
    pub(super) fn has_been_in_trouble_since(&self, earlier: Counts, now: Moment) -> bool {
        let lately = self.lately(now).fold((0, 0), |(proven, answers), slice| {
            (
                proven + u64::from(slice.proven),
                answers + u64::from(slice.alive + slice.failed),
            )
        });
        self.counts.outages > earlier.outages
            || is_much(
                self.counts.proven - earlier.proven,
                self.counts.answers - earlier.answers,
            )
            || is_much(lately.0, lately.1)
    }

    /// Whether the API would count as in trouble since `earlier` if it were at fault for the
    /// failures of this many other rows.
    pub(super) fn may_be_in_trouble_since(&self, earlier: Counts, rows: usize) -> bool {
        let failures = u64::try_from(rows)
            .unwrap_or(u64::MAX)
            .saturating_add(self.counts.proven - earlier.proven);
        is_much(failures, self.counts.answers - earlier.answers)
    }

    fn lately(&self, now: Moment) -> impl Iterator<Item = &Slice> {
        let oldest = now - RECENT;
        self.recent
            .iter()
            .filter(move |slice| slice.start >= oldest)
    }

    fn has_mostly_failed(&self, now: Moment) -> bool {
        let (alive, failed) = self.lately(now).fold((0, 0), |(alive, failed), slice| {
            (alive + slice.alive, failed + slice.failed)
        });
        alive + failed >= RECENT_ANSWERS_MIN && failed > alive
    }

    fn slice(&mut self, now: Moment) -> &mut Slice {
        let oldest = now - RECENT;
        while self
            .recent
            .front()
            .is_some_and(|slice| slice.start < oldest)
        {
            self.recent.pop_front();
        }
        if self
            .recent
            .back()
            .is_none_or(|slice| slice.start + Duration::from_secs(1) <= now)
        {
            self.recent.push_back(Slice {
                start: now,
                alive: 0,
                failed: 0,
                proven: 0,
            });
        }
        self.recent
            .back_mut()
            .expect("a slice was just pushed where there was none")
    }
}

/// Whether the failures are too many for coincidence.
fn is_much(failures: u64, answers: u64) -> bool {
    failures > 0 && failures.saturating_mul(PROVEN_PART) >= answers
}
