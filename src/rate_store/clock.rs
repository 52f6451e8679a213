//! The clock of a rate file: one that all processes of a host share and that cannot be set.

use std::fs;
use std::time::Duration;

/// The name of the time since this host started. A clock that counts from there is another one after
/// each start, and on each host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostStart(String);

/// The longest name.
const NAME_MAX: usize = 64;

impl HostStart {
    /// The name on this host.
    pub(super) fn here() -> HostStart {
        let name = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        HostStart::of(name.trim()).unwrap_or_else(|| HostStart("unknown".to_owned()))
    }

    /// Reads a name: letters, digits and `-`.
    pub(super) fn of(name: &str) -> Option<HostStart> {
        let is_good = (1..=NAME_MAX).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        is_good.then(|| HostStart(name.to_owned()))
    }

    /// Returns the name.
    pub(super) fn name(&self) -> &str {
        &self.0
    }
}

/// The time since the host started, in microseconds. It goes on while the host sleeps.
#[cfg(target_os = "linux")]
pub(super) fn now_us() -> u64 {
    use rustix::time::{ClockId, clock_gettime};

    let time = clock_gettime(ClockId::Boottime);
    let time = Duration::try_from(time).unwrap_or_default();
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The time of the host's clock, in microseconds. If it is set back, the store's times go with it.
#[cfg(not(target_os = "linux"))]
pub(super) fn now_us() -> u64 {
    use std::time::{SystemTime, UNIX_EPOCH};

    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    let time: Duration = time.unwrap_or_default();
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
