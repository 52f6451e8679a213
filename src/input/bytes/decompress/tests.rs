//! Compressed data of each kind: whole, in pieces, truncated, corrupt, padded, and malicious.

use std::io::{self, Read, Write as _};

use flate2::Compression as Level;
use flate2::write::GzEncoder;

use crate::input::bytes::compression::Compression;
use crate::input::bytes::decompress::{DecompressionLimits, Decompressor};

const TEXT: &[u8] = b"id,job\n1,Engineer\n2,Nurse\n";

fn compressed(compression: Compression, text: &[u8]) -> Vec<u8> {
    match compression {
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Level::default());
            encoder.write_all(text).expect("memory");
            encoder.finish().expect("memory")
        }
        Compression::Zstd => {
            let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("memory");
            // The command-line tool adds a checksum too.
            encoder.include_checksum(true).expect("a setting");
            encoder.write_all(text).expect("memory");
            encoder.finish().expect("memory")
        }
        Compression::Xz => {
            let options = lzma_rust2::XzOptions::with_preset(1);
            let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).expect("memory");
            encoder.write_all(text).expect("memory");
            encoder.finish().expect("memory")
        }
        Compression::Bzip2 => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            encoder.write_all(text).expect("memory");
            encoder.finish().expect("memory")
        }
    }
}

fn decompressed(
    compression: Compression,
    bytes: &[u8],
    limits: DecompressionLimits,
) -> Result<Vec<u8>, String> {
    let mut reader = Decompressor::new(
        Box::new(io::Cursor::new(bytes.to_vec())),
        compression,
        limits,
    )
    .expect("a decoder");
    let mut text = Vec::new();
    reader
        .read_to_end(&mut text)
        .map_err(|error| error.to_string())?;
    Ok(text)
}

fn each(check: impl Fn(Compression)) {
    [
        Compression::Gzip,
        Compression::Zstd,
        Compression::Xz,
        Compression::Bzip2,
    ]
    .into_iter()
    .for_each(check);
}

/// Decompresses the same bytes one at a time, so that everything is split between two reads.
fn decompressed_bytewise(compression: Compression, bytes: &[u8]) -> Result<Vec<u8>, String> {
    struct Bytewise(io::Cursor<Vec<u8>>);
    impl Read for Bytewise {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = into.len().min(1);
            self.0.read(into.get_mut(..length).unwrap_or_default())
        }
    }
    let bytes = Box::new(Bytewise(io::Cursor::new(bytes.to_vec())));
    let mut reader =
        Decompressor::new(bytes, compression, DecompressionLimits::default()).expect("a decoder");
    let mut text = Vec::new();
    reader
        .read_to_end(&mut text)
        .map_err(|error| error.to_string())?;
    Ok(text)
}

#[test]
fn all_members_are_read() {
    each(|compression| {
        let twice = [
            compressed(compression, TEXT),
            compressed(compression, b""),
            compressed(compression, TEXT),
        ]
        .concat();
        assert_eq!(
            decompressed(compression, &twice, DecompressionLimits::default()),
            Ok([TEXT, TEXT].concat()),
            "{compression}"
        );
        assert_eq!(
            decompressed_bytewise(compression, &twice),
            Ok([TEXT, TEXT].concat()),
            "{compression}"
        );
    });
}

#[test]
fn frames_of_zstandard_that_hold_nothing_are_skipped() {
    let skipped = [0x5a, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7];
    let frame = compressed(Compression::Zstd, TEXT);
    for parts in [
        [&skipped[..], &frame, &skipped],
        [&frame, &skipped, &skipped],
        [&skipped, &skipped, &frame],
    ] {
        let bytes = parts.concat();
        assert_eq!(Compression::of(&bytes), Some(Compression::Zstd));
        assert_eq!(
            decompressed(Compression::Zstd, &bytes, DecompressionLimits::default()),
            Ok(TEXT.to_vec())
        );
        assert_eq!(
            decompressed_bytewise(Compression::Zstd, &bytes),
            Ok(TEXT.to_vec())
        );
    }
    // A skippable frame that is split between two buffers: its first byte is the last one of the
    // first.
    for length in (8 << 10) - 24..(8 << 10) + 24 {
        let filling = u32::try_from(length).expect("small").to_le_bytes();
        let filling = [&[0x50, 0x2a, 0x4d, 0x18], &filling[..], &vec![7; length]].concat();
        let bytes = [&filling[..], &skipped, &frame].concat();
        assert_eq!(
            decompressed(Compression::Zstd, &bytes, DecompressionLimits::default()),
            Ok(TEXT.to_vec()),
            "{length}"
        );
    }
}

