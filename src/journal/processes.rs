//! The processes that worked on a run, as the journal tells of them.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::answer_times::AnswerTimes;
use super::fact::Fact;
use super::figures::{Figures, SentFigures};
use super::header::Header;

/// The most processes that are kept one by one. A scheduler may start a finished run every minute;
/// older processes count in the sums alone.
const KEPT_MAX: usize = 1000;

/// The processes that worked on a run, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Processes {
    kept: VecDeque<Process>,
    /// The number of all processes.
    pub(crate) number: u64,
    /// Those whose figures are known.
    pub(crate) with_figures: u64,
    /// The rows that they ended.
    pub(crate) rows: u64,
    /// The sum of their known durations, in milliseconds.
    pub(crate) ms: u64,
    /// The sum of their known figures.
    pub(crate) sent: SentFigures,
    /// The time at which the run was finished, if no row has ended since.
    pub(crate) finished_at: Option<Timestamp>,
}

/// A process that worked on a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    /// The version of the program.
    pub(crate) version: String,
    /// The time when it began.
    pub(crate) started: Timestamp,
    /// The number of rows that it ended.
    pub(crate) rows: u64,
    /// Its end; `None` if it was killed, or could not write any more.
    pub(crate) end: Option<ProcessEnd>,
}

/// The recorded end of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProcessEnd {
    /// The time.
    pub(crate) at: Timestamp,
    /// The exit code.
    pub(crate) exit: u8,
    /// Its figures without the times of answers; `None` if an earlier version wrote its end.
    pub(crate) figures: Option<Box<Figures>>,
}

/// The exit codes of a run that has nothing left to do.
pub(crate) const FINISHED: [u8; 2] = [0, 1];

impl Processes {
    /// Adds the first process.
    pub(crate) fn begin(&mut self, header: &Header) {
        self.add(Process::new(header.version.clone(), header.started));
    }

    /// Adds what a fact says about processes.
    pub(crate) fn add_fact(&mut self, fact: &Fact) {
        match fact {
            Fact::Continued { at, version } => self.add(Process::new(version.clone(), *at)),
            Fact::Ended {
                at, exit, figures, ..
            } => self.end(ProcessEnd {
                at: *at,
                exit: *exit,
                figures: figures.clone(),
            }),
            Fact::LeftOut { .. }
            | Fact::Canary { .. }
            | Fact::Undone { .. }
            | Fact::Synced { .. }
            | Fact::Unknown => {}
        }
    }

    /// Counts rows that the current process ended.
    pub(crate) fn add_rows(&mut self, rows: u64) {
        self.rows += rows;
        self.finished_at = None;
        if let Some(process) = self.kept.back_mut() {
            process.rows += rows;
        }
    }

    /// Adds a process, with its figures if it has ended.
    pub(crate) fn add(&mut self, mut process: Process) {
        self.number += 1;
        self.rows += process.rows;
        let end = process.end.take();
        self.kept.push_back(process);
        if self.kept.len() > KEPT_MAX {
            self.kept.pop_front();
        }
        if let Some(end) = end {
            self.end(end);
        }
    }

    fn end(&mut self, mut end: ProcessEnd) {
        let Some(process) = self.kept.back_mut().filter(|process| process.end.is_none()) else {
            return;
        };
        if FINISHED.contains(&end.exit) && self.finished_at.is_none() {
            self.finished_at = Some(end.at);
        }
        if let Some(figures) = &mut end.figures {
            process.started = figures.started;
            self.with_figures += 1;
            self.ms = self.ms.saturating_add(figures.ms);
            self.sent.add(&figures.sent);
            // Only their sum is needed, and they are the largest part.
            figures.sent.answers = AnswerTimes::default();
        }
        process.end = Some(end);
    }

    /// Adds the processes of another shard.
    pub(crate) fn append(&mut self, other: Processes) {
        self.number += other.number;
        self.with_figures += other.with_figures;
        self.rows += other.rows;
        self.ms = self.ms.saturating_add(other.ms);
        self.sent.add(&other.sent);
        self.finished_at = self.finished_at.max(other.finished_at);
        self.kept.extend(other.kept);
        self.kept
            .make_contiguous()
            .sort_by_key(|process| process.started);
    }

