//! Recognises files that are not rows of text, by their first bytes or by the parts of a zip
//! archive.

use memchr::memmem;

use crate::input::bytes::compression::Compression;
use crate::input::bytes::dialect::Delimiter;
use crate::input::bytes::not_text::NotText;

/// The first bytes of a compound file ([MS-CFB] §2.2).
pub(crate) const COMPOUND_FILE: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

/// Recognises data that is not text by its first bytes.
pub(crate) fn not_text(head: &[u8]) -> Option<NotText> {
    match head {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some(NotText::Utf32),
        [b'P', b'K', 3, 4, ..] => Some(zip(head)),
        head if head.starts_with(&COMPOUND_FILE) => Some(NotText::UnseekableCompound),
        head => Compression::of(head)
            .map(NotText::CompressedTwice)
            .or_else(|| known(head)),
    }
}

/// Recognises text that begins as another kind of document.
pub(crate) fn not_rows(text: &[u8]) -> Option<NotText> {
    let text = text
        .get(..1024)
        .unwrap_or(text)
        .trim_ascii_start()
        .to_ascii_lowercase();
    let begins = |beginnings: &[&str]| {
        beginnings
            .iter()
            .any(|beginning| text.starts_with(beginning.as_bytes()))
    };
    if begins(&[
        "<!doctype html",
        "<html",
        "<table",
        "<head",
        "<meta",
        "<style",
    ]) {
        return Some(NotText::Html);
    }
    if begins(&["<?xml", "<workbook", "<ss:workbook"]) {
        let has = |word: &[u8]| memmem::find(&text, word).is_some();
        if has(b"<office:document") {
            return Some(NotText::FlatOpenDocument);
        }
        return Some(
            match (
                has(b"<html"),
                has(b"excel.sheet") || has(b"schemas-microsoft-com:office:spreadsheet"),
            ) {
                (true, _) => NotText::Html,
                (false, true) => NotText::XmlWorkbook,
                (false, false) => NotText::Xml,
            },
        );
    }
    None
}

/// Recognises a zip archive by its first part. For one from a pipe, or one that is cut off, no more
/// is known.
pub(crate) fn zip(head: &[u8]) -> NotText {
    const NAME: usize = 30;
    let name = head.get(NAME..).unwrap_or_default();
    let workbook_parts: [&[u8]; 4] = [b"[Content_Types].xml", b"_rels/", b"xl/", b"docProps/"];
    if workbook_parts.iter().any(|part| name.starts_with(part)) {
        return NotText::UnseekableWorkbook;
    }
    match name.strip_prefix(MEDIA_TYPE_PART.as_bytes()) {
        Some(media_type) => match other_media_type(media_type) {
            None => NotText::UnseekableWorkbook,
            Some(NotText::Zip) => NotText::UnseekableZip,
            Some(other) => other,
        },
        None => NotText::UnseekableZip,
    }
}

/// The part of an OpenDocument file that holds its media type. It is the first one, and neither
/// compressed nor encrypted (ODF part 2 §3.3).
pub(crate) const MEDIA_TYPE_PART: &str = "mimetype";

const SAVE: &str = "save it as .xlsx or as CSV (UTF-8)";

/// The media types that begin so, with their message. `None` is a spreadsheet.
const MEDIA_TYPES: [(&str, Option<&str>); 11] = [
    ("application/vnd.oasis.opendocument.spreadsheet", None),
    (
        "application/vnd.oasis.opendocument.text",
        Some("is an OpenDocument text (.odt)"),
    ),
    (
        "application/vnd.oasis.opendocument.graphics",
        Some("is an OpenDocument drawing (.odg)"),
    ),
    (
        "application/vnd.oasis.opendocument.presentation",
        Some("is an OpenDocument presentation (.odp)"),
    ),
    (
        "application/vnd.oasis.opendocument.chart",
        Some("is an OpenDocument chart (.odc)"),
    ),
    (
        "application/vnd.oasis.opendocument.base",
        Some("is an OpenDocument database (.odb)"),
    ),
    (
        "application/vnd.oasis.opendocument.database",
        Some("is an OpenDocument database (.odb)"),
    ),
    (
        "application/vnd.oasis.opendocument",
        Some("is an OpenDocument file, but not a spreadsheet (.ods)"),
    ),
    (
        "application/vnd.sun.xml.calc",
        Some("is an OpenOffice.org 1 spreadsheet (.sxc)"),
    ),
    (
        "application/vnd.sun.xml",
        Some("is an OpenOffice.org 1 document"),
    ),
    ("application/epub", Some("is a book (.epub)")),
];

