//! The canary: the first customers of a run, who are sent to before all others (`--canary`).
//!
//! Rows are offered in the order of the input. A customer takes a place when a row of theirs is
//! offered that is to be sent, as long as a place is free; invalid rows take none. Later rows of
//! these customers may be sent, too. All other rows wait here, in order, until the verdict. It is
//! made once every row that was offered for the customers of the canary has ended, and a row that
//! is to be sent waits: without one, the run ends as usual.
//!
//! # Kills
//!
//! The number of customers is kept over all processes of a run directory, though a customer whose
//! request was under way at a kill has left no trace in the journal. The order of the input is
//! enough for that, so no durable mark is written before a request:
//!
//! - Let *C* be the customers of the first rows of the input that are to be sent, as many as there
//!   are places. A first process sends to customers of *C* only, since only they take places.
//! - A later process begins with the customers of the journal's entries. They are customers of *C*.
//! - It is offered the rows without an outcome in the order of the input. Before the first row of
//!   any other customer come rows of all customers of *C*. Each of those customers either has an
//!   entry, or has a row that is offered before, and so has a place already. No place is left for
//!   another customer: also this process sends to customers of *C* only.
//!
//! This holds as long as both processes are asked for the same rows. If `--skip-rows` or
//! `--max-rows` is changed after a kill, and before the verdict, as many other customers may be sent
//! to as requests were in flight at the kill: at most [`IN_FLIGHT_MAX`].

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use rapidhash::RapidHashSet;

use super::decision::Care;
use super::ended::Ending;
use crate::contract::{CustomerId, Field};
use crate::text::{counted, grouped};

/// The most requests in flight before the verdict.
pub(super) const IN_FLIGHT_MAX: usize = 4;

/// A canary, and what earlier processes of the run directory did for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CanaryRules {
    /// The number of customers.
    pub(crate) customers: usize,
    /// The end of the canary.
    pub(crate) then: CanaryThen,
    /// The work of earlier processes.
    pub(crate) before: CanaryHistory,
}

/// The end of a canary (`--canary-then`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CanaryThen {
    /// The run stops.
    #[default]
    Stop,
    /// The run goes on if the verdict is good, or if an earlier process has told it.
    Go,
}

/// The results of earlier processes, as far as the canary depends on them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CanaryHistory {
    /// The customers whose rows ended by a request; if there are very many, the first ones.
    pub(crate) sent_to: Vec<CustomerId>,
    /// The rows so far.
    pub(crate) rows: CanaryRows,
    /// Whether an earlier process made the verdict, and stopped.
    pub(crate) verdict: EarlierVerdict,
}

/// The verdict of an earlier process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum EarlierVerdict {
    /// There is none yet.
    #[default]
    None,
    /// There is one, and no other customer was sent to since.
    Made,
}

/// The rows that ended before the verdict.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CanaryRows {
    /// Rows that were updated.
    pub(crate) updated: u64,
    /// Rows that ended badly by an answer: rejected, in conflict, or failed.
    pub(crate) bad: u64,
    /// Rows that are invalid, for which nothing was sent.
    pub(crate) invalid: u64,
    /// Updated rows that the API shows in another way than they were sent, by field.
    pub(crate) echoes: BTreeMap<Field, u64>,
}

/// The verdict on a canary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanaryVerdict {
    /// The customers to whom a request was sent.
    pub(crate) customers: u64,
    /// Their rows.
    pub(crate) rows: CanaryRows,
}

/// The run's way on after the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterCanary {
    /// It stops.
    Stops,
    /// It sends to all customers.
    GoesOn,
}

/// The canary of a schedule.
#[derive(Debug)]
pub(super) struct Canary<T> {
    stage: Stage,
    then: CanaryThen,
    /// The number of places.
    places: usize,
    /// The customers who have a place.
    customers: RapidHashSet<CustomerId>,
    rows: CanaryRows,
    waiting: VecDeque<Waiting<T>>,
    /// The bytes that waiting rows take up.
    bytes: usize,
    /// Waiting rows that are to be sent.
    sendable: usize,
}

/// The stage of a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// There is none, or it is over.
    Over,
    /// An earlier process made the verdict, and nothing was offered since.
    Told,
    /// The run goes on after the verdict of an earlier process. This is to be recorded.
    GoesOn,
    /// Its customers are sent to.
    Sending,
}

/// A row that waits for the verdict.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    pub(super) customer: Option<CustomerId>,
    pub(super) row: T,
    pub(super) bytes: usize,
    /// The care for a row that is to be sent; `None` for an invalid one.
    pub(super) care: Option<Care>,
}

/// The verdict that can be made now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// None.
    None,
    /// That of an earlier process is followed: the run goes on.
    Followed,
    /// It can be made once all rows have ended.
    Made,
}

impl CanaryVerdict {
    /// Whether no row ended badly by an answer, and the API showed all values as they were sent.
    pub(crate) fn is_good(&self) -> bool {
        self.rows.bad == 0 && self.rows.echoes.is_empty()
    }
}

/// For example: `good: 20 customers, 21 rows updated, 0 ended badly`.
impl fmt::Display for CanaryVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CanaryRows {
            updated,
            bad,
            invalid,
            echoes,
        } = &self.rows;
        let word = if self.is_good() { "good" } else { "bad" };
        write!(
            f,
            "{word}: {} sent to, {} updated, {} ended badly",
            counted(self.customers, "customer"),
            counted(*updated, "row"),
            grouped(*bad)
        )?;
        if *invalid > 0 {
            write!(f, ", {} invalid besides", grouped(*invalid))?;
        }
        if !echoes.is_empty() {
            let fields = echoes
                .iter()
                .map(|(field, rows)| format!("{} in {}", field.name(), counted(*rows, "row")));
            let fields: Vec<_> = fields.collect();
            write!(f, "; shown otherwise than sent: {}", fields.join(", "))?;
        }
        Ok(())
    }
}