    /// Returns the last processes, the oldest first.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &Process> {
        self.kept.iter()
    }
}

impl Process {
    /// Creates a process without an end.
    fn new(version: String, started: Timestamp) -> Process {
        Process {
            version,
            started,
            rows: 0,
            end: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(exit: u8, requests: u64, at: Timestamp) -> Fact {
        Fact::Ended {
            at,
            exit,
            until: None,
            opens: None,
            figures: Some(Box::new(Figures {
                started: at,
                ms: 10,
                latency_us: None,
                sent: SentFigures {
                    requests,
                    in_flight_max: requests,
                    ..SentFigures::default()
                },
            })),
        }
    }

    fn continued() -> Fact {
        Fact::Continued {
            at: Timestamp::UNIX_EPOCH,
            version: "1".to_owned(),
        }
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn old_processes_count_in_the_sums_alone() {
        let mut processes = Processes::default();
        let number = u64::try_from(KEPT_MAX).expect("few") + 200;
        for requests in 1..=number {
            processes.add_fact(&continued());
            processes.add_rows(2);
            processes.add_fact(&ended(0, requests, second(1)));
        }
        processes.add_fact(&continued());
        assert_eq!(processes.kept().count(), KEPT_MAX);
        assert_eq!(
            processes.kept().last().map(|last| last.end.is_none()),
            Some(true)
        );
        assert_eq!(
            (
                processes.number,
                processes.with_figures,
                processes.rows,
                processes.ms
            ),
            (number + 1, number, number * 2, number * 10)
        );
        assert_eq!(processes.sent.requests, number * (number + 1) / 2);
        assert_eq!(processes.sent.in_flight_max, number);
    }

    #[test]
    fn a_run_is_finished_until_another_row_ends() {
        let mut processes = Processes::default();
        let mut check = |facts: &[Fact], rows: u64, want: Option<i64>| {
            if rows > 0 {
                processes.add_rows(rows);
            }
            for fact in facts {
                processes.add_fact(fact);
            }
            assert_eq!(processes.finished_at, want.map(second), "{facts:?}");
        };
        check(&[continued(), ended(4, 1, second(1))], 0, None);
        check(&[continued(), ended(1, 1, second(2))], 0, Some(2));
        check(&[continued(), ended(0, 0, second(3))], 0, Some(2));
        check(&[continued(), ended(130, 0, second(4))], 0, Some(2));
        check(&[], 1, None);
        check(&[continued(), ended(0, 1, second(5))], 0, Some(5));
        // A second end of one process is not counted.
        check(&[ended(0, 7, second(6))], 0, Some(5));
        assert_eq!(processes.sent.requests, 3);
    }

    #[test]
    fn processes_of_shards_are_added_up_in_the_order_in_which_they_began() {
        let shard = |starts: &[i64], rows: u64, finished: i64| {
            let mut processes = Processes::default();
            for start in starts {
                processes.add_fact(&continued());
                processes.add_rows(rows);
                processes.add_fact(&ended(0, 5, second(*start)));
            }
            processes.finished_at = Some(second(finished));
            processes
        };
        let mut sum = shard(&[1, 5], 3, 9);
        sum.append(shard(&[3], 4, 8));
        assert_eq!(
            (sum.number, sum.with_figures, sum.rows, sum.ms),
            (3, 3, 10, 30)
        );
        assert_eq!(sum.sent.requests, 15);
        assert_eq!(sum.finished_at, Some(second(9)));
        let started: Vec<_> = sum.kept().map(|process| process.started).collect();
        assert_eq!(started, [second(1), second(3), second(5)]);
        let rows: Vec<_> = sum.kept().map(|process| process.rows).collect();
        assert_eq!(rows, [3, 4, 3]);
        // A process that has rows already counts with them.
        let last = Process {
            rows: 2,
            ..Process::new("1".to_owned(), second(6))
        };
        sum.add(last);
        assert_eq!((sum.number, sum.rows), (4, 12));
    }
}