/// Recognises a zip archive by its media type, which `start` begins with. `None` for an OpenDocument
/// spreadsheet.
pub(crate) fn other_media_type(start: &[u8]) -> Option<NotText> {
    let known = MEDIA_TYPES
        .iter()
        .find(|(media_type, _)| start.starts_with(media_type.as_bytes()));
    match known {
        Some((_, what)) => what.map(|what| NotText::Other {
            what,
            way_out: SAVE,
        }),
        None => Some(NotText::Zip),
    }
}

/// Recognises an OpenDocument file by the element in its body, if it is no spreadsheet.
pub(crate) fn other_body(element: &str) -> Option<NotText> {
    let what = match element {
        "text" => "is an OpenDocument text (.odt)",
        "drawing" => "is an OpenDocument drawing (.odg)",
        "presentation" => "is an OpenDocument presentation (.odp)",
        "chart" => "is an OpenDocument chart (.odc)",
        "database" => "is an OpenDocument database (.odb)",
        _ => return None,
    };
    Some(NotText::Other {
        what,
        way_out: SAVE,
    })
}

/// Recognises a zip archive by its parts. A name that ends in `/` is a folder's.
pub(crate) fn package(has: impl Fn(&str) -> bool) -> NotText {
    let known: [(&str, &str); 6] = [
        ("index/document.iwa", "is a Numbers or other iWork file"),
        ("index.zip", "is a Numbers or other iWork file"),
        ("index/", "is a Numbers or other iWork file"),
        ("word/", "is a Word document"),
        ("ppt/", "is a PowerPoint document"),
        ("visio/", "is a Visio document"),
    ];
    let found = known.iter().find(|(part, _)| has(part));
    found.map_or(NotText::Zip, |(_, what)| NotText::Other {
        what,
        way_out: SAVE,
    })
}

/// Recognises a compound file that holds no workbook that can be read, by the names in its root.
pub(crate) fn compound(has: impl Fn(&str) -> bool) -> NotText {
    const UNPROTECT: &str = "save it as a workbook without that protection";
    if has("EncryptedPackage") {
        // [MS-OFFCRYPTO] §2.3.4
        return NotText::EncryptedWorkbook;
    }
    let known: [(&str, &str, &str); 7] = [
        ("WordDocument", "is a Word document (.doc)", EXPORT),
        (
            "PowerPoint Document",
            "is a PowerPoint document (.ppt)",
            NO_ROWS,
        ),
        (
            "__properties_version1.0",
            "is an Outlook message (.msg)",
            NO_ROWS,
        ),
        ("VisioDocument", "is a Visio document", NO_ROWS),
        ("Quill", "is a Publisher document", NO_ROWS),
        (
            "\u{9}DRMContent",
            "is protected by rights management",
            UNPROTECT,
        ),
        (
            "\u{6}DataSpaces",
            "is protected by rights management",
            UNPROTECT,
        ),
    ];
    let found = known.into_iter().find(|(name, ..)| has(name));
    let (_, what, way_out) = found.unwrap_or((
        "",
        "is a compound file (OLE2) without a workbook in it",
        NO_ROWS,
    ));
    NotText::Other { what, way_out }
}

/// Records without a compound file around them, as Excel 2 to 4 and some scripts write them.
const BARE_RECORDS: &str = "is a workbook in the format of Excel 2 to 4";
const OPEN_AND_SAVE: &str = "open it in Excel or LibreOffice and save it as .xlsx";
const UNPACK: &str = "unpack it first";
const EXPORT: &str = "export its rows as CSV (UTF-8) or NDJSON";
const DECRYPT: &str = "decrypt it first";
const NO_ROWS: &str = "name a file that holds rows";

