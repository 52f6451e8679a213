//! Compressed inputs are read like their content, completely or not at all.

use std::io::Write as _;

use bzip2::write::BzEncoder;
use flate2::Compression;
use flate2::write::GzEncoder;
use lzma_rust2::{XzOptions, XzWriter};
use serde_json::json;

use crate::harness::Scenario;

/// Limits the program to 64 MiB for data and stacks; beyond that it dies.
const MEMORY_LIMIT: &str = "ulimit -d 65536; exec";
const GIB: usize = 1 << 30;

const ROWS: &str = "id,job\n1,Nurse\n2,Clerk\nx,Clerk\n";

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    zstd::encode_all(text, 3).unwrap()
}

fn xz(text: &[u8]) -> Vec<u8> {
    let mut encoder = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).unwrap();
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(text: &[u8]) -> Vec<u8> {
    let mut encoder = BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_inputs_are_rows_like_any_other() {
    let check = |name: &str, content: Vec<u8>, read_as: &str| {
        let scenario = Scenario::new().file(name, content).sandbox(|_| {});
        let end = scenario
            .run(["--max-errors", "none"])
            .exits(1)
            .counts([2, 1, 0, 0, 0]);
        assert_eq!(end.summary()["read_as"], json!([read_as]), "{name}");
        let line = format!("{name} read as {read_as}\n");
        let place = format!("{name}:4");
        let end = end
            .prints(&line)
            .prints(&format!("   1  id     {place:<8}  is not a whole number\n"));
        assert!(
            String::from_utf8_lossy(end.file("failed.csv")).ends_with(",x,Clerk\n"),
            "failed rows are plain text"
        );
    };
    check("a.csv.gz", gzip(ROWS.as_bytes()), "gzip, CSV with `,`");
    check("a.csv.zst", zstd(ROWS.as_bytes()), "zstd, CSV with `,`");
    check("a.csv.xz", xz(ROWS.as_bytes()), "xz, CSV with `,`");
    check("a.csv.bz2", bzip2(ROWS.as_bytes()), "bzip2, CSV with `,`");
    // As files of pzstd and of zstd's seekable format begin.
    let skipped = [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 7, 7, 7, 7];
    check(
        "b.csv.zst",
        [&skipped[..], &zstd(ROWS.as_bytes())].concat(),
        "zstd, CSV with `,`",
    );
    // The content decides, not the name.
    check("a.csv", gzip(ROWS.as_bytes()), "gzip, CSV with `,`");
}

#[test]
fn every_member_and_frame_counts() {
    let (start, end) = ROWS.split_at(9);
    let check = |compress: fn(&[u8]) -> Vec<u8>| {
        let scenario = Scenario::new().file(
            "a.csv.gz",
            [
                compress(start.as_bytes()),
                compress(b""),
                compress(end.as_bytes()),
            ]
            .concat(),
        );
        scenario
            .check([])
            .exits(1)
            .prints("records  3 = 2 valid + 1 invalid\n");
    };
    check(gzip);
    check(zstd);
    check(xz);
    check(bzip2);
}

#[test]
fn standard_input_may_be_compressed() {
    let scenario = Scenario::new()
        .stdin(gzip(b"{\"id\":1,\"job\":\"Nurse\"}\n"))
        .sandbox(|_| {});
    scenario
        .run([])
        .exits(0)
        .counts([1, 0, 0, 0, 0])
        .prints("standard input read as gzip, NDJSON\n");
}

#[test]
fn data_that_is_not_whole_stops_with_the_line_reached() {
    let rows: Vec<_> = (1..=20_000)
        .map(|id| format!("{id},Clerk {}\n", id * 7919 % 10_007))
        .collect();
    let text = format!("id,job\n{}", rows.concat());
    let refuse = |content: &[u8], says: &str| {
        let scenario = Scenario::new().file("a.csv.gz", content).sandbox(|_| {});
        let end = scenario.run([]).exits(2).says(says);
        assert!(end.files.is_empty(), "nothing was begun");
        assert_eq!(scenario.counts().requests, 0);
        end.stderr
    };
    let (gz, zst) = (gzip(text.as_bytes()), zstd(text.as_bytes()));
    let said = refuse(
        &gz[..gz.len() / 2],
        "the gzip data is cut off here: the file is incomplete; copy or download it again",
    );
    let line: u64 = said.split(':').nth(2).unwrap().parse().unwrap();
    assert!((2_000..20_000).contains(&line), "{said}");
    refuse(
        &zst[..zst.len() - 1],
        "the zstd data is cut off here: the file is incomplete; copy or download it again",
    );
    refuse(
        &[&gz[..], b"garbage"].concat(),
        "a.csv.gz:20002: other data follows the gzip data here",
    );
    refuse(
        &[&zst[..], b"\0"].concat(),
        "a.csv.gz:20002: other data follows the zstd data here",
    );
    refuse(
        &[&gz[..], b"\0\0x"].concat(),
        "a.csv.gz:20002: other data follows the gzip data here",
    );
    let (xz, bz2) = (xz(text.as_bytes()), bzip2(text.as_bytes()));
    refuse(
        &xz[..xz.len() - 1],
        "the xz data is cut off here: the file is incomplete; copy or download it again",
    );
    refuse(
        &[&xz[..], b"\0"].concat(),
        "a.csv.gz:20002: other data follows the xz data here",
    );
    refuse(
        &bz2[..bz2.len() - 1],
        "the bzip2 data is cut off here: the file is incomplete; copy or download it again",
    );
    refuse(
        &[&bz2[..], b"\0"].concat(),
        "a.csv.gz:20002: other data follows the bzip2 data here",
    );
    refuse(
        &gzip(&bz2),
        "a.csv.gz: is bzip2 data within compressed data: unpack it first",
    );
    let mut damaged = gz.clone();
    let crc = damaged.len() - 8;
    damaged[crc] ^= 1;
    refuse(&damaged, "the gzip data cannot be unpacked from here on");
    refuse(
        &gzip(&gz),
        "a.csv.gz: is gzip data within compressed data: unpack it first",
    );
    refuse(&gzip(b""), "a.csv.gz: is empty");
}

#[test]
fn bombs_end_in_little_memory() {
    // Concatenated members and frames are equal to one long one.
    let piece = vec![b'\n'; 1 << 20];
    let bomb = |compress: fn(&[u8]) -> Vec<u8>| compress(&piece).repeat(GIB / piece.len());
    let check = |content: Vec<u8>, compression: &str| {
        let scenario = Scenario::new().file("a.csv", content).through(MEMORY_LIMIT);
        let says = format!(
            "the {compression} data unpacks to more than 250 times its size, as malicious files do"
        );
        scenario.check([]).exits(2).says(&says);
    };
    check(bomb(gzip), "gzip");
    check(bomb(zstd), "zstd");
    check(bomb(xz), "xz");
    check(bomb(bzip2), "bzip2");
}

#[test]
fn a_window_that_takes_too_much_memory_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(ROWS.as_bytes()).unwrap();
    let scenario = Scenario::new()
        .file("a.csv.zst", encoder.finish().unwrap())
        .through(MEMORY_LIMIT);
    scenario
        .check([])
        .exits(2)
        .says("the zstd data cannot be unpacked from here on: Frame requires too much memory");
    let mut options = XzOptions::with_preset(1);
    options.lzma_options.dict_size = 65 << 20;
    let mut encoder = XzWriter::new(Vec::new(), options).unwrap();
    encoder.write_all(ROWS.as_bytes()).unwrap();
    let scenario = Scenario::new()
        .file("a.csv.xz", encoder.finish().unwrap())
        .through(MEMORY_LIMIT);
    scenario
        .check([])
        .exits(2)
        .says("the xz data needs a dictionary of more than 64 MiB of memory: unpack it first");
}

