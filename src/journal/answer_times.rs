//! The times that answers took, in few bytes: a line of the journal keeps them, and those of
//! several processes can be added.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The bits of a time that tell it from others: times that differ by less than a sixteenth may
/// share a bucket.
const BITS: u32 = 5;
/// The longest time that is told apart: an hour in microseconds.
pub(super) const TIME_MAX_US: u64 = 3_600_000_000;

/// The times that answers took, in buckets. A bucket keeps the mean of its times.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct AnswerTimes {
    buckets: BTreeMap<u64, Bucket>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Bucket {
    /// The sum of the times in microseconds.
    sum_us: u128,
    answers: u64,
}

impl Bucket {
    fn mean_us(self) -> u64 {
        u64::try_from(self.sum_us / u128::from(self.answers.max(1))).unwrap_or(u64::MAX)
    }
}

impl AnswerTimes {
    /// Adds answers that took about this time, in microseconds.
    pub fn add(&mut self, us: u64, answers: u64) {
        if answers == 0 {
            return;
        }
        let us = us.min(TIME_MAX_US);
        let bucket = self.buckets.entry(bucket_of(us)).or_default();
        // A full bucket keeps its mean.
        if let Some(sum) = bucket.answers.checked_add(answers) {
            bucket.answers = sum;
            bucket.sum_us += u128::from(us) * u128::from(answers);
        }
    }

    /// Adds the answers of another process.
    pub(crate) fn append(&mut self, other: &AnswerTimes) {
        for (us, answers) in other.iter() {
            self.add(us, answers);
        }
    }

    /// Returns the mean time of each bucket in microseconds, and its number of answers.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        let buckets = self.buckets.values();
        buckets.map(|bucket| (bucket.mean_us(), bucket.answers))
    }

    /// Whether there are no answers.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }
}

/// Returns the lowest time of a time's bucket.
fn bucket_of(us: u64) -> u64 {
    let surplus = (u64::BITS - us.leading_zeros()).saturating_sub(BITS);
    us >> surplus << surplus
}

impl From<Vec<(u64, u64)>> for AnswerTimes {
    fn from(pairs: Vec<(u64, u64)>) -> AnswerTimes {
        let mut times = AnswerTimes::default();
        for (us, answers) in pairs {
            times.add(us, answers);
        }
        times
    }
}

impl From<AnswerTimes> for Vec<(u64, u64)> {
    fn from(times: AnswerTimes) -> Vec<(u64, u64)> {
        times.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_as_wide_as_a_sixteenth_and_keeps_the_mean() {
        let check = |added: &[(u64, u64)], want: &[(u64, u64)]| {
            let mut times = AnswerTimes::default();
            for (us, answers) in added {
                times.add(*us, *answers);
            }
            assert_eq!(times.iter().collect::<Vec<_>>(), want, "{added:?}");
        };
        check(&[], &[]);
        check(&[(0, 1), (1, 1), (31, 2)], &[(0, 1), (1, 1), (31, 2)]);
        check(&[(1000, 3), (1000, 1)], &[(1000, 4)]);
        check(&[(1024, 1), (1056, 3), (1088, 1)], &[(1048, 4), (1088, 1)]);
        check(&[(500, 0)], &[]);
        check(&[(u64::MAX, 7)], &[(TIME_MAX_US, 7)]);
    }

    #[test]
    fn what_is_written_can_be_read_and_added_without_end() {
        let mut times = AnswerTimes::default();
        let mut us = 1;
        while us < TIME_MAX_US {
            times.add(us, u64::MAX);
            us += us / 20 + 1;
        }
        let json = serde_json::to_string(&times).expect("numbers, written to memory");
        let mut read: AnswerTimes = serde_json::from_str(&json).expect("pairs");
        assert_eq!(read.iter().count(), times.iter().count());
        read.append(&times);
        assert_eq!(read.iter().count(), times.iter().count());
    }

    #[test]
    fn the_answers_of_processes_are_added_up() {
        let mut sum = AnswerTimes::default();
        assert!(sum.is_empty());
        sum.add(7, 2);
        assert!(!sum.is_empty());
        sum.append(&AnswerTimes::from(vec![(7, 3), (50, 1)]));
        assert_eq!(sum.iter().collect::<Vec<_>>(), [(7, 5), (50, 1)]);
    }
}
