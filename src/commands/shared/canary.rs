//! The canary of a run (`--canary`), after what earlier processes of the run directory did for it.

use crate::config::sending::SendingSettings;
use crate::journal::{Checkpoint, Outcome};
use crate::schedule::{CanaryHistory, CanaryRows, CanaryRules, EarlierVerdict};

/// Returns the rules of the canary; `None` if the run has none, or has gone on after it.
pub(in crate::commands) fn rules(
    settings: &SendingSettings,
    checkpoint: Option<&Checkpoint>,
) -> Option<CanaryRules> {
    let canary = settings.canary?;
    let verdict = match checkpoint.and_then(|checkpoint| checkpoint.facts().canary_goes_on) {
        Some(true) => return None,
        Some(false) => EarlierVerdict::Made,
        None => EarlierVerdict::None,
    };
    let before = checkpoint.map(|checkpoint| CanaryHistory {
        sent_to: checkpoint.sent_to().customers().collect(),
        rows: rows(checkpoint),
        verdict,
    });
    Some(CanaryRules {
        customers: usize::from(canary.customers.get()),
        then: canary.then,
        before: before.unwrap_or_default(),
    })
}

/// Returns the rows that earlier processes ended. Those that are sent again count until they have
/// ended again.
fn rows(checkpoint: &Checkpoint) -> CanaryRows {
    let bad = [Outcome::Rejected, Outcome::Conflict, Outcome::Failed];
    let bad = bad.into_iter().map(|outcome| checkpoint.count(outcome));
    CanaryRows {
        updated: checkpoint.count(Outcome::Updated),
        bad: bad.sum(),
        invalid: checkpoint.count(Outcome::Invalid),
        echoes: checkpoint.sent_to().echoes().clone(),
    }
}
