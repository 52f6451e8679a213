//! Compressed data of each kind: whole, in pieces, cut off, damaged, padded, and made to do harm.

use std::io::{self, Read, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::input::bytes::compression::Packing;
use crate::input::bytes::decompress::{UnpackLimits, Unpacked};

const TEXT: &[u8] = b"id,job\n1,Engineer\n2,Nurse\n";

fn packed(packing: Packing, text: &[u8]) -> Vec<u8> {
    match packing {
        Packing::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(text).expect("memory");
            encoder.finish().expect("memory")
        }
        Packing::Zstd => {
            let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("memory");
            // As the command line tool does.
            encoder.include_checksum(true).expect("a setting");
            encoder.write_all(text).expect("memory");
            encoder.finish().expect("memory")
        }
        Packing::Xz => {
            let options = lzma_rust2::XzOptions::with_preset(1);
            let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).expect("memory");
            encoder.write_all(text).expect("memory");
            encoder.finish().expect("memory")
        }
        Packing::Bzip2 => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            encoder.write_all(text).expect("memory");
            encoder.finish().expect("memory")
        }
    }
}

fn unpacked(packing: Packing, bytes: &[u8], limits: UnpackLimits) -> Result<Vec<u8>, String> {
    let mut reader = Unpacked::new(Box::new(io::Cursor::new(bytes.to_vec())), packing, limits)
        .expect("a decoder");
    let mut text = Vec::new();
    reader
        .read_to_end(&mut text)
        .map_err(|error| error.to_string())?;
    Ok(text)
}

fn each(check: impl Fn(Packing)) {
    [Packing::Gzip, Packing::Zstd, Packing::Xz, Packing::Bzip2]
        .into_iter()
        .for_each(check);
}

/// The same bytes, one at a time: whatever is looked at lies across two reads.
fn unpacked_bytewise(packing: Packing, bytes: &[u8]) -> Result<Vec<u8>, String> {
    struct Bytewise(io::Cursor<Vec<u8>>);
    impl Read for Bytewise {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = into.len().min(1);
            self.0.read(into.get_mut(..length).unwrap_or_default())
        }
    }
    let bytes = Box::new(Bytewise(io::Cursor::new(bytes.to_vec())));
    let mut reader = Unpacked::new(bytes, packing, UnpackLimits::default()).expect("a decoder");
    let mut text = Vec::new();
    reader
        .read_to_end(&mut text)
        .map_err(|error| error.to_string())?;
    Ok(text)
}

#[test]
fn all_members_are_read() {
    each(|packing| {
        let twice = [
            packed(packing, TEXT),
            packed(packing, b""),
            packed(packing, TEXT),
        ]
        .concat();
        assert_eq!(
            unpacked(packing, &twice, UnpackLimits::default()),
            Ok([TEXT, TEXT].concat()),
            "{packing}"
        );
        assert_eq!(
            unpacked_bytewise(packing, &twice),
            Ok([TEXT, TEXT].concat()),
            "{packing}"
        );
    });
}

#[test]
fn frames_of_zstandard_that_hold_nothing_are_skipped() {
    let skipped = [0x5a, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7];
    let frame = packed(Packing::Zstd, TEXT);
    for parts in [
        [&skipped[..], &frame, &skipped],
        [&frame, &skipped, &skipped],
        [&skipped, &skipped, &frame],
    ] {
        let bytes = parts.concat();
        assert_eq!(Packing::of(&bytes), Some(Packing::Zstd));
        assert_eq!(
            unpacked(Packing::Zstd, &bytes, UnpackLimits::default()),
            Ok(TEXT.to_vec())
        );
        assert_eq!(unpacked_bytewise(Packing::Zstd, &bytes), Ok(TEXT.to_vec()));
    }
    // A frame to be skipped that lies across two buffers: its first byte is the last one of the first.
    for length in (8 << 10) - 24..(8 << 10) + 24 {
        let filling = u32::try_from(length).expect("small").to_le_bytes();
        let filling = [&[0x50, 0x2a, 0x4d, 0x18], &filling[..], &vec![7; length]].concat();
        let bytes = [&filling[..], &skipped, &frame].concat();
        assert_eq!(
            unpacked(Packing::Zstd, &bytes, UnpackLimits::default()),
            Ok(TEXT.to_vec()),
            "{length}"
        );
    }
}

