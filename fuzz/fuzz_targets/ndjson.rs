//! NDJSON: the rows do not depend on the size of blocks, and each is a line that is not blank.
#![no_main]

use custsync::testing::input::InputRules;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if bytes.contains(&0) {
        return;
    }
    // The prefix makes it text, whatever its first bytes are.
    let text = [b"{\"id\":1,\"job\":\"x\"}\n", bytes].concat();
    let rows = custsync_fuzz::rows_of_any_size("a.ndjson", &text, &InputRules::default()).expect("lines are rows");
    let is_blank = |line: &[u8]| line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
    assert_eq!(rows.len(), text.split(|byte| *byte == b'\n').filter(|line| !is_blank(line)).count());
});
