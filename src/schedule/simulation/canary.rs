//! Runs with a canary: however the API behaves, and wherever a process is killed, no request is
//! sent to more customers before the verdict, and every run ends.

use std::collections::BTreeSet;
use std::time::Duration;

use super::any::{any, between, chance, pick};
use super::world::{self, Report, Setup};
use super::{Seed, seeds};
use crate::contract::CustomerId;
use crate::schedule::canary::IN_FLIGHT_MAX;
use crate::schedule::error_limit::ErrorLimit;
use crate::schedule::{
    AfterCanary, CanaryHistory, CanaryRows, CanaryRules, CanaryThen, Ended, Ending, Moment, Random,
    StopReason,
};

/// Any run, with a canary of a few customers.
fn any_canary(random: &mut Random) -> Setup {
    let mut setup = any(random);
    setup.canary = Some(CanaryRules {
        customers: usize::try_from(between(1, 12, random)).expect("small"),
        then: pick([CanaryThen::Stop, CanaryThen::Go], random),
        before: CanaryHistory::default(),
    });
    setup
}

fn rules(setup: &Setup) -> CanaryRules {
    setup.canary.clone().expect("the setup has a canary")
}

/// The customers with rows that can be sent.
fn sendable(setup: &Setup) -> BTreeSet<CustomerId> {
    let rows = setup.customers.iter().enumerate();
    let is_valid = |row: usize| {
        setup
            .invalid_every
            .is_none_or(|every| row % every != every - 1)
    };
    rows.filter(|(row, _)| is_valid(*row))
        .map(|(_, customer)| *customer)
        .collect()
}

/// Checks how a run with this canary ended, of which these customers have rows that can be sent.
fn is_right(report: &Report, rules: &CanaryRules, sendable: usize) {
    match &report.judged {
        Some((verdict, AfterCanary::Stops)) => {
            assert!(!verdict.is_good() || rules.then == CanaryThen::Stop);
            let verdict = verdict.clone();
            assert_eq!(report.stopped, Some(StopReason::Canary { verdict }));
            assert!(report.unsent > 0, "a row is left to go on with");
        }
        Some((verdict, AfterCanary::GoesOn)) => {
            assert!(verdict.is_good() && rules.then == CanaryThen::Go);
        }
        None if report.stopped.is_none() => {
            assert!(sendable <= rules.customers, "no verdict");
        }
        None => {}
    }
    let asked = report.judged.as_ref().map(|(verdict, _)| verdict.customers);
    assert!(asked.is_none_or(|asked| asked == rules.customers as u64));
    assert!(
        report.in_flight_max_before <= IN_FLIGHT_MAX,
        "{} in flight",
        report.in_flight_max_before
    );
}

#[test]
fn a_canary_is_sent_to_alone_and_ends() {
    for seed in seeds(2000) {
        let _names_itself = Seed(seed);
        let setup = any_canary(&mut Random::seeded(seed));
        let (rules, sendable) = (rules(&setup), sendable(&setup).len());
        let report = world::run(setup, seed);
        assert!(report.sent_to.len() <= rules.customers);
        is_right(&report, &rules, sendable);
    }
}

/// The results of earlier processes for the next one.
fn history(ended: &[(Moment, Ended<u64>)]) -> CanaryHistory {
    let mut rows = CanaryRows::default();
    for (_, ended) in ended {
        match ended.ending {
            Ending::Updated { .. } => rows.updated += 1,
            // Failed rows are sent again.
            Ending::Unchanged | Ending::Failed { .. } | Ending::Unsendable { .. } => {}
            Ending::Rejected { .. } | Ending::Conflict { .. } => rows.bad += 1,
        }
    }
    CanaryHistory {
        sent_to: ended.iter().map(|(_, ended)| ended.customer).collect(),
        rows,
        ..CanaryHistory::default()
    }
}

#[test]
fn a_canary_that_is_killed_is_sent_to_alone() {
    for seed in seeds(1000) {
        let _names_itself = Seed(seed);
        let mut random = Random::seeded(seed ^ 0xdead);
        let (mut journal, mut sent_to) = (Vec::new(), BTreeSet::new());
        for start in 0..4 {
            let mut setup = any_canary(&mut Random::seeded(seed));
            // A process that has sent too much, or was stopped by a limit, tells nothing here.
            setup.rules.error_limit = ErrorLimit::None;
            setup.rules.grace = Duration::ZERO;
            setup.stop = (start < 3).then(|| {
                let at = Moment::after_start(random.up_to(Duration::from_secs(2)));
                (at, StopReason::Terminated)
            });
            let sendable = sendable(&setup).len();
            let mut rules = rules(&setup);
            rules.before = history(&journal);
            setup.canary = Some(rules.clone());
            let report = world::continued(setup, &journal, seed + start);
            sent_to.extend(report.sent_to.iter().copied());
            assert!(sent_to.len() <= rules.customers, "start {start}");
            is_right(&report, &rules, sendable);
            if report.judged.is_some() {
                break;
            }
            journal.extend(report.ended);
            // What is in flight leaves no entry, and so do the last outcomes.
            let lost = if chance(0.5, &mut random) {
                between(0, 4, &mut random)
            } else {
                0
            };
            let kept = journal
                .len()
                .saturating_sub(usize::try_from(lost).expect("small"));
            journal.truncate(kept);
        }
    }
}
