//! The values of one field that leave customers and come to others, counted to tell a shifted or
//! sorted column from an honest change.
//!
//! For each value two numbers count: how many customers it leaves, and how many it comes to. In an
//! honest file they are independent, and the square of their difference is at least their sum on
//! average (it is the sum if both are Poisson with one mean). This holds for the values of each sum
//! alone, however common each value is. Where a column is moved among customers, both numbers are
//! equal. So the [`Evidence`] of a value is about zero or less in an honest file, and about one in a
//! moved column.
//!
//! Two findings follow:
//!
//! - Values that are nearly unique leave one customer and come to another one ([`Pairs`]). They show
//!   a part of a column that was moved, whatever else changes.
//! - Nearly all new values are a permutation of the values that they replace. About 32 different
//!   values are needed to be beyond chance: customers whose genders are corrected look like a
//!   permutation, too. Neither a renaming, in which each value has one successor, nor customers that
//!   are shared out to users in turn are such a move.

use rapidhash::RapidHashMap;

/// The most values kept. Their table has 8,192 places of 33 bytes, so twelve fields take 3.1 MiB.
pub(super) const KEPT_MAX: usize = (1 << 13) / 8 * 7;
/// The fewest rows that are worth a sign. A few rows are easily read by a person.
const ROWS_MIN: u64 = 20;
/// The most new values for each row of a sign, which is at least 5 % of them.
const NEW_VALUES_PER_ROW_MAX: u64 = 20;
/// The fewest standard deviations from chance: once in 30,000 fields whose values are drawn anew.
const DEVIATIONS_MIN: f64 = 4.0;
/// The same for squares.
const VARIANCES_MIN: u64 = 16;
/// The smallest mean evidence of a permutation. It is less than one for customers that the file
/// lacks.
const MEAN_SCORE_MIN: f64 = 0.8;
/// The mean number of customers from which equal numbers are no chance.
const SHARED_OUT_MEAN_MIN: f64 = 4.0;

/// The values of one field that leave customers or come to them. No value is kept, only its hash,
/// and no more than [`KEPT_MAX`]: all values with a hash below a limit, which is halved when the
/// table is full. So a value that leaves one customer and comes to another is kept or dropped in
/// both.
#[derive(Debug, Default)]
pub(super) struct MovedValues {
    kept: RapidHashMap<u64, Moves>,
    /// The limit is `u64::MAX` halved this often.
    halvings: u32,
    new_values: u64,
}

/// The number of customers who share a value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// Many values have one customer alone.
    Rare,
    /// The values are a few by nature, such as users. A small file that gives each customer another
    /// user looks like single values that move.
    Usual,
}

/// The customers of one value.
#[derive(Debug, Default)]
struct Moves {
    /// The customers that have the value, and would have another one.
    left: u32,
    /// The customers that would have the value, and have another one.
    taken: u32,
    /// The candidate for the most frequent successor, after Boyer and Moore (1981); 0 for none.
    successor: u64,
    /// The candidate's lead over other successors.
    lead: u32,
}

/// A sum over values. Chance brings a score of at most zero on average, with this variance; a value
/// that leaves as many customers as it comes to has a score of one.
#[derive(Debug, Default)]
struct Evidence {
    values: u32,
    score: f64,
    variance: f64,
    /// The sum of the customers whom each value leaves, and the sum of their squares.
    left: f64,
    left_squared: f64,
}

/// The values with two changes.
#[derive(Debug, Default)]
struct Pairs {
    /// Values that leave one customer and come to one.
    single: u64,
    /// Values that leave two customers.
    only_left: u64,
    /// Values that come to two customers.
    only_taken: u64,
}

/// The sums over the kept values.
#[derive(Debug, Default)]
struct Sums {
    /// New values.
    taken: u64,
    /// New values for which another customer loses the same value.
    moved: u64,
    pairs: Pairs,
    /// The evidence of all values with two changes or more.
    all: Evidence,
    /// The customers of values that leave several customers.
    left_together: u64,
    /// Those of them that have the most frequent successor, less those that have others.
    lead: u64,
}

impl MovedValues {
    /// Takes the hashes of a customer's value now and of its new value, which differ.
    pub(super) fn add(&mut self, before: Option<u64>, after: Option<u64>) {
        if let Some(moves) = before.and_then(|before| self.moves(before)) {
            moves.leave_for(after.unwrap_or_default());
        }
        if let Some(after) = after {
            self.new_values += 1;
            if let Some(moves) = self.moves(after) {
                moves.taken = moves.taken.saturating_add(1);
            }
        }
    }

    /// The number of new values. A cleared field has none.
    pub(super) fn new_values(&self) -> u64 {
        self.new_values
    }

    /// The number of new values that are moved from other customers, estimated where values were
    /// dropped. `None` where they are too few, or may be chance.
    pub(super) fn moved_rows(&self, sharing: Sharing) -> Option<u64> {
        let sums = self.sums();
        let single = match sharing {
            Sharing::Rare => self.single_rows(&sums),
            Sharing::Usual => None,
        };
        let rows = single.max(self.permuted_rows(&sums))?.min(self.new_values);
        is_worth_telling(rows, self.new_values).then_some(rows)
    }

    /// The number of moved rows that values with two changes show.
    fn single_rows(&self, sums: &Sums) -> Option<u64> {
        let single = sums.pairs.single_beyond_chance()?;
        Some(self.scaled(single))
    }

