//! Odd zip files: what is in them, what they state, and how they are damaged.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::bytes::{NURSE, PLAIN, gzip};
use super::{Odd, Refused, Rows, Sends, odd, odd_with};
use crate::harness::{Archive, SheetCell, Stated, Workbook};

pub(super) fn table() -> Vec<Odd> {
    let parts = [contents(), names(), statements(), lists(), inner_files()];
    parts.into_iter().flatten().collect()
}

fn one(name: &str, content: impl AsRef<[u8]>) -> Archive {
    Archive::of(&[(name, content.as_ref())])
}

fn stored() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Stored)
}

fn plain() -> Archive {
    Archive::with(stored(), &[("a.csv", PLAIN.as_bytes())])
}

fn zip64() -> Archive {
    Archive::with(
        stored().large_file(true),
        &[("a.csv", PLAIN.as_bytes()), ("b.txt", b"x")],
    )
}

fn commented() -> Archive {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("a.csv", SimpleFileOptions::default())
        .unwrap();
    zip.write_all(PLAIN.as_bytes()).unwrap();
    zip.set_comment("x".repeat(60_000)).unwrap();
    Archive(zip.finish().unwrap().into_inner())
}

fn linked() -> Archive {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("a.csv", "/etc/passwd", SimpleFileOptions::default())
        .unwrap();
    Archive(zip.finish().unwrap().into_inner())
}

fn overlapping() -> Archive {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("a.csv", SimpleFileOptions::default())
        .unwrap();
    zip.write_all(PLAIN.as_bytes()).unwrap();
    zip.shallow_copy_file("a.csv", "b.csv").unwrap();
    Archive(zip.finish().unwrap().into_inner())
}

