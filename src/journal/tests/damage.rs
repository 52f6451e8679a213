//! Damage at every place of small journals: it is cut off where a power cut explains it, and
//! refused otherwise.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::{Ended, JOURNAL_NAME, journal_of, outcomes, recover_bytes};
use crate::journal::damage::Conversion;
use crate::journal::reader::{JournalError, Recovered};
use crate::journal::writer::UNSYNCED_BYTES_MAX;
use crate::journal::{Entry, LineError, Outcome, RunDir};

const ROWS: u64 = 5;

fn entries(rows: u64) -> Vec<Entry<'static>> {
    (1..=rows)
        .zip(Outcome::ALL.into_iter().cycle())
        .map(|(row, outcome)| Entry::of_row(row, outcome))
        .collect()
}

fn line_ends(bytes: &[u8]) -> Vec<usize> {
    memchr::memchr_iter(b'\n', bytes).collect()
}

#[test]
fn a_journal_cut_anywhere_settles_a_subset_of_the_truth() {
    let (_directory, run_dir, bytes) = journal_of(&entries(6), Ended::InOrder);
    for end in 0..bytes.len() {
        let recovered = recover_bytes(&run_dir, &bytes[..end]).expect("a torn tail is no damage");
        // The header and the two marks settle no row.
        let whole_lines = line_ends(&bytes[..end]).len();
        let want = whole_lines.saturating_sub(2).min(6);
        assert_eq!(
            recovered.checkpoint.rows_recorded(),
            u64::try_from(want).expect("few"),
            "cut at {end}"
        );
        let left = fs::read(run_dir.file(JOURNAL_NAME)).expect("the journal");
        assert!(left.is_empty() || left.ends_with(b"\n"), "cut at {end}");
    }
}

/// Flips one bit of each byte in turn. Returns the bytes at which the journal is refused; with the
/// others it settles a part of the truth.
fn refused_bytes(run_dir: &RunDir, bytes: &[u8]) -> BTreeSet<usize> {
    let truth = outcomes(
        &recover_bytes(run_dir, bytes)
            .expect("a good journal")
            .checkpoint,
        ROWS,
    );
    let mut refused = BTreeSet::new();
    for byte in 0..bytes.len() {
        let mut damaged = bytes.to_vec();
        damaged[byte] ^= 1 << (byte % 8);
        match recover_bytes(run_dir, &damaged) {
            Ok(Recovered {
                checkpoint, torn, ..
            }) => {
                let found = outcomes(&checkpoint, ROWS);
                let is_true = found
                    .iter()
                    .zip(&truth)
                    .all(|(found, truth)| found.is_none() || found == truth);
                assert!(is_true, "byte {byte}");
                let torn = torn.expect("the damage was cut off");
                fs::remove_file(run_dir.file(&torn.kept_in)).expect("it is kept");
            }
            Err(JournalError::Damaged { .. } | JournalError::Line(LineError::NotAJournal)) => {
                let left = fs::read(run_dir.file(JOURNAL_NAME)).expect("the journal");
                assert_eq!(left, damaged, "byte {byte}: what is refused stays as it is");
                refused.insert(byte);
            }
            Err(other) => panic!("byte {byte}: {other}"),
        }
    }
    refused
}

#[test]
fn a_flipped_bit_is_refused_before_a_mark_and_cut_off_behind_the_last_one() {
    for ended in [Ended::InOrder, Ended::Killed] {
        let (_directory, run_dir, bytes) = journal_of(&entries(ROWS), ended);
        let ends = line_ends(&bytes);
        let bytes_refused = match ended {
            // The last mark is the last line. Without the line end before it there is no mark.
            Ended::InOrder => ends[ends.len() - 2],
            // The only mark is the second line. Without the line end before it the header is torn,
            // and entries follow.
            Ended::Killed => ends[0] + 1,
        };
        let refused = refused_bytes(&run_dir, &bytes);
        assert_eq!(
            (refused.len(), refused.last()),
            (bytes_refused, Some(&(bytes_refused - 1))),
            "{ended:?}"
        );
    }
}

#[test]
fn a_tail_without_marks_is_only_cut_off_where_it_can_have_been_written_without_a_sync() {
    let (_directory, run_dir, bytes) = journal_of(&entries(80_000), Ended::InOrder);
    let max = usize::try_from(UNSYNCED_BYTES_MAX).expect("a small number");
    assert!(bytes.len() > 4 * max);
    for (zeros, is_torn) in [
        (max / 2, true),
        (max - 1000, true),
        (max + 1000, false),
        (3 * max, false),
    ] {
        let mut damaged = bytes.clone();
        let from = damaged.len() - zeros;
        damaged[from..].fill(0);
        let recovered = recover_bytes(&run_dir, &damaged);
        assert_eq!(
            recovered.is_ok(),
            is_torn,
            "{zeros} zeros at the end: {recovered:?}"
        );
    }
}

