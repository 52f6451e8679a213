//! The line of an entry, written and read without a parser. A run writes one for each row, and its
//! report reads all of them again.
//!
//! A line is a JSON object: its members have one order, with no spaces between them, and the absent
//! ones are left out. So a line as it is written can be read from front to back. A line with texts
//! of the API, or with members that a later version may have added, is left to serde.

use jiff::Timestamp;

use super::entry::{Entry, Outcome, milliseconds};
use super::line;
use crate::contract::{FIELDS, FieldSet};

/// The first bytes of every entry of this version, and of no other line.
pub(super) const ENTRY_START: &[u8] = b"{\"row\":";

impl Entry<'_> {
    /// Appends the entry as a line, with its checksum.
    pub fn encode(&self, buffer: &mut Vec<u8>) {
        let Entry {
            row,
            line,
            file,
            id,
            outcome,
            status,
            cause,
            ambiguous,
            attempts,
            ms,
            error,
            message,
            errors,
            fields,
            overtaken,
            echo,
            echo_spelling,
            echo_next_day,
            updated_at,
            at,
            hash,
            request,
        } = self;
        let start = buffer.len();
        let mut to = LineWriter(buffer);
        to.bytes(ENTRY_START);
        to.digits(*row);
        to.number("line", Some(*line));
        to.number("file", file.map(u64::from));
        to.number("id", *id);
        to.word("outcome", outcome.name());
        to.number("status", status.map(u64::from));
        to.text("cause", cause.as_deref());
        to.flag("ambiguous", *ambiguous);
        to.number("attempts", attempts.map(u64::from));
        to.number("ms", *ms);
        to.text("error", error.as_deref());
        to.text("message", message.as_deref());
        if !errors.is_empty() {
            to.json("errors", errors);
        }
        to.names("fields", *fields);
        to.names("overtaken", *overtaken);
        to.names("echo", *echo);
        to.names("echo_spelling", *echo_spelling);
        to.flag("echo_next_day", *echo_next_day);
        if let Some(updated_at) = updated_at {
            // With all of its digits, so that it can be compared.
            to.json("updated_at", &updated_at.to_string());
        }
        to.time("at", *at);
        to.hash("hash", Some(*hash));
        to.hash("request", *request);
        to.bytes(b"}");
        line::seal(buffer, start);
    }
}

/// Writes members. Only texts may need escapes: names are our own.
struct LineWriter<'b>(&'b mut Vec<u8>);

impl LineWriter<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn key(&mut self, key: &str) {
        self.bytes(b",\"");
        self.bytes(key.as_bytes());
        self.bytes(b"\":");
    }

    fn digits(&mut self, number: u64) {
        self.bytes(itoa::Buffer::new().format(number).as_bytes());
    }

    fn number(&mut self, key: &str, number: Option<u64>) {
        if let Some(number) = number {
            self.key(key);
            self.digits(number);
        }
    }

    fn flag(&mut self, key: &str, is_set: bool) {
        if is_set {
            self.key(key);
            self.bytes(b"true");
        }
    }

    fn word(&mut self, key: &str, word: &str) {
        self.key(key);
        self.bytes(b"\"");
        self.bytes(word.as_bytes());
        self.bytes(b"\"");
    }

    fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.json(key, text);
        }
    }

    fn json<T: serde::Serialize + ?Sized>(&mut self, key: &str, value: &T) {
        self.key(key);
        serde_json::to_writer(&mut *self.0, value).expect("memory can be written");
    }

    fn names(&mut self, key: &str, fields: FieldSet) {
        if fields.is_empty() {
            return;
        }
        self.key(key);
        let mut before: &[u8] = b"[\"";
        for name in fields.names() {
            self.bytes(before);
            self.bytes(name.as_bytes());
            before = b"\",\"";
        }
        self.bytes(b"\"]");
    }

    fn time(&mut self, key: &str, at: Timestamp) {
        self.key(key);
        self.bytes(b"\"");
        milliseconds::PRINTER
            .print_timestamp(&at, &mut *self.0)
            .expect("memory can be written");
        self.bytes(b"\"");
    }

    fn hash(&mut self, key: &str, hash: Option<u64>) {
        if let Some(hash) = hash {
            self.key(key);
            self.bytes(b"\"");
            self.bytes(&line::hex_digits::<{ line::HASH_DIGITS }>(hash));
            self.bytes(b"\"");
        }
    }
}

/// Reads the line of an entry, whose checksum has been verified.
pub(super) fn read(line: &[u8]) -> serde_json::Result<Entry<'_>> {
    match read_as_written(line) {
        Some(entry) => Ok(entry),
        None => read_any(line),
    }
}