#[test]
fn zeros_behind_the_end_are_padding_where_that_is_a_custom() {
    let check = |compression: Compression, zeros: usize, is_padding: bool| {
        let bytes = [compressed(compression, TEXT), vec![0; zeros]].concat();
        let want = if is_padding {
            Ok(TEXT.to_vec())
        } else {
            Err(format!("other data follows the {compression} data here"))
        };
        assert_eq!(
            decompressed(compression, &bytes, DecompressionLimits::default()),
            want,
            "{compression} {zeros}"
        );
        assert_eq!(
            decompressed_bytewise(compression, &bytes),
            want,
            "{compression} {zeros}"
        );
    };
    for zeros in [1, 4, 511, 100_000] {
        check(Compression::Gzip, zeros, true);
        check(Compression::Zstd, zeros, false);
        check(Compression::Bzip2, zeros, false);
        check(Compression::Xz, zeros, zeros % 4 == 0);
    }
    let follows = |compression: Compression| {
        [
            compressed(compression, TEXT),
            vec![0; 4],
            compressed(compression, TEXT),
        ]
        .concat()
    };
    assert_eq!(
        decompressed(
            Compression::Xz,
            &follows(Compression::Xz),
            DecompressionLimits::default()
        ),
        Ok([TEXT, TEXT].concat())
    );
    decompressed(
        Compression::Gzip,
        &follows(Compression::Gzip),
        DecompressionLimits::default(),
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
    let error = decompressed(Compression::Xz, &bytes, DecompressionLimits::default())
        .expect_err("too large");
    assert_eq!(
        error,
        "the xz data needs a dictionary of more than 64 MiB of memory: unpack it first"
    );
}

#[test]
fn what_is_cut_off_anywhere_is_an_error() {
    each(|compression| {
        let whole = [compressed(compression, TEXT), compressed(compression, TEXT)].concat();
        let first = compressed(compression, TEXT).len();
        for length in (1..whole.len()).filter(|length| *length != first) {
            let error = decompressed(
                compression,
                whole.get(..length).expect("a part"),
                DecompressionLimits::default(),
            );
            let want = format!(
                "the {compression} data is cut off here: the file is incomplete; copy or download it again"
            );
            assert_eq!(error, Err(want), "{compression}, {length} bytes");
        }
    });
}

#[test]
fn what_follows_and_what_is_damaged_is_an_error() {
    each(|compression| {
        for behind in [
            &b"\0x"[..],
            b"garbage",
            b"\x1f\x8c\x08\0",
            b"id,job\n",
            b"\x50\x2b",
            b"BZhx\0\0\0\0\0\0\0",
        ] {
            let error = decompressed(
                compression,
                &[&compressed(compression, TEXT), behind].concat(),
                DecompressionLimits::default(),
            );
            assert_eq!(
                error,
                Err(format!("other data follows the {compression} data here")),
                "{behind:?}"
            );
        }
        let mut damaged = compressed(compression, &TEXT.repeat(100));
        let middle = damaged.len() / 2;
        damaged
            .get_mut(middle..middle + 4)
            .expect("a middle")
            .copy_from_slice(&[0xa5; 4]);
        let error = decompressed(compression, &damaged, DecompressionLimits::default())
            .expect_err("damage is noticed");
        assert!(error.contains(&compression.to_string()), "{error}");
    });
}

#[test]
fn bombs_are_stopped() {
    each(|compression| {
        let limits = DecompressionLimits {
            bytes_max: 1 << 20,
            ratio_max: 50,
            ratio_from_bytes: 100_000,
        };
        let newlines = compressed(compression, &b"\n".repeat(1 << 20));
        let error = decompressed(compression, &newlines, limits).expect_err("a bomb");
        assert!(error.contains("50 times its size"), "{error}");
        let error = decompressed(
            compression,
            &newlines,
            DecompressionLimits {
                bytes_max: 200_000,
                ratio_max: 9_999,
                ..limits
            },
        );
        assert!(error.expect_err("too large").contains("200000 bytes"));
        let small = compressed(compression, &b"\n".repeat(90_000));
        assert_eq!(
            decompressed(compression, &small, limits).map(|text| text.len()),
            Ok(90_000)
        );
    });
}
