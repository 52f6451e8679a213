//! Compressed and encoded data, damaged or not: an error or rows, which do not depend on the size
//! of blocks.
#![no_main]

use std::io::Write as _;

use custsync::testing::input::{Encoding, EncodingChoice, InputRules};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let text = [b"id,job\n", rest].concat();
    let mut rules = InputRules::default();
    let content = match kind % 6 {
        // Unchanged, in whatever format the bytes are.
        0 => rest.to_vec(),
        1 => [b"\x1f\x8b\x08", rest].concat(),
        2 => [b"\x28\xb5\x2f\xfd", rest].concat(),
        3 => [b"\xff\xfe", rest].concat(),
        4 => {
            // Correctly compressed: the output equals the input.
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&text).expect("memory");
            let compressed = encoder.finish().expect("memory");
            let plain = custsync_fuzz::rows_of_any_size("a.csv", &text, &rules);
            if !text.contains(&0) {
                assert_eq!(custsync_fuzz::rows_of_any_size("a.csv", &compressed, &rules), plain);
            }
            return;
        }
        _ => {
            let encoding = Encoding::of_label("shift_jis").expect("an encoding");
            rules.encoding = EncodingChoice::Named(encoding);
            text
        }
    };
    // Every fault is an error, never a panic.
    custsync_fuzz::rows_of_any_size("a.csv", &content, &rules).ok();
});
