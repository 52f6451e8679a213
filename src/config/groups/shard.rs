//! The part of the rows that a process sends, if several processes share them.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use crate::config::error::Problem;
use crate::config::names::{COMPLETION_INDEX, SHARD, SHARDS};
use crate::config::resolver::Resolver;
use crate::config::setting::of_process;
use crate::config::value::{ValueError, number_in, parsed};
use crate::config::verb::Verb;
use crate::journal::{SHARDS_MAX, Shard};

const NUMBERS: RangeInclusive<u32> = 1..=SHARDS_MAX;

/// Returns the process's shard: that of `shard`, or that of `shards` and the pod's number. A run
/// directory and its journal hold the shard for themselves, so it belongs to the process here.
pub(in crate::config) fn read(resolver: &mut Resolver) -> Option<Shard> {
    let shard = resolver.optional(of_process(SHARD), parsed);
    let shards = resolver.optional(of_process(SHARDS), number_in(NUMBERS));
    let Some(of) = shards else { return shard };
    if shard.is_some() {
        match resolver.compare_sources(SHARD, SHARDS) {
            Ordering::Greater => return shard,
            Ordering::Less => {}
            Ordering::Equal => {
                let (first, second) = (resolver.place(SHARD), resolver.place(SHARDS));
                resolver.report(Problem::Contradiction { first, second });
                return None;
            }
        }
    }
    let Some(text) = resolver.completion_index().map(str::to_owned) else {
        // `custsync config` shows the settings of a pod anywhere.
        if matches!(resolver.verb(), Verb::Run | Verb::Check | Verb::Preview) {
            let place = resolver.place(SHARDS);
            resolver.report(Problem::ShardsWithoutIndex { place });
        }
        return None;
    };
    let index = number_in(0..=of - 1)(&text).map(|index| index + 1);
    match index.and_then(|index| Ok(Shard::new(index, of)?)) {
        Ok(shard) => Some(shard),
        Err(error) => {
            report_index(resolver, error);
            None
        }
    }
}

fn report_index(resolver: &mut Resolver, error: ValueError) {
    resolver.report(Problem::Value {
        place: COMPLETION_INDEX.to_owned(),
        error,
    });
}