impl<T> Canary<T> {
    /// No canary.
    pub(super) fn none() -> Canary<T> {
        Canary {
            stage: Stage::Over,
            then: CanaryThen::Stop,
            places: 0,
            customers: RapidHashSet::default(),
            rows: CanaryRows::default(),
            waiting: VecDeque::new(),
            bytes: 0,
            sendable: 0,
        }
    }

    /// A canary by these rules.
    pub(super) fn of(rules: CanaryRules) -> Canary<T> {
        let CanaryRules {
            customers: places,
            then,
            before,
        } = rules;
        let customers: RapidHashSet<_> = before.sent_to.into_iter().collect();
        // With more places than before, the canary goes on.
        let stage = match (before.verdict, then) {
            (EarlierVerdict::Made, CanaryThen::Go) => Stage::GoesOn,
            (EarlierVerdict::Made, CanaryThen::Stop) if customers.len() >= places => Stage::Told,
            (EarlierVerdict::Made, CanaryThen::Stop) | (EarlierVerdict::None, _) => Stage::Sending,
        };
        Canary {
            stage,
            then,
            places,
            customers,
            rows: before.rows,
            ..Canary::none()
        }
    }

    /// The number of waiting rows.
    pub(super) fn rows_waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The bytes that waiting rows take up.
    pub(super) fn bytes_waiting(&self) -> usize {
        self.bytes
    }

    /// Whether no row may leave but those that were offered for the canary's customers.
    pub(super) fn holds_others(&self) -> bool {
        self.stage == Stage::Sending && self.sendable > 0
    }

    /// The most requests in flight, if there is a canary.
    pub(super) fn in_flight_max(&self) -> Option<usize> {
        match self.stage {
            Stage::Sending => Some(IN_FLIGHT_MAX),
            Stage::Over | Stage::Told | Stage::GoesOn => None,
        }
    }

    /// Whether a row of this customer may be sent. The customer may take a place.
    pub(super) fn admits(&mut self, customer: CustomerId) -> bool {
        match self.stage {
            Stage::Over | Stage::GoesOn => true,
            Stage::Told => false,
            Stage::Sending if self.customers.len() < self.places => {
                self.customers.insert(customer);
                true
            }
            Stage::Sending => self.customers.contains(&customer),
        }
    }

    /// Whether an invalid row may end. Behind the canary it waits, so that the share of rows that
    /// ended badly is not that of rows which were read ahead.
    pub(super) fn admits_invalid(&self, customer: Option<CustomerId>) -> bool {
        self.sendable == 0 || customer.is_some_and(|customer| self.customers.contains(&customer))
    }

    /// Takes a row that has to wait.
    pub(super) fn wait(&mut self, waiting: Waiting<T>) {
        self.bytes += waiting.bytes;
        self.sendable += usize::from(waiting.care.is_some());
        self.waiting.push_back(waiting);
    }

    /// Notes that a row ended.
    pub(super) fn row_ended(&mut self, ending: &Ending) {
        match ending {
            Ending::Updated { echo, .. } => {
                self.rows.updated += 1;
                for field in echo.iter().flat_map(|echo| echo.differs.iter()) {
                    *self.rows.echoes.entry(field).or_default() += 1;
                }
            }
            Ending::Unchanged => {}
            Ending::Rejected { .. }
            | Ending::Conflict { .. }
            | Ending::Unsendable { .. }
            | Ending::Failed { .. } => self.rows.bad += 1,
        }
    }

    /// Notes that an invalid row ended.
    pub(super) fn invalid_ended(&mut self) {
        self.rows.invalid += 1;
    }

    /// Notes that a row has ended again that an earlier process had ended badly.
    pub(super) fn ended_again(&mut self) {
        self.rows.bad = self.rows.bad.saturating_sub(1);
    }

    /// Whether an earlier process has told the verdict, so that nothing is sent.
    pub(super) fn is_told(&self) -> bool {
        self.stage == Stage::Told
    }

    /// The verdict that can be made now.
    pub(super) fn due(&self) -> Due {
        match self.stage {
            Stage::GoesOn => Due::Followed,
            Stage::Sending if self.holds_others() => Due::Made,
            Stage::Over | Stage::Told | Stage::Sending => Due::None,
        }
    }

    /// The run's way on after a verdict that is made now.
    pub(super) fn after(&self, verdict: &CanaryVerdict) -> AfterCanary {
        match self.then {
            CanaryThen::Go if verdict.is_good() => AfterCanary::GoesOn,
            CanaryThen::Go | CanaryThen::Stop => AfterCanary::Stops,
        }
    }

    /// Ends the canary, and returns the rows that waited for its verdict.
    pub(super) fn end(&mut self) -> VecDeque<Waiting<T>> {
        self.stage = Stage::Over;
        (self.bytes, self.sendable) = (0, 0);
        std::mem::take(&mut self.waiting)
    }

    /// The verdict by the rows so far.
    pub(super) fn verdict(&self) -> CanaryVerdict {
        CanaryVerdict {
            customers: u64::try_from(self.customers.len()).unwrap_or(u64::MAX),
            rows: self.rows.clone(),
        }
    }
}