fn contents() -> Vec<Odd> {
    let rows = PLAIN.as_bytes();
    let with_others: &[(&str, &[u8])] = &[
        ("out/", b""),
        ("out/a.csv", rows),
        ("__MACOSX/out/._a.csv", b"\0\x05\x16\x07"),
        ("out/.DS_Store", b"\0\0\0\x01Bud1"),
        ("out/Thumbs.db", b"\xd0\xcf\x11\xe0"),
        ("out/readme.txt", b"rows of November"),
    ];
    vec![
        odd("a.zip", one("a.csv", PLAIN), Sends(NURSE)),
        odd("a.zip", plain(), Sends(NURSE)),
        odd("a.zip", Archive::of(with_others), Sends(NURSE)),
        odd("a.zip", Archive::streamed(&[("a.csv", rows)]), Sends(NURSE)),
        odd("a.zip", zip64(), Sends(NURSE)),
        odd("a.zip", commented(), Sends(NURSE)),
        // The content decides, not the name.
        odd("a.csv", one("a.csv", PLAIN), Sends(NURSE)),
        odd("a.xlsx", one("a.csv", PLAIN), Sends(NURSE)),
        odd(
            "a.zip",
            one("a.ndjson", r#"{"id":1,"job":"Nurse"}"#),
            Sends(NURSE),
        ),
        odd(
            "a.zip",
            one("a.json", r#"[{"id":1,"job":"Nurse"}]"#),
            Sends(NURSE),
        ),
        odd("a.zip", one("a.tsv", "id\tjob\n1\tNurse\n"), Sends(NURSE)),
        odd("a.zip", one("a.csv.gz", gzip(PLAIN)), Sends(NURSE)),
        odd(
            "a.zip",
            one("a.csv", b"\xff\xfei\0d\0,\0j\0o\0b\0\n\x001\0,\0N\0\n\0"),
            Sends(r#"{"job":"N"}"#),
        ),
        odd_with(
            &["--encoding", "windows-1252"],
            "a.zip",
            one("a.csv", b"id,job\n1,K\xfcnstler\n"),
            Sends(r#"{"job":"Künstler"}"#),
        ),
        odd("a.zip", one("a.csv", "id,job\n"), Rows(0, 0, "")),
        odd(
            "a.zip",
            one("a.csv", "id,job\n1,x\n\nx,y\n"),
            Rows(1, 1, "4 id type: is not a whole number"),
        ),
        odd("a.zip", one("a.csv", ""), Refused("a.zip[a.csv]: is empty")),
        odd(
            "a.zip",
            one("a.csv", "id,job\n1,\"x\n"),
            Refused("a.zip[a.csv]:2: the quote that opens here is never closed"),
        ),
        odd(
            "a.zip",
            one("a.csv", "id,E-mail\n1,x\n"),
            Refused("a.zip[a.csv]:1: column 2 `E-mail` is not a field of the API"),
        ),
        odd_with(
            &["--sheet", "S"],
            "a.zip",
            one("a.csv", PLAIN),
            Refused("a.zip[a.csv]: is not a workbook, so it has no sheets (--sheet)"),
        ),
    ]
}

fn names() -> Vec<Odd> {
    let named = |name: &str| one(name, PLAIN);
    vec![
        // One file is read whatever its name, as if it were named itself.
        odd("a.zip", named("a"), Sends(NURSE)),
        odd("a.zip", named("a.dat"), Sends(NURSE)),
        odd("a.zip", named("../../a.csv"), Sends(NURSE)),
        odd("a.zip", named("..\\a.csv"), Sends(NURSE)),
        odd("a.zip", named("C:\\a.csv"), Sends(NURSE)),
        odd(
            "a.zip",
            named("aaaaa/passwd").replacing(b"aaaaa/passwd", b"//etc/passwd"),
            Sends(NURSE),
        ),
        odd(
            "a.zip",
            one("a!.csv", "id,job\n1,\"x\n").replacing(b"a!.csv", b"a\x1b.csv"),
            Refused("a.zip[a\\u{1b}.csv]:2: the quote"),
        ),
        odd(
            "a.zip",
            one("a!.csv", "id,job\n1,\"x\n").replacing(b"a!.csv", b"a\x81.csv"),
            Refused("a.zip[a\\x81.csv]:2: the quote"),
        ),
        odd(
            "a.zip",
            one("../a.csv", "id,job\n1,\"x\n"),
            Refused("a.zip[../a.csv]:2: the quote"),
        ),
        odd(
            "a.zip",
            Archive::of(&[("a.txt", PLAIN.as_bytes()), ("b.txt", PLAIN.as_bytes())]),
            Refused(
                "a.zip: no file in this zip file has the extension .csv, .tsv, .ndjson, .jsonl, .json (or",
            ),
        ),
        odd(
            "a.zip",
            Archive::of(&[("a.csv/", b"")]),
            Refused("a.zip: no file in this zip file has the extension .csv"),
        ),
        odd(
            "a.zip",
            linked(),
            Refused("a.zip: no file in this zip file"),
        ),
        // Info-ZIP marks data from standard input as a pipe.
        odd(
            "a.zip",
            named("-").replacing(b"\0\0\xa4\x81", b"\0\0\xa4\x11"),
            Sends(NURSE),
        ),
    ]
}

fn statements() -> Vec<Odd> {
    let damaged = "a.zip[a.csv]:3: the zip data cannot be unpacked from here on: ";
    let long = format!("id,job\n{}", "1,Nurse\n".repeat(2_000));
    let deflated = one("a.csv", &long);
    let mut broken = deflated.clone();
    broken.0[60] ^= 0x55;
    vec![
        odd(
            "a.zip",
            plain().stating(Stated::FLAGS, |flags| flags | 1),
            Refused("a.zip[a.csv]: is encrypted with a password: unpack it first, with `7z x`"),
        ),
        odd(
            "a.zip",
            plain().stating(Stated::METHOD, |_| 9),
            Refused(
                "a.zip[a.csv]: is packed by a method that is not supported (Deflate64): unpack it first",
            ),
        ),
        odd(
            "a.zip",
            plain().stating(Stated::METHOD, |_| 12),
            Refused("a.zip[a.csv]: is packed by a method that is not supported (Bzip2)"),
        ),
        odd(
            "a.zip",
            plain().stating(Stated::METHOD, |_| 77),
            Refused("a.zip[a.csv]: is packed by a method that is not supported ("),
        ),
        odd(
            "a.zip",
            plain().stating(Stated::CHECKSUM, |crc| crc ^ 1),
            Refused(
                "a.zip[a.csv]:3: the zip data cannot be unpacked from here on: its checksum is wrong",
            ),
        ),
        odd(
            "a.zip",
            plain().replacing(b"Nurse", b"Clerk"),
            Refused(damaged),
        ),
        odd(
            "a.zip",
            plain().stating(Stated::SIZE, |size| size + 1),
            Refused(
                "a.zip[a.csv]:3: the zip data cannot be unpacked from here on: it has another size than the archive states",
            ),
        ),
        odd(
            "a.zip",
            plain().stating(Stated::SIZE, |_| 3),
            Refused(damaged),
        ),
        odd(
            "a.zip",
            plain().stating(Stated::PACKED_SIZE, |size| size - 3),
            Refused("the zip data cannot be unpacked from here on"),
        ),
        odd(
            "a.zip",
            plain().stating(Stated::PACKED_SIZE, |size| size + 3),
            Refused("a.zip: is a zip file whose members overlap, as in malicious files"),
        ),
        odd(
            "a.zip",
            deflated
                .clone()
                .stating(Stated::PACKED_SIZE, |size| size - 9),
            Refused("the zip data is cut off here: the file is incomplete"),
        ),
        odd(
            "a.zip",
            broken,
            Refused("the zip data cannot be unpacked from here on: "),
        ),
    ]
}

fn lists() -> Vec<Odd> {
    let numbers: Vec<_> = (0..60_000).map(|number| format!("{number}.csv")).collect();
    let of_members = |count: usize| {
        let members: Vec<_> = numbers[..count]
            .iter()
            .map(|name| (name.as_str(), &b""[..]))
            .collect();
        Archive::of(&members)
    };
    let (whole, commented) = (plain().0, commented().0);
    let twice = Archive::of(&[("a.csv", PLAIN.as_bytes()), ("b.csv", PLAIN.as_bytes())]);
    let mut gone = whole.clone();
    gone.splice(..4, *b"PK\x05\x06");
    vec![
        odd(
            "a.zip",
            of_members(10_001),
            Refused("a.zip: is a zip file with 10001 members, more than 10000: unpack it first"),
        ),
        odd(
            "a.zip",
            of_members(60_000),
            Refused("a.zip: is a zip file with too long a list of members: unpack it first"),
        ),
        odd(
            "a.zip",
            twice.replacing(b"b.csv", b"a.csv"),
            Refused("a.zip: is a zip file in which two members have the same name"),
        ),
        odd(
            "a.zip",
            overlapping(),
            Refused("a.zip: is a zip file whose members overlap, as in malicious files"),
        ),
        odd(
            "a.zip",
            &whole[..whole.len() - 22],
            Refused(
                "a.zip: is a zip file that is cut off: its end is missing; copy or download it again",
            ),
        ),
        odd(
            "a.zip",
            &whole[..whole.len() - 1],
            Refused(
                "a.zip: is a zip file that is cut off: its end is missing; copy or download it again",
            ),
        ),
        odd(
            "a.zip",
            &commented[..commented.len() - 1],
            Refused("a.zip: is a zip file that is cut off"),
        ),
        odd(
            "a.zip",
            &whole[..40],
            Refused("a.zip: is a zip file that is cut off"),
        ),
        odd(
            "a.zip",
            b"PK\x03\x04",
            Refused("a.zip: is a zip file that is cut off"),
        ),
        odd(
            "a.zip",
            [&whole[..20], &whole[40..]].concat(),
            Refused("a.zip: is a zip file that cannot be read: it is damaged; unpack it first"),
        ),
        odd(
            "a.zip",
            gone,
            Refused("a.zip: is a zip file that cannot be read: "),
        ),
        odd(
            "a.zip",
            Archive::of(&[]),
            Refused("a.zip: no file in this zip file has the extension .csv"),
        ),
    ]
}

fn inner_files() -> Vec<Odd> {
    let row: &[SheetCell] = &[SheetCell::Text("id"), SheetCell::Text("job")];
    let workbook = Workbook::default().sheet("S", &[row]).bytes();
    let zip = plain().0;
    vec![
        odd(
            "a.zip",
            one("a.zip", &zip),
            Refused("a.zip[a.zip]: is a zip file within a zip file: unpack the outer one first"),
        ),
        odd(
            "a.zip",
            one("a.csv.gz", gzip(&zip)),
            Refused("a.zip[a.csv.gz]: is a zip file within a zip file"),
        ),
        odd(
            "a.csv.gz",
            gzip(&zip),
            Refused(
                "a.csv.gz: is a zip file, which can be read only from an uncompressed file, not from a pipe",
            ),
        ),
        odd(
            "a.zip",
            one("a.xlsx", &workbook),
            Refused("a.zip[a.xlsx]: is a workbook within a zip file: unpack it first"),
        ),
        odd(
            "a.zip",
            one("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
            Refused("a.zip[a.xls]: is a workbook within a zip file: unpack it first"),
        ),
        odd(
            "a.zip",
            one("a.csv", b"\x89PNG\r\n\x1a\n\0\0\0"),
            Refused("a.zip[a.csv]: is a picture"),
        ),
        odd(
            "a.zip",
            one("a.csv.gz", gzip(gzip(PLAIN))),
            Refused("a.zip[a.csv.gz]: is gzip data within compressed data: unpack it first"),
        ),
        odd(
            "a.zip",
            one("a.csv.gz", &gzip(PLAIN)[..30]),
            Refused("the gzip data is cut off here: the file is incomplete"),
        ),
    ]
}
