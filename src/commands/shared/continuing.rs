//! The stops after which a run can go on by the same command.

use crate::contract::{Fault, TlsFault};
use crate::results::summary::{StoppedBy, TimeToGoOn};
use crate::schedule::StopReason;

/// Returns the time at which the same command can go on after a stop; `None` if it never can.
pub(in crate::commands) fn time_to_go_on(reason: &StopReason) -> Option<TimeToGoOn> {
    Some(match reason {
        StopReason::HoursEnded
        | StopReason::Outage { .. }
        | StopReason::OnlyRefusals { .. }
        | StopReason::NoSockets { .. }
        | StopReason::NoRateStore { .. }
        | StopReason::WaitTooLong { .. }
        | StopReason::UnexpectedAnswers { .. }
        | StopReason::TokenUnavailable { .. }
        | StopReason::InputUnavailable => TimeToGoOn::Later,
        StopReason::TokenRefused | StopReason::LoginNeeded | StopReason::Forbidden { .. } => {
            TimeToGoOn::WithToken
        }
        StopReason::InputUnusable => TimeToGoOn::WithInput,
        StopReason::JournalUnwritable
        | StopReason::StateUnusable { .. }
        | StopReason::PlanUnusable { .. }
        | StopReason::ImagesUnwritable
        | StopReason::ImagesUnreadable
        | StopReason::ReadsUnusable => TimeToGoOn::WithDirectory,
        StopReason::HungUp | StopReason::Interrupted | StopReason::Terminated => TimeToGoOn::Now,
        // These need another limit, another address or another input.
        StopReason::ErrorLimit { .. }
        | StopReason::TooManyChanges { .. }
        | StopReason::EchoDiffers { .. }
        | StopReason::Canary { .. }
        | StopReason::Unreachable {
            fault: Fault::Tls(TlsFault::NotTls),
        }
        | StopReason::Redirected { .. }
        | StopReason::AllNotFound { .. }
        | StopReason::EveryRowWouldFail { .. }
        | StopReason::NoReads { .. }
        | StopReason::LeftOutIsLost
        | StopReason::InputChanged { .. }
        | StopReason::InputReplaced
        | StopReason::PlanDiffers { .. }
        | StopReason::CannotCompare => return None,
        StopReason::Unreachable { .. } => TimeToGoOn::WithConnection,
    })
}

/// Returns the cause of a stop, as a verdict names it.
pub(in crate::commands) fn stopped_by(reason: &StopReason) -> StoppedBy {
    match reason {
        StopReason::HungUp => StoppedBy::HangUp,
        StopReason::Interrupted => StoppedBy::Interrupt,
        StopReason::Terminated => StoppedBy::Termination,
        StopReason::ErrorLimit { .. } => StoppedBy::ErrorLimit,
        StopReason::TooManyChanges { .. } => StoppedBy::ChangeLimit,
        StopReason::EchoDiffers { .. } => StoppedBy::Echo,
        StopReason::Canary { verdict } if verdict.is_good() => StoppedBy::GoodCanary,
        StopReason::Canary { .. } => StoppedBy::BadCanary,
        StopReason::HoursEnded => StoppedBy::Hours,
        StopReason::InputUnusable
        | StopReason::InputUnavailable
        | StopReason::InputReplaced
        | StopReason::PlanDiffers { .. }
        | StopReason::InputChanged { .. }
        | StopReason::CannotCompare => StoppedBy::Input,
        StopReason::JournalUnwritable
        | StopReason::ImagesUnwritable
        | StopReason::ImagesUnreadable
        | StopReason::ReadsUnusable => StoppedBy::Journal,
        StopReason::StateUnusable { .. } => StoppedBy::State,
        StopReason::PlanUnusable { .. } => StoppedBy::Plan,
        StopReason::Outage { .. }
        | StopReason::OnlyRefusals { .. }
        | StopReason::NoSockets { .. }
        | StopReason::NoRateStore { .. }
        | StopReason::WaitTooLong { .. }
        | StopReason::UnexpectedAnswers { .. }
        | StopReason::TokenUnavailable { .. }
        | StopReason::Unreachable { .. }
        | StopReason::TokenRefused
        | StopReason::LoginNeeded
        | StopReason::Forbidden { .. }
        | StopReason::Redirected { .. }
        | StopReason::AllNotFound { .. }
        | StopReason::EveryRowWouldFail { .. }
        | StopReason::NoReads { .. }
        | StopReason::LeftOutIsLost => StoppedBy::Api,
    }
}