/// Kinds of files: their first bytes, the message and the remedy. First bytes that are only letters
/// could begin a text, so they count only if the start of the file contains a NUL.
const KINDS: [(&[u8], &str, &str); 37] = [
    (b"\x09\0\x04\0", BARE_RECORDS, OPEN_AND_SAVE),
    (b"\x09\x02\x06\0", BARE_RECORDS, OPEN_AND_SAVE),
    (b"\x09\x04\x06\0", BARE_RECORDS, OPEN_AND_SAVE),
    (b"\x09\x08\x08\0", BARE_RECORDS, OPEN_AND_SAVE),
    (b"\x09\x08\x10\0", BARE_RECORDS, OPEN_AND_SAVE),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive", UNPACK),
    (b"Rar!\x1a\x07", "is a RAR archive", UNPACK),
    (b"PK\x05\x06", "is an empty zip file", UNPACK),
    (b"PK\x07\x08", "is a zip file of several parts", UNPACK),
    (b"\x1f\x9d", "is compressed by compress (.Z)", UNPACK),
    (b"\x1f\xa0", "is compressed by compress (.Z)", UNPACK),
    (b"\x04\x22\x4d\x18", "is compressed by lz4", UNPACK),
    (b"\x5d\x00\x00", "is compressed by LZMA", UNPACK),
    (b"LZIP", "is compressed by lzip", UNPACK),
    (b"\x89LZO\0", "is compressed by lzop", UNPACK),
    (b"\xff\x06\0\0sNaPpY", "is compressed by Snappy", UNPACK),
    (b"PAR1", "is a Parquet file", EXPORT),
    (b"Obj\x01", "is an Avro file", EXPORT),
    (b"ORC", "is an ORC file", EXPORT),
    (b"ARROW1", "is an Arrow file", EXPORT),
    (b"FEA1", "is a Feather file", EXPORT),
    (b"SQLite format 3\0", "is an SQLite database", EXPORT),
    (
        b"\0\x01\0\0Standard Jet DB",
        "is an Access database",
        EXPORT,
    ),
    (
        b"\0\x01\0\0Standard ACE DB",
        "is an Access database",
        EXPORT,
    ),
    (b"PGDMP", "is a PostgreSQL dump", EXPORT),
    (b"$FL2", "is an SPSS file", EXPORT),
    (b"<stata_dta>", "is a Stata file", EXPORT),
    (b"%PDF-", "is a PDF", EXPORT),
    (b"{\\rtf", "is a text document (RTF)", EXPORT),
    (b"\x89PNG\r\n", "is a picture", NO_ROWS),
    (b"\xff\xd8\xff", "is a picture", NO_ROWS),
    (
        b"-----BEGIN PGP MESSAGE-----",
        "is encrypted (PGP)",
        DECRYPT,
    ),
    (b"age-encryption.org/", "is encrypted (age)", DECRYPT),
    (
        b"-----BEGIN AGE ENCRYPTED FILE-----",
        "is encrypted (age)",
        DECRYPT,
    ),
    (b"Salted__", "is encrypted (OpenSSL)", DECRYPT),
    (b"!<arch>\n", "is an ar archive", UNPACK),
    (b"\x7fELF", "is a program", NO_ROWS),
];
/// The mark of a tar archive, after its first file's name.
const TAR: (usize, &[u8]) = (257, b"ustar");

fn known(head: &[u8]) -> Option<NotText> {
    let (at, magic) = TAR;
    if head.get(at..).is_some_and(|head| head.starts_with(magic)) && head.contains(&0) {
        return Some(NotText::Other {
            what: "is a tar archive",
            way_out: UNPACK,
        });
    }
    let could_be_text =
        |magic: &[u8]| magic.iter().all(u8::is_ascii_alphanumeric) && !head.contains(&0);
    let found = KINDS
        .iter()
        .find(|(magic, ..)| head.starts_with(magic) && !could_be_text(magic));
    found.map(|(_, what, way_out)| NotText::Other { what, way_out })
}

/// The number of bytes by which text is told from other data.
const BEGINNING_BYTES: usize = 4 << 10;

