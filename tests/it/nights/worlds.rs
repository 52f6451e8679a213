//! Random nights, each world from a seed.

use super::model::Nights;
use crate::harness::rounds;

/// The worlds, by default and if there is time.
const FEW: usize = 3;
const ALL: usize = 25;
/// The nights of a world.
const NIGHTS: usize = 10;

#[test]
fn after_each_night_the_api_is_as_if_all_rows_had_been_sent() {
    for seed in (1..).take(rounds(FEW, ALL)) {
        let mut nights = Nights::new(seed);
        nights.begin();
        for _ in 0..NIGHTS {
            nights.next();
        }
    }
}