#[test]
fn zeros_behind_the_end_are_padding_where_that_is_a_custom() {
    let check = |packing: Packing, zeros: usize, is_padding: bool| {
        let bytes = [packed(packing, TEXT), vec![0; zeros]].concat();
        let want = if is_padding {
            Ok(TEXT.to_vec())
        } else {
            Err(format!("something else follows the {packing} data here"))
        };
        assert_eq!(
            unpacked(packing, &bytes, UnpackLimits::default()),
            want,
            "{packing} {zeros}"
        );
        assert_eq!(
            unpacked_bytewise(packing, &bytes),
            want,
            "{packing} {zeros}"
        );
    };
    for zeros in [1, 4, 511, 100_000] {
        check(Packing::Gzip, zeros, true);
        check(Packing::Zstd, zeros, false);
        check(Packing::Bzip2, zeros, false);
        check(Packing::Xz, zeros, zeros % 4 == 0);
    }
    let follows =
        |packing: Packing| [packed(packing, TEXT), vec![0; 4], packed(packing, TEXT)].concat();
    assert_eq!(
        unpacked(Packing::Xz, &follows(Packing::Xz), UnpackLimits::default()),
        Ok([TEXT, TEXT].concat())
    );
    unpacked(
        Packing::Gzip,
        &follows(Packing::Gzip),
        UnpackLimits::default(),
    )
    .expect_err("data behind padding");
}

#[test]
fn a_dictionary_that_takes_too_much_memory_is_refused() {
    let mut options = lzma_rust2::XzOptions::with_preset(1);
    options.lzma_options.dict_size = 65 << 20;
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).expect("memory");
    encoder.write_all(TEXT).expect("memory");
    let bytes = encoder.finish().expect("memory");
    let error = unpacked(Packing::Xz, &bytes, UnpackLimits::default()).expect_err("too large");
    assert_eq!(
        error,
        "the xz data needs a dictionary of more than 64 MiB of memory: unpack it first"
    );
}

#[test]
fn what_is_cut_off_anywhere_is_an_error() {
    each(|packing| {
        let whole = [packed(packing, TEXT), packed(packing, TEXT)].concat();
        let first = packed(packing, TEXT).len();
        for length in (1..whole.len()).filter(|length| *length != first) {
            let error = unpacked(
                packing,
                whole.get(..length).expect("a part"),
                UnpackLimits::default(),
            );
            let want = format!("the {packing} data is cut off here: the file is not whole");
            assert_eq!(error, Err(want), "{packing}, {length} bytes");
        }
    });
}

#[test]
fn what_follows_and_what_is_damaged_is_an_error() {
    each(|packing| {
        for behind in [
            &b"\0x"[..],
            b"garbage",
            b"\x1f\x8c\x08\0",
            b"id,job\n",
            b"\x50\x2b",
            b"BZhx\0\0\0\0\0\0\0",
        ] {
            let error = unpacked(
                packing,
                &[&packed(packing, TEXT), behind].concat(),
                UnpackLimits::default(),
            );
            assert_eq!(
                error,
                Err(format!("something else follows the {packing} data here")),
                "{behind:?}"
            );
        }
        let mut damaged = packed(packing, &TEXT.repeat(100));
        let middle = damaged.len() / 2;
        damaged
            .get_mut(middle..middle + 4)
            .expect("a middle")
            .copy_from_slice(&[0xa5; 4]);
        let error =
            unpacked(packing, &damaged, UnpackLimits::default()).expect_err("damage is noticed");
        assert!(error.contains(&packing.to_string()), "{error}");
    });
}

#[test]
fn bombs_are_stopped() {
    each(|packing| {
        let limits = UnpackLimits {
            bytes_max: 1 << 20,
            ratio_max: 50,
            ratio_from_bytes: 100_000,
        };
        let newlines = packed(packing, &b"\n".repeat(1 << 20));
        let error = unpacked(packing, &newlines, limits).expect_err("a bomb");
        assert!(error.contains("50 times its size"), "{error}");
        let error = unpacked(
            packing,
            &newlines,
            UnpackLimits {
                bytes_max: 200_000,
                ratio_max: 9_999,
                ..limits
            },
        );
        assert!(error.expect_err("too large").contains("200000 bytes"));
        let small = packed(packing, &b"\n".repeat(90_000));
        assert_eq!(
            unpacked(packing, &small, limits).map(|text| text.len()),
            Ok(90_000)
        );
    });
}
