//! The ends that are told, and how long each try may take.

use crate::api::Patience;
use crate::config::notices::{NotifyOn, PingOn};
use crate::process::exit::Exit;

/// Whether the end of a run is pinged.
pub(super) fn is_pinged(on: PingOn, exit: Exit) -> bool {
    match on {
        PingOn::Every => true,
        // The same command goes on, so the job has not ended.
        PingOn::Finished => exit != Exit::StoppedEarly && !is_of_a_signal(exit),
    }
}

/// Whether a message about an end is sent.
pub(super) fn is_notified(on: NotifyOn, exit: Exit) -> bool {
    match on {
        NotifyOn::Always => true,
        NotifyOn::Bad => exit != Exit::Success,
        NotifyOn::Stopped => !matches!(exit, Exit::Success | Exit::SomeRowsFailed),
    }
}

/// Returns the tries of a delivery. After a signal, the process is likely to be killed soon.
pub(super) fn patience(exit: Exit) -> Patience {
    if is_of_a_signal(exit) {
        Patience::LITTLE
    } else {
        Patience::SOME
    }
}

fn is_of_a_signal(exit: Exit) -> bool {
    matches!(exit, Exit::HungUp | Exit::Interrupted | Exit::Terminated)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the codes of the exits for which this holds.
    fn codes(holds: impl Fn(Exit) -> bool) -> Vec<u8> {
        let exits = Exit::TABLE.into_iter().filter(|exit| holds(*exit));
        exits.map(Exit::code).collect()
    }

    #[test]
    fn each_end_is_told_to_those_who_asked_for_it() {
        let all: Vec<u8> = Exit::TABLE.map(Exit::code).to_vec();
        assert_eq!(codes(|exit| is_pinged(PingOn::Every, exit)), all);
        assert_eq!(
            codes(|exit| is_pinged(PingOn::Finished, exit)),
            [0, 1, 2, 3, 5, 6, 70]
        );
        assert_eq!(codes(|exit| is_notified(NotifyOn::Always, exit)), all);
        assert_eq!(
            codes(|exit| is_notified(NotifyOn::Bad, exit)),
            [1, 2, 3, 4, 5, 6, 70, 129, 130, 143]
        );
        assert_eq!(
            codes(|exit| is_notified(NotifyOn::Stopped, exit)),
            [2, 3, 4, 5, 6, 70, 129, 130, 143]
        );
        assert_eq!(
            codes(|exit| patience(exit).pauses.is_empty()),
            [129, 130, 143]
        );
    }
}
