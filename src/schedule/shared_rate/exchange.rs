//! The exchange between a member and the store: what a member asks, and what the store answers.
//!
//! All times are durations from the moment at which the question leaves or is answered, so that no
//! clock is compared with another.

/// The longest duration in an exchange, in microseconds: about three years. Sums of some of them
/// and a Unix time are whole numbers that a double holds exactly, as the script in Redis needs.
pub(crate) const DURATION_MAX_US: u64 = 100_000_000_000_000;
/// The highest number of requests in an exchange.
pub(crate) const COUNT_MAX: u64 = 1_000_000_000_000;

/// The question of a member. It is also its sign of life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The member: lower-case hexadecimal digits.
    pub(crate) member: String,
    /// The number of slots that it can use soon. Zero is a sign of life only.
    pub(crate) wants: u64,
    /// The time between two requests at the rate that its user gave; zero without a limit.
    pub(crate) interval_us: u64,
    /// Whether that rate is for an API that names no window only.
    pub(crate) rate_is_auto: bool,
    /// The time between two of its own requests at the rate that it has learned; zero without one.
    pub(crate) learned_us: u64,
    /// The part of that rate, in millionths, to which the API's refusals lowered it since the last
    /// exchange; zero if they did not.
    pub(crate) fall_ppm: u64,
    /// The rest of a wait that the API named to this member; zero without one.
    pub(crate) pause_us: u64,
    /// Whether it may send at its share before this exchange is answered.
    pub(crate) is_at_share: bool,
    /// Its share: one of this many parts of the rate; zero without one.
    pub(crate) share: u64,
    /// Its requests in flight, and slots that it has not used.
    pub(crate) outstanding: u64,
    /// The API's window, as its newest answer shows it.
    pub(crate) window: Option<SeenWindow>,
}

/// The API's window, as a member's newest answer shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SeenWindow {
    /// The requests that are left.
    pub(crate) remaining: u64,
    /// The time until they should be spent.
    pub(crate) spend_in_us: u64,
    /// The time until the window ends.
    pub(crate) ends_in_us: u64,
    /// The time by which windows end later than the API says.
    pub(crate) late_us: u64,
    /// The time since the request left whose answer showed this window first.
    pub(crate) age_us: u64,
    /// Whether requests are spread over it.
    pub(crate) is_spread: bool,
}

/// The store's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The time until each slot may be used, in ascending order.
    pub(crate) slots_us: Vec<u64>,
    /// The reason why there are none.
    pub(crate) held_by: Option<StoreHold>,
    /// The time until it is worth asking again for slots.
    pub(crate) again_in_us: u64,
    /// The rest of a wait that the API named to any member; zero without one.
    pub(crate) pause_us: u64,
    /// The members that are alive, the asking one included.
    pub(crate) members: u64,
    /// The member's share if it loses contact: one of this many parts; zero without one.
    pub(crate) share: u64,
    /// The time between two requests of all members at the rate in force; zero without a limit.
    pub(crate) interval_us: u64,
    /// The number of the last fall of a learned rate, from 1.
    pub(crate) fall_number: u64,
    /// The part of the rate, in millionths, that was left by that fall.
    pub(crate) fall_ppm: u64,
    /// The time between two requests of one member at the lowest learned rate of the others; zero unless each has learned one.
    pub(crate) learned_us: u64,
}

/// The reason why a store hands out no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreHold {
    /// A store that began empty waits until members of an earlier one have ended.
    Closed,
    /// A wait that the API named.
    Pause,
    /// The API's window is exhausted.
    Exhausted,
    /// The window ends before the next slot.
    WindowEnds,
    /// In a new window one request goes first, and its answer shows what is left.
    Probe,
    /// All of the rate is kept for members that are out of contact.
    Reserved,
}

#[cfg(feature = "redis")]
impl StoreHold {
    /// The reasons by their numbers in an exchange, from 1.
    pub(crate) const ALL: [StoreHold; 6] = [
        StoreHold::Closed,
        StoreHold::Pause,
        StoreHold::Exhausted,
        StoreHold::WindowEnds,
        StoreHold::Probe,
        StoreHold::Reserved,
    ];
}

impl Reply {
    /// An answer without anything in it.
    pub(crate) fn empty() -> Reply {
        Reply {
            slots_us: Vec::new(),
            held_by: None,
            again_in_us: 0,
            pause_us: 0,
            members: 0,
            share: 0,
            interval_us: 0,
            fall_number: 0,
            fall_ppm: 0,
            learned_us: 0,
        }
    }
}

/// A message to a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ToStore {
    /// A question, which is answered.
    Ask(Ask),
    /// The end of this member: nothing is kept for it any more.
    Leave(String),
}