#[test]
fn the_first_line_is_torn_only_where_nothing_follows_it() {
    let (_directory, run_dir, bytes) = journal_of(&entries(ROWS), Ended::Killed);
    let header = line_ends(&bytes)[0] + 1;
    let half = header / 2;
    let zeroed = |range: std::ops::Range<usize>, end: usize| {
        let mut damaged = bytes[..end].to_vec();
        damaged[range].fill(0);
        damaged
    };
    // Torn while the header was being written.
    for torn in [
        zeroed(0..half, header),
        zeroed(half..header, header),
        zeroed(0..header, header),
        zeroed(0..0, half),
    ] {
        let recovered = recover_bytes(&run_dir, &torn).expect("nothing was sent yet");
        assert_eq!(recovered.header, None);
    }
    for damaged in [
        zeroed(0..half, bytes.len()),
        zeroed(half..header, header + 200),
        zeroed(0..header - 1, header + 1),
    ] {
        let refused = recover_bytes(&run_dir, &damaged);
        assert!(
            matches!(refused, Err(JournalError::Damaged { offset: 0 })),
            "{refused:?}"
        );
    }
}

#[test]
fn conversions_are_named() {
    let (_directory, run_dir, bytes) = journal_of(&entries(ROWS), Ended::InOrder);
    let text = String::from_utf8(bytes.clone()).expect("a journal is UTF-8");
    let utf16 = |mark: &str| {
        format!("{mark}{text}")
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<_>>()
    };
    let cases = [
        (
            text.replace('\n', "\r\n").into_bytes(),
            Conversion::CarriageReturnLineFeed,
        ),
        (
            text.replace('\n', "\r").into_bytes(),
            Conversion::CarriageReturn,
        ),
        (
            format!("\u{feff}{text}").into_bytes(),
            Conversion::ByteOrderMark,
        ),
        (utf16("\u{feff}"), Conversion::Utf16),
    ];
    for (converted, want) in cases {
        match recover_bytes(&run_dir, &converted) {
            Err(JournalError::Converted { conversion }) => assert_eq!(conversion, want),
            other => panic!("{want:?}: {other:?}"),
        }
    }
    let without_bom = recover_bytes(&run_dir, &utf16(""));
    assert!(
        matches!(
            without_bom,
            Err(JournalError::Converted {
                conversion: Conversion::Utf16
            })
        ),
        "{without_bom:?}"
    );
    // Some of the lines only, as in a file joined from two systems.
    let half = line_ends(&bytes)[3] + 1;
    let mixed = [
        &bytes[..half],
        text[half..].replace('\n', "\r\n").as_bytes(),
    ]
    .concat();
    assert!(matches!(
        recover_bytes(&run_dir, &mixed),
        Err(JournalError::Converted { .. })
    ));
}

#[test]
fn lines_that_were_taken_out_or_put_in_are_noticed() {
    let (_directory, run_dir, bytes) = journal_of(&entries(ROWS), Ended::InOrder);
    let ends = line_ends(&bytes);
    let line = ends[2] + 1..ends[3] + 1;
    let without = [&bytes[..line.start], &bytes[line.end..]].concat();
    let with = [&bytes[..line.end], &bytes[line.start..]].concat();
    for edited in [without, with] {
        assert!(matches!(
            recover_bytes(&run_dir, &edited),
            Err(JournalError::Edited { .. })
        ));
    }
}

#[test]
fn torn_tails_are_numbered_and_never_written_over() {
    let (_directory, run_dir, bytes) = journal_of(&entries(ROWS), Ended::Killed);
    for (cut, name) in [
        (10, "results.torn"),
        (11, "results-2.torn"),
        (12, "results-3.torn"),
    ] {
        let recovered = recover_bytes(&run_dir, &bytes[..bytes.len() - cut]).expect("a torn tail");
        let torn = recovered.torn.expect("it was cut off");
        assert_eq!(torn.kept_in, name);
    }
    let last = line_ends(&bytes)[line_ends(&bytes).len() - 2] + 1;
    for (cut, name) in [
        (10, "results.torn"),
        (11, "results-2.torn"),
        (12, "results-3.torn"),
    ] {
        let kept = fs::read(run_dir.file(name)).expect("it is kept");
        assert_eq!(kept, &bytes[last..bytes.len() - cut], "{name}");
        let mode = fs::metadata(run_dir.file(name))
            .expect("it is there")
            .permissions();
        assert_eq!(mode.mode() & 0o777, Permissions::from_mode(0o600).mode());
    }
}