/// Recognises data that is not text by its first bytes as a whole. A single control byte is the
/// fault of its row. A delimiter that the user names may be a control byte, as in files of Hive.
pub(crate) fn not_text_within(head: &[u8], delimiter: Option<Delimiter>) -> Option<NotText> {
    let head = head.get(..BEGINNING_BYTES).unwrap_or(head);
    let delimiter = delimiter.map(Delimiter::byte);
    let is_of_text = |byte: u8| {
        byte >= b' '
            || matches!(byte, b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0x1a | 0x1b)
            || Some(byte) == delimiter
    };
    let is_control = |byte: &&u8| !is_of_text(**byte);
    let controls = head.iter().filter(is_control).count();
    if controls < 2 {
        return None;
    }
    if is_mostly(head, 4, 8, |quad| {
        matches!(quad, [1..=255, 0, 0, 0] | [0, 0, 0, 1..=255])
    }) {
        return Some(NotText::Utf32);
    }
    // In UTF-16, every other byte of ASCII is NUL; in other scripts, only those of delimiters and
    // line ends.
    if is_mostly(head, 2, 3, |pair| matches!(pair, [1..=255, 0])) {
        return Some(NotText::Utf16("utf-16le"));
    }
    if is_mostly(head, 2, 3, |pair| matches!(pair, [0, 1..=255])) {
        return Some(NotText::Utf16("utf-16be"));
    }
    (controls >= CONTROLS_MIN && controls * 10 > head.len()).then_some(NotText::Binary)
}

/// A file with fewer control bytes than this is never refused.
const CONTROLS_MIN: usize = 8;

/// Whether at least this many tenths of the units of `size` bytes match, and at least two units.
fn is_mostly(bytes: &[u8], size: usize, tenths: usize, is_such: impl Fn(&[u8]) -> bool) -> bool {
    let found = bytes
        .chunks_exact(size)
        .filter(|unit| is_such(unit))
        .count();
    found >= 2 && found * 10 >= bytes.len() / size * tenths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_hold_no_text_are_known_by_their_beginning() {
        for (magic, what, _) in KINDS {
            let head = [magic, b"\0\0\0\0"].concat();
            assert!(
                not_text(&head)
                    .expect("known")
                    .to_string()
                    .starts_with(what),
                "{what}"
            );
        }
        let tar = [&[b'a'; 100][..], &[0; 157], b"ustar"].concat();
        assert_eq!(
            not_text(&tar).expect("known").to_string(),
            "is a tar archive: unpack it first"
        );
        for text in [
            "ORC,PAR1\n",
            "PAR1;id\n",
            "LZIP",
            "PGDMP_ID,id\n",
            "id,job\n",
            "",
            "{\"id\":1}",
        ] {
            assert_eq!(not_text(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_zip_file_is_known_by_its_first_part() {
        let check = |name: &str, want: &str| {
            let head = [b"PK\x03\x04", &[7; 26][..], name.as_bytes()].concat();
            assert!(
                not_text(&head)
                    .expect("known")
                    .to_string()
                    .starts_with(want),
                "{name}"
            );
        };
        check("[Content_Types].xml", "is a workbook");
        check("_rels/.rels", "is a workbook");
        for (media_type, want) in [
            ("oasis.opendocument.spreadsheet", "is a workbook"),
            ("oasis.opendocument.spreadsheet-template", "is a workbook"),
            ("oasis.opendocument.text-master", "is an OpenDocument text"),
            (
                "oasis.opendocument.formula",
                "is an OpenDocument file, but not a spreadsheet",
            ),
            ("sun.xml.calc", "is an OpenOffice.org 1 spreadsheet"),
        ] {
            check(&format!("mimetypeapplication/vnd.{media_type}"), want);
        }
        check("mimetypeapplication/epub+zip", "is a book");
        check("mimetypesomething", "is a zip file");
        check("customers.csv", "is a zip file");
    }

    #[test]
    fn documents_are_no_rows() {
        let check = |text: &str, want: Option<NotText>| {
            assert_eq!(not_rows(text.as_bytes()), want, "{text}");
        };
        check("\r\n <!DOCTYPE html><html>", Some(NotText::Html));
        check("<table border=1>", Some(NotText::Html));
        check(
            "<?xml version=\"1.0\"?><html xmlns=\"x\">",
            Some(NotText::Html),
        );
        check(
            "<?xml version=\"1.0\"?>\n<?mso-application progid=\"Excel.Sheet\"?>",
            Some(NotText::XmlWorkbook),
        );
        check("<?xml version=\"1.0\"?><customers>", Some(NotText::Xml));
        check(
            "<?xml version=\"1.0\"?>\n<office:document xmlns:office=\"x\">",
            Some(NotText::FlatOpenDocument),
        );
        check("<id>,job\n", None);
        check("id,job\n1,<html>\n", None);
    }
}