#[test]
fn padding_after_gzip_data_is_ignored() {
    let padded = [gzip(ROWS.as_bytes()), vec![0; 100_000]].concat();
    Scenario::new()
        .file("a.csv.gz", padded)
        .check([])
        .exits(1)
        .prints("records  3 = 2 valid + 1 invalid\n");
}

#[test]
fn archives_and_other_compressions_are_named() {
    let check = |name: &str, content: &[u8], says: &str| {
        Scenario::new()
            .file(name, content)
            .check([])
            .exits(2)
            .says(&format!("{name}: {says}"));
    };
    let mut tar = vec![0; 1024];
    tar[..5].copy_from_slice(b"a.csv");
    tar[257..262].copy_from_slice(b"ustar");
    check("a.tar", &tar, "is a tar archive: unpack it first");
    check("a.tar.gz", &gzip(&tar), "is a tar archive: unpack it first");
    check(
        "a.7z",
        b"7z\xbc\xaf\x27\x1c\0\x04",
        "is a 7z archive: unpack it first",
    );
    check(
        "a.csv.Z",
        b"\x1f\x9d\x90ab",
        "is compressed by compress (.Z): unpack it first",
    );
    check(
        "a.csv.lz4",
        b"\x04\x22\x4d\x18ab",
        "is compressed by lz4: unpack it first",
    );
}
