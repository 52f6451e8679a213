//! The two pages of a rate file. Each exchange writes the older one, so that a process that is killed
//! while it writes leaves the page of the exchange before.
//!
//! A page begins with the line `custsync-rate-file 1 NUMBER HOST LENGTH CHECKSUM`. After it comes the
//! state's text. The checksum is CRC-32C of the line up to it and of the text.

use super::clock::HostStart;
use crate::schedule::shared_rate::store::StoreState;
use crate::schedule::shared_rate::store::text::StateFlaw;

/// The bytes of a page.
pub(super) const PAGE_BYTES: usize = 64 << 10;
const FIRST_WORDS: &str = "custsync-rate-file 1 ";

/// A page that was read.
#[derive(Debug)]
pub(super) struct Page {
    /// The number of the exchange that wrote it.
    pub(super) number: u64,
    pub(super) host: HostStart,
    pub(super) state: StoreState,
}

/// The content of a file that is not a rate file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PagesFlaw {
    /// No page is whole.
    #[error("it is not a rate file of custsync, or it is damaged")]
    NoPage,
    /// A page with a right checksum holds something else.
    #[error(transparent)]
    State(#[from] StateFlaw),
}

/// Writes a page; `None` if the state is too large for it.
pub(super) fn write(number: u64, host: &HostStart, state: &StoreState) -> Option<Vec<u8>> {
    let text = state.text();
    let head = format!("{FIRST_WORDS}{number} {} {} ", host.name(), text.len());
    let checksum = checksum(&head, &text);
    let page = format!("{head}{checksum:08x}\n{text}");
    (page.len() <= PAGE_BYTES).then(|| page.into_bytes())
}

/// Reads the newest of the two pages. `Ok(None)` is an empty file.
pub(super) fn newest(pages: [&[u8]; 2]) -> Result<Option<Page>, PagesFlaw> {
    let is_blank = |page: &[u8]| page.iter().all(|byte| *byte == 0);
    if pages.into_iter().all(is_blank) {
        return Ok(None);
    }
    let whole = pages.into_iter().filter_map(parts);
    let newest = whole.max_by_key(|(number, ..)| *number);
    let (number, host, text) = newest.ok_or(PagesFlaw::NoPage)?;
    Ok(Some(Page {
        number,
        host,
        state: StoreState::read(text)?,
    }))
}

/// Returns the number, the host and the text of a whole page.
fn parts(page: &[u8]) -> Option<(u64, HostStart, &str)> {
    let line_end = page.iter().position(|byte| *byte == b'\n')?;
    let line = std::str::from_utf8(page.get(..line_end)?).ok()?;
    let (head, checksum_text) = line.split_at_checked(line.rfind(' ')? + 1)?;
    let mut words = head.strip_prefix(FIRST_WORDS)?.split(' ');
    let number = words.next()?.parse().ok()?;
    let host = HostStart::of(words.next()?)?;
    let length: usize = words.next()?.parse().ok()?;
    let text = page.get(line_end + 1..)?.get(..length)?;
    let text = std::str::from_utf8(text).ok()?;
    let is_whole = format!("{:08x}", checksum(head, text)) == checksum_text;
    is_whole.then_some((number, host, text))
}

fn checksum(head: &str, text: &str) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(head.as_bytes()), text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_whole_page_counts() {
        let host = HostStart::of("a-1").expect("a good name");
        let page = |number, now| write(number, &host, &StoreState::empty(now)).expect("it fits");
        let check = |pages: [&[u8]; 2], want: Result<Option<u64>, PagesFlaw>| {
            let got = newest(pages).map(|page| page.map(|page| page.number));
            assert_eq!(got, want);
        };
        let (one, two) = (page(1, 5), page(2, 6));
        let blank = [0; 100];
        check([&[], &[]], Ok(None));
        check([&blank, &[]], Ok(None));
        check([&one, &[]], Ok(Some(1)));
        check([&one, &two], Ok(Some(2)));
        check([&two, &one], Ok(Some(2)));
        // What was there before goes on behind the text.
        check([&[&one[..], b"\0old"].concat(), &blank], Ok(Some(1)));
        check([b"hello\n", &[]], Err(PagesFlaw::NoPage));
        for length in 0..two.len() {
            let torn = &two[..length];
            check([&one, torn], Ok(Some(1)));
        }
        for at in 0..two.len() {
            let mut changed = two.clone();
            changed[at] ^= 1;
            check([&one, &changed], Ok(Some(1)));
        }
    }

    #[test]
    fn a_state_that_does_not_fit_is_not_written() {
        use crate::schedule::shared_rate::exchange::{Ask, ToStore};

        let host = HostStart::of("a").expect("a good name");
        let mut state = StoreState::empty(0);
        let fits = |state: &StoreState| write(1, &host, state).is_some();
        let mut members = 0;
        while fits(&state) {
            members += 1;
            let ask = Ask {
                member: format!("{members:032x}"),
                wants: 1,
                interval_us: 100_000,
                rate_is_auto: false,
                learned_us: 0,
                fall_ppm: 0,
                pause_us: 0,
                is_at_share: false,
                share: 0,
                outstanding: 1,
                window: None,
            };
            state.take(&ToStore::Ask(ask), 1_800_000_000_000_000);
            assert!(members < 10_000, "there is a limit");
        }
        assert!(members > 500, "{members} members do not fit");
    }
}
