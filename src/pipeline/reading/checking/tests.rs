//! Tests of threads that share a source.

use super::*;
use crate::input::{InputName, InputRules, KnownInput, RowRange, RowRules};
use crate::journal::RunKey;
use crate::process::signals::Signals;

/// A checker of a file with this text, and its findings.
fn checker(text: &str, takes_part: bool) -> (BlockChecker, SyncSender<Arrival>, InOrder) {
    let file = tempfile::Builder::new()
        .suffix(".ndjson")
        .tempfile()
        .expect("a file");
    std::fs::write(file.path(), text).expect("our file");
    let name = InputName::Path(file.path().to_owned());
    let mut known =
        KnownInput::look(name, &Arc::new(InputRules::default()), |_, _| {}).expect("a good file");
    let open = KnownInput::of_stream(known.open().expect("a good file"));
    let source = BlockSource::of(vec![open], RowRange::new(0, None));
    let builder = RowBuilder {
        shard: None,
        rules: RowRules::default(),
        key: RunKey::of([7; 16]),
    };
    let options = CheckOptions {
        builder: Arc::new(builder),
        to_explain: Arc::default(),
        wanted: Wanted::Customers,
    };
    BlockChecker::with_threads(source, options, 1, takes_part, Signals::none().drain())
}

#[test]
fn nobody_reads_far_ahead_of_a_block_that_is_late() {
    let (checker, arrivals, mut in_order) =
        checker(&"{\"id\":1,\"job\":\"x\"}\n".repeat(100_000), false);
    let turns: Vec<_> = std::iter::from_fn(|| match checker.next_in_turn() {
        Turn::Checked(checked) => Some(checked),
        Turn::FarAhead => None,
        Turn::End => panic!("there is more"),
    })
    .collect();
    assert_eq!(turns.len(), ahead_max(1));
    for checked in turns.into_iter().rev() {
        arrivals
            .send(Arrival::Checked(checked))
            .expect("it is taken");
    }
    let first = in_order.next().expect("the late one").expect("a good file");
    assert_eq!((first.read.rows, first.read.last_row), (4096, Some(4096)));
    assert!(
        matches!(checker.next_in_turn(), Turn::Checked(_)),
        "one was taken"
    );
    assert!(matches!(checker.next_in_turn(), Turn::FarAhead));
}

#[test]
fn a_block_that_never_comes_is_not_waited_for() {
    let (checker, arrivals, mut in_order) = checker(&"0\n".repeat(100_000), false);
    arrivals.send(Arrival::Lost).expect("it is taken");
    assert!(in_order.next().is_none());
    drop(checker);
}

#[test]
fn a_block_in_which_much_is_found_comes_in_parts() {
    let row = "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1}\n";
    let text = row.repeat(9_000);
    let (_, _, in_order) = checker(&text, true);
    let (mut rows, mut bytes, mut parts) = (0, 0, 0);
    for checked in in_order {
        let checked = checked.expect("a good file");
        let numbers: Vec<_> = checked.invalid.iter().map(|row| row.position.row).collect();
        assert!(
            numbers
                .iter()
                .copied()
                .eq(rows + 1..=rows + checked.read.rows),
            "all rows, in order"
        );
        let found: usize = checked.invalid.iter().map(Row::bytes).sum();
        assert!(found < FOUND_BYTES_MAX + 8_192, "{found} bytes");
        assert!(
            checked
                .invalid
                .iter()
                .all(|row| row.position.line == row.position.row)
        );
        (rows, bytes, parts) = (
            rows + checked.read.rows,
            bytes + checked.input_bytes,
            parts + 1,
        );
    }
    assert_eq!((rows, bytes), (9_000, text.len() as u64));
    assert!(parts > 6, "{parts} parts");
}
