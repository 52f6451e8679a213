//! Flags that were typed and have no effect on a command.

use tracing::info;

use crate::config::Settings;
use crate::config::provenance::Provenance;

/// Says of each of these settings that its flag has no effect, and why, if it was typed. A
/// configuration file may name it: it is written for other commands, too.
pub(in crate::commands) fn tell(settings: &Settings, names: &[&str], why: &str) {
    for name in names {
        if matches!(settings.provenance(name), Provenance::Flag(_)) {
            info!("--{name} has no effect: {why}");
        }
    }
}
