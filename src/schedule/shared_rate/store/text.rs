//! The text of a store's state, which a file and Redis hold: lines of words, numbers in decimal.
//!
//! ```text
//! custsync-rate 1
//! times LAST OPENS NEXT_SLOT PAUSED_UNTIL PROBE_UNTIL
//! fall NUMBER PART
//! window REMAINING SPEND_UNTIL END LATE STARTED SPREAD          (if one is known)
//! member ID SEEN SHARE AT_SHARE INTERVAL AUTO LEARNED OUTSTANDING      (by ID)
//! ```

use std::fmt::Write as _;

use super::window::StoreWindow;
use super::{StoreMember, StoreState};

const FIRST_LINE: &str = "custsync-rate 1";
/// The highest number in a state. A double holds it exactly.
const NUMBER_MAX: u64 = 1 << 53;
/// The longest name of a member.
const ID_MAX: usize = 64;

/// A text that is no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StateFlaw {
    /// Another first line.
    #[error("it is not a file of custsync's rate, or of another version")]
    Foreign,
    /// This line, from 1, says something else.
    #[error("line {0} is damaged")]
    Line(usize),
}

impl StoreState {
    /// Writes the state.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "{FIRST_LINE}\ntimes {} {} {} {} {}\nfall {} {}\n",
            self.last,
            self.opens_at,
            self.next_slot,
            self.paused_until,
            self.probe_until,
            self.fall_number,
            self.fall_ppm
        );
        if let Some(window) = &self.window {
            push_line(&mut text, "window", &window.numbers());
        }
        for (id, member) in &self.members {
            push_line(&mut text, &format!("member {id}"), &member.numbers());
        }
        text
    }

    /// Reads a state.
    pub(crate) fn read(text: &str) -> Result<StoreState, StateFlaw> {
        let mut lines = text.lines().zip(1..);
        if lines.next().is_none_or(|(line, _)| line != FIRST_LINE) {
            return Err(StateFlaw::Foreign);
        }
        let mut next = |word: &str| {
            let (line, number) = lines.next().unwrap_or(("", 0));
            let rest = line.strip_prefix(word).ok_or(StateFlaw::Line(number))?;
            Ok((rest, number))
        };
        let (rest, number) = next("times ")?;
        let [last, opens_at, next_slot, paused_until, probe_until] =
            numbers(rest).ok_or(StateFlaw::Line(number))?;
        let (rest, number) = next("fall ")?;
        let [fall_number, fall_ppm] = numbers(rest).ok_or(StateFlaw::Line(number))?;
        let mut state = StoreState {
            last,
            opens_at,
            next_slot,
            paused_until,
            probe_until,
            fall_number,
            fall_ppm,
            ..StoreState::empty(0)
        };
        for (line, number) in lines {
            state.read_line(line).ok_or(StateFlaw::Line(number))?;
        }
        Ok(state)
    }

    fn read_line(&mut self, line: &str) -> Option<()> {
        if let Some(rest) = line.strip_prefix("window ") {
            self.window = Some(StoreWindow::from_numbers(numbers(rest)?)?);
            return Some(());
        }
        let (id, rest) = line.strip_prefix("member ")?.split_once(' ')?;
        let is_good = (1..=ID_MAX).contains(&id.len())
            && id
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let member = StoreMember::from_numbers(numbers(rest)?)?;
        is_good.then(|| self.members.insert(id.to_owned(), member))?;
        Some(())
    }
}

impl StoreMember {
    fn numbers(&self) -> [u64; 7] {
        [
            self.seen,
            self.share,
            u64::from(self.is_at_share),
            self.interval_us,
            u64::from(self.rate_is_auto),
            self.learned_us,
            self.outstanding,
        ]
    }

    fn from_numbers(numbers: [u64; 7]) -> Option<StoreMember> {
        let [
            seen,
            share,
            is_at_share,
            interval_us,
            rate_is_auto,
            learned_us,
            outstanding,
        ] = numbers;
        Some(StoreMember {
            seen,
            share,
            is_at_share: switch(is_at_share)?,
            interval_us,
            rate_is_auto: switch(rate_is_auto)?,
            learned_us,
            outstanding,
        })
    }
}

impl StoreWindow {
    fn numbers(&self) -> [u64; 6] {
        [
            self.remaining,
            self.spend_until,
            self.end,
            self.late_us,
            self.started,
            u64::from(self.is_spread),
        ]
    }

    fn from_numbers(numbers: [u64; 6]) -> Option<StoreWindow> {
        let [remaining, spend_until, end, late_us, started, is_spread] = numbers;
        Some(StoreWindow {
            remaining,
            spend_until,
            end,
            late_us,
            started,
            is_spread: switch(is_spread)?,
        })
    }
}

fn push_line(text: &mut String, words: &str, numbers: &[u64]) {
    text.push_str(words);
    for number in numbers {
        write!(text, " {number}").expect("a text takes anything");
    }
    text.push('\n');
}

/// Reads exactly `N` numbers.
fn numbers<const N: usize>(text: &str) -> Option<[u64; N]> {
    let numbers: Option<Vec<u64>> = text
        .split(' ')
        .map(|word| word.parse().ok().filter(|number| *number <= NUMBER_MAX))
        .collect();
    numbers?.try_into().ok()
}

fn switch(number: u64) -> Option<bool> {
    match number {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}