/// Reads the members in the order in which they are written. `None` if there are texts, or another
/// order.
fn read_as_written(line: &[u8]) -> Option<Entry<'_>> {
    let mut from = LineRest(line.get(..line.len().checked_sub(line::SEAL_BYTES)?)?);
    let head = from.head()?;
    let status = from.number("status");
    let attempts = from.number("attempts");
    let ms = from.number("ms");
    let fields = from.names("fields")?;
    let overtaken = from.names("overtaken")?;
    let echo = from.names("echo")?;
    let echo_spelling = from.names("echo_spelling")?;
    let at = from.time("at")?;
    let hash = from.hash("hash")?;
    let request = if from.0.is_empty() {
        None
    } else {
        Some(from.hash("request")?)
    };
    let entry = Entry {
        file: head.file.map(u32::try_from).transpose().ok()?,
        id: head.id,
        status: status.map(u16::try_from).transpose().ok()?,
        attempts: attempts.map(u32::try_from).transpose().ok()?,
        ms,
        fields,
        overtaken,
        echo,
        echo_spelling,
        request,
        ..Entry::new(head.row, head.line, head.outcome, at, hash)
    };
    from.0.is_empty().then_some(entry)
}

/// Reads the members in any order, beside members that a later version may have added.
#[cold]
fn read_any(line: &[u8]) -> serde_json::Result<Entry<'_>> {
    // In a text that is UTF-8 as a whole, the parser does not check each string anew.
    match simdutf8::basic::from_utf8(line) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(line),
    }
}

/// The members of an entry up to its outcome, which every entry begins with.
#[derive(Debug, Clone, Copy)]
pub(super) struct EntryHead {
    pub(super) row: u64,
    pub(super) line: u64,
    pub(super) file: Option<u64>,
    pub(super) id: Option<u64>,
    pub(super) outcome: Outcome,
}

/// The rest of a line, read from its front. What returns `None` has found another thing there.
pub(super) struct LineRest<'l>(pub(super) &'l [u8]);

impl<'l> LineRest<'l> {
    /// Reads the start of an entry.
    pub(super) fn head(&mut self) -> Option<EntryHead> {
        self.pass(ENTRY_START)?;
        let row = self.digits()?;
        let line = self.number("line")?;
        let file = self.number("file");
        let id = self.number("id");
        self.key("outcome")?;
        let name = self.quoted()?;
        let outcome = (Outcome::ALL.into_iter()).find(|known| known.name().as_bytes() == name)?;
        Some(EntryHead {
            row,
            line,
            file,
            id,
            outcome,
        })
    }

    fn pass(&mut self, bytes: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(bytes)?;
        Some(())
    }

    fn key(&mut self, key: &str) -> Option<()> {
        let rest = self.0.strip_prefix(b",\"")?;
        let rest = rest.strip_prefix(key.as_bytes())?;
        self.0 = rest.strip_prefix(b"\":")?;
        Some(())
    }

    fn digits(&mut self) -> Option<u64> {
        let (mut number, mut count) = (0_u64, 0);
        for digit in self.0.iter().take_while(|byte| byte.is_ascii_digit()) {
            number = number
                .checked_mul(10)?
                .checked_add(u64::from(digit - b'0'))?;
            count += 1;
        }
        self.0 = self.0.get(count..).filter(|_| count > 0)?;
        Some(number)
    }

    /// Reads a number; `None` if it is absent, or has too many digits. No key is next then.
    fn number(&mut self, key: &str) -> Option<u64> {
        self.key(key)?;
        self.digits()
    }