    /// The number of moved rows, if nearly all new values are a permutation of those that they
    /// replace.
    fn permuted_rows(&self, sums: &Sums) -> Option<u64> {
        let rows = self.scaled(sums.moved);
        // What is kept is exact. The estimate has an error, and misses common values that were
        // dropped.
        let is_most =
            sums.moved * 10 >= sums.taken * 9 && rows.saturating_mul(4) >= self.new_values * 3;
        let is_permutation = sums.all.is_permutation() && !sums.all.is_shared_out();
        (is_most && is_permutation && !sums.is_renaming()).then_some(rows)
    }

    fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        for moves in self.kept.values() {
            sums.add(moves);
        }
        sums
    }

    /// Returns the number in all rows for a number of kept rows.
    fn scaled(&self, kept: u64) -> u64 {
        kept.saturating_mul(1 << self.halvings)
    }

    /// Returns the place of a value, unless the value is dropped.
    fn moves(&mut self, value: u64) -> Option<&mut Moves> {
        while self.is_kept(value) && self.kept.len() >= KEPT_MAX && !self.kept.contains_key(&value)
        {
            self.halvings += 1;
            let limit = self.limit();
            self.kept.retain(|value, _| *value <= limit);
        }
        self.is_kept(value)
            .then(|| self.kept.entry(value).or_default())
    }

    fn is_kept(&self, value: u64) -> bool {
        value <= self.limit()
    }

    /// The largest hash that is kept. A full table has more hashes than the smallest limits allow,
    /// so the limit never reaches zero.
    fn limit(&self) -> u64 {
        u64::MAX >> self.halvings
    }

    /// The number of kept values.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.kept.len()
    }
}

/// Whether these rows are enough for a sign about a field with so many new values.
pub(super) fn is_worth_telling(rows: u64, new_values: u64) -> bool {
    rows >= ROWS_MIN && rows.saturating_mul(NEW_VALUES_PER_ROW_MAX) >= new_values
}

impl Moves {
    fn leave_for(&mut self, successor: u64) {
        self.left = self.left.saturating_add(1);
        if self.lead == 0 {
            self.successor = successor;
        }
        if self.successor == successor {
            self.lead = self.lead.saturating_add(1);
        } else {
            self.lead -= 1;
        }
    }
}

impl Sums {
    fn add(&mut self, moves: &Moves) {
        let (left, taken) = (moves.left, moves.taken);
        self.taken += u64::from(taken);
        self.moved += u64::from(left.min(taken));
        if left > 1 {
            self.left_together += u64::from(left);
            self.lead += u64::from(moves.lead);
        }
        // A value with one change says nothing.
        if u64::from(left) + u64::from(taken) < 2 {
            return;
        }
        match (left, taken) {
            (1, 1) => self.pairs.single += 1,
            (2, 0) => self.pairs.only_left += 1,
            (0, 2) => self.pairs.only_taken += 1,
            _ => (),
        }
        self.all.add(left, taken);
    }

    /// Whether customers who share a value have the same new value: at least four of five.
    fn is_renaming(&self) -> bool {
        self.left_together > 0 && self.lead * 5 >= self.left_together * 3
    }
}

impl Pairs {
    /// The number of single values beyond those that may be chance, if they are enough. Where values
    /// leave and come independently, the single ones are on average at most twice the geometric mean
    /// of the others (the inequality of Cauchy and Schwarz).
    fn single_beyond_chance(&self) -> Option<u64> {
        let by_chance =
            |more: u64| 2 * ((self.only_left + more) * (self.only_taken + more)).isqrt();
        // One more of each, so that none among a few does not prove that there can be none.
        let surplus = self.single.saturating_sub(by_chance(1));
        let variance = self.single + self.only_left + self.only_taken;
        let is_beyond_chance = surplus > 0 && surplus.pow(2) >= VARIANCES_MIN * variance;
        is_beyond_chance.then(|| self.single.saturating_sub(by_chance(0)))
    }
}

impl Evidence {
    /// Adds a value. Given the sum of both numbers, the one is binomial with a chance of a half at
    /// most: their difference squared has the sum as its mean, and 2 n (n - 1) as its variance.
    fn add(&mut self, left: u32, taken: u32) {
        let sum = f64::from(left) + f64::from(taken);
        let difference = f64::from(left.abs_diff(taken));
        let left = f64::from(left);
        self.values += 1;
        self.left += left;
        self.left_squared += left * left;
        self.score += 1.0 - difference * difference / sum;
        self.variance += 2.0 * (sum - 1.0) / sum;
    }

    /// Whether the values leave as many customers as they come to, beyond chance.
    fn is_permutation(&self) -> bool {
        self.score >= MEAN_SCORE_MIN * f64::from(self.values)
            && self.score > 0.0
            && self.score >= DEVIATIONS_MIN * self.variance.sqrt()
    }

    /// Whether each value leaves about the same number of customers, as where users get their
    /// customers in turn. Sharing them out again leaves the numbers equal without a permutation.
    fn is_shared_out(&self) -> bool {
        let mean = self.left / f64::from(self.values);
        // Of values that customers have by chance, the variance is the mean.
        let variance = self.left_squared / f64::from(self.values) - mean * mean;
        mean > SHARED_OUT_MEAN_MIN && variance * 2.0 < mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_values_count_where_pairs_do_not_explain_them() {
        let check = |single, only_left, only_taken, want| {
            let pairs = Pairs {
                single,
                only_left,
                only_taken,
            };
            assert_eq!(pairs.single_beyond_chance(), want, "{pairs:?}");
        };
        check(0, 0, 0, None);
        check(17, 0, 0, None);
        check(20, 0, 0, Some(20));
        check(1000, 500, 500, None);
        check(1000, 50, 50, Some(900));
        // Values that come to two customers are rare here, so their absence may be chance.
        check(450, 10_000, 0, None);
        check(450, 0, 2000, Some(450));
    }
}