    /// Reads a text without escapes.
    fn quoted(&mut self) -> Option<&'l [u8]> {
        self.pass(b"\"")?;
        let (text, rest) = self.0.split_at(memchr::memchr2(b'"', b'\\', self.0)?);
        self.0 = rest.strip_prefix(b"\"")?;
        Some(text)
    }

    /// Reads a list of fields in the order of the API; the empty set if it is absent.
    fn names(&mut self, key: &str) -> Option<FieldSet> {
        let mut fields = FieldSet::EMPTY;
        if self.key(key).is_none() {
            return Some(fields);
        }
        self.pass(b"[")?;
        for rule in FIELDS {
            let behind = (self.0.strip_prefix(b"\""))
                .and_then(|rest| rest.strip_prefix(rule.name.as_bytes()))
                .and_then(|rest| rest.strip_prefix(b"\""));
            if let Some(behind) = behind {
                fields.insert(rule.field);
                self.0 = behind.strip_prefix(b",").unwrap_or(behind);
            }
        }
        self.pass(b"]")?;
        Some(fields)
    }

    fn time(&mut self, key: &str) -> Option<Timestamp> {
        self.key(key)?;
        std::str::from_utf8(self.quoted()?).ok()?.parse().ok()
    }

    fn hash(&mut self, key: &str) -> Option<u64> {
        self.key(key)?;
        self.pass(b"\"")?;
        let (digits, rest) = self.0.split_first_chunk::<{ line::HASH_DIGITS }>()?;
        self.0 = rest.strip_prefix(b"\"")?;
        digits.iter().try_fold(0, |hash, digit| {
            let value = char::from(*digit).to_digit(16)?;
            Some(hash << 4 | u64::from(value))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;
    use crate::journal::EntryError;

    fn any_fields() -> impl Strategy<Value = FieldSet> {
        vec(any::<bool>(), FIELDS.len()).prop_map(|is_in| {
            let fields = FIELDS.iter().zip(is_in);
            fields
                .filter_map(|(rule, is_in)| is_in.then_some(rule.field))
                .collect()
        })
    }

    fn any_text() -> impl Strategy<Value = Option<String>> {
        option::of(prop_oneof![".*", "[\"\\\\,:{}]{0,9}"])
    }

    prop_compose! {
        /// An entry as most are: without texts.
        fn any_plain()(
            (row, line, hash) in any::<(u64, u64, u64)>(),
            outcome in proptest::sample::select(&Outcome::ALL[..]),
            (file, id, status) in any::<(Option<u32>, Option<u64>, Option<u16>)>(),
            (attempts, ms, request) in any::<(Option<u32>, Option<u64>, Option<u64>)>(),
            sets in [any_fields(), any_fields(), any_fields(), any_fields()],
            at_ms in 0..253_402_207_200_000_i64,
        ) -> Entry<'static> {
            let [fields, overtaken, echo, echo_spelling] = sets;
            let at = Timestamp::from_millisecond(at_ms).expect("a time before the year 10000");
            Entry {
                file, id, status, attempts, ms, fields, overtaken, echo, echo_spelling, request,
                ..Entry::new(row, line, outcome, at, hash)
            }
        }
    }

    prop_compose! {
        fn any_entry()(
            plain in any_plain(),
            (cause, error, message) in (any_text(), any_text(), any_text()),
            errors in vec((any_text(), any_text()), 0..3),
            (ambiguous, echo_next_day) in any::<(bool, bool)>(),
            updated_at_us in option::of(0..4_000_000_000_000_000_i64),
        ) -> Entry<'static> {
            let errors = errors.into_iter().map(|(field, code)| EntryError {
                message: format!("{field:?}").into(),
                field: field.unwrap_or_default().into(),
                code: code.map(Into::into),
            });
            Entry {
                cause: cause.map(Into::into),
                error: error.map(Into::into),
                message: message.map(Into::into),
                errors: errors.collect(),
                ambiguous,
                echo_next_day,
                updated_at: updated_at_us
                    .map(|us| Timestamp::from_microsecond(us).expect("a time of this century")),
                ..plain
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_again(entry in any_entry()) {
            let line = entry.line();
            prop_assert!(line::is_sealed(&line));
            prop_assert_eq!(&read(&line).expect("an entry"), &entry);
            prop_assert_eq!(&read_any(&line).expect("an entry"), &entry);
        }

        #[test]
        fn an_entry_without_texts_needs_no_parser(entry in any_plain()) {
            let line = entry.line();
            prop_assert_eq!(read_as_written(&line), Some(entry));
        }

        #[test]
        fn a_line_of_another_kind_is_left_to_the_parser(
            entry in any_plain(),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut line = entry.line();
            let at = at.index(line.len());
            line[at] = byte;
            if let (Some(as_written), Ok(parsed)) = (read_as_written(&line), read_any(&line)) {
                prop_assert_eq!(as_written, parsed);
            }
        }
    }

    #[test]
    fn members_of_a_later_version_and_another_order_are_read() {
        let entry = Entry {
            id: Some(7),
            ..Entry::of_row(3, Outcome::Updated)
        };
        let text = String::from_utf8(entry.line()).expect("JSON is UTF-8");
        let later = text.replacen(",\"id\":7", ",\"tier\":{\"a\":[1]},\"id\":7", 1);
        let moved = text
            .replacen(",\"id\":7", "", 1)
            .replacen(",\"at\"", ",\"id\":7,\"at\"", 1);
        for line in [later, moved] {
            assert_eq!(read_as_written(line.as_bytes()), None, "{line}");
            assert_eq!(read(line.as_bytes()).expect("an entry"), entry);
        }
    }
}
