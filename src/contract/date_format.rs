//! Date formats that the user names (`--date-format`) in the notation of `strftime`. They are read
//! strictly: a date in another form must not be misread, since the wrong date would be sent
//! unnoticed.

use jiff::fmt::strtime::{self, BrokenDownTime};

use super::date;

/// A date format that the user names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateFormat {
    /// The format in the notation of `strftime`, without abbreviations such as `%F`.
    format: String,
    pieces: Vec<Piece>,
    two_digit_years: Option<TwoDigitYears>,
}

/// An invalid date format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{format}` is not a date format: {reason}")]
pub struct DateFormatError {
    format: String,
    reason: String,
}

/// The hundred years that two-digit years belong to (`--two-digit-years`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoDigitYears {
    first: u16,
}

/// A piece of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// Optional white space.
    Spaces,
    /// This byte.
    Literal(u8),
    /// A number.
    Number(Number),
    /// Another directive, such as the name of a month.
    Other(String),
}

/// A number in a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Number {
    part: DatePart,
    digits_max: usize,
    /// Whether it always has that many digits.
    is_full: bool,
    /// Whether spaces may replace leading zeros.
    is_padded: bool,
}

/// The part of a date that a directive names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DatePart {
    Year,
    TwoDigitYear,
    Month,
    Day,
    Hour,
    /// An hour from 1 to 12.
    HalfDayHour,
    Second,
    /// AM or PM.
    Meridiem,
    Another,
}

/// The first of the last hundred years, which end with 9999.
const FIRST_YEAR_MAX: u16 = 9900;

impl TwoDigitYears {
    /// The years that can be the first of a hundred.
    pub const FIRST_YEARS: std::ops::RangeInclusive<u16> = 1..=FIRST_YEAR_MAX;

    /// Returns the hundred years that begin with `first`, or `None` if it is outside
    /// [`Self::FIRST_YEARS`].
    pub fn from_year(first: u16) -> Option<TwoDigitYears> {
        Self::FIRST_YEARS
            .contains(&first)
            .then_some(TwoDigitYears { first })
    }

    /// Returns the year that ends with these two digits.
    fn year(self, digits: u16) -> u16 {
        let year = self.first / 100 * 100 + digits;
        if year < self.first { year + 100 } else { year }
    }
}

impl DateFormat {
    /// Parses a format such as `%d/%m/%Y`. It is tried on a sample date, so that a mistake is
    /// reported before any row is read.
    pub fn new(
        format: &str,
        two_digit_years: Option<TwoDigitYears>,
    ) -> Result<DateFormat, DateFormatError> {
        DateFormat::of(format, two_digit_years).map_err(|reason| DateFormatError {
            format: format.to_owned(),
            reason,
        })
    }

    fn of(format: &str, two_digit_years: Option<TwoDigitYears>) -> Result<DateFormat, String> {
        let sample = jiff::civil::date(2001, 12, 31)
            .at(13, 14, 15, 0)
            .to_zoned_datetime(jiff::tz::TimeZone::UTC);
        let sample = sample.map_err(|error| error.to_string())?;
        if !format.contains('%') {
            let directives = directives_of(format);
            let directives = directives.as_deref().unwrap_or("%d.%m.%Y or the like");
            return Err(format!("write {directives}"));
        }
        let format = without_abbreviations(format);
        check_directives(&format, two_digit_years)?;
        let text = strtime::format(&format, &sample).map_err(|error| error.to_string())?;
        let parsed = strtime::parse(&format, &text).map_err(|error| error.to_string())?;
        if parsed.to_date().map_err(|error| error.to_string())? != sample.date() {
            return Err("it does not name a complete date".to_owned());
        }
        let date_format = DateFormat {
            pieces: pieces_of(&format),
            format,
            two_digit_years,
        };
        match date_format.shape(&text) {
            Some(_) => Ok(date_format),
            None => Err("text in this format cannot be read back".to_owned()),
        }
    }

    /// Whether the format has two-digit years.
    pub fn has_two_digit_years(&self) -> bool {
        self.pieces
            .iter()
            .any(|piece| part_of(piece) == Some(DatePart::TwoDigitYear))
    }

    /// Whether `text` has this form, even if there is no such day.
    pub(super) fn is_form_of(&self, text: &str) -> bool {
        self.shape(text).is_some()
    }

    /// Reads `text` in this format into RFC 3339. A time without an offset is UTC, a date without a
    /// time is midnight, and an offset in the text is kept.
    pub(super) fn read(&self, text: &str) -> Option<String> {
        self.read_with_offset(text).map(|(text, _)| text)
    }

    /// Reads `text` as [`Self::read`] does, and returns whether it has an offset.
    pub(super) fn read_with_offset(&self, text: &str) -> Option<(String, bool)> {
        let DateShape { two_digit_year } = self.shape(text)?;
        let mut parsed: BrokenDownTime = strtime::parse(&self.format, text).ok()?;
        if let Some(digits) = two_digit_year {
            parsed
                .set_year(Some(
                    i16::try_from(self.two_digit_years?.year(digits)).ok()?,
                ))
                .ok()?;
        }
        let local = parsed.to_date().ok()?.to_datetime(parsed.to_time().ok()?);
        let offset = parsed.offset();
        let text = offset_text(offset.map_or(0, jiff::tz::Offset::seconds))?;
        let text = format!("{local}{text}");
        date::is_date_time(text.as_bytes()).then_some((text, offset.is_some()))
    }

    /// Matches `text` against the format's pieces; `None` if it has another form.
    fn shape(&self, text: &str) -> Option<DateShape> {
        let mut shape = DateShape {
            two_digit_year: None,
        };
        let mut rest = text.as_bytes();
        for piece in &self.pieces {
            rest = match piece {
                Piece::Spaces => rest.trim_ascii_start(),
                Piece::Literal(byte) => rest.strip_prefix(&[*byte])?,
                Piece::Number(number) => {
                    let (digits, behind) = number.split_off(rest)?;
                    match number.part {
                        DatePart::TwoDigitYear => {
                            shape.two_digit_year = std::str::from_utf8(digits).ok()?.parse().ok();
                        }
                        // jiff would turn a leap second into the second before.
                        DatePart::Second if digits == b"60" => return None,
                        _ => {}
                    }
                    behind
                }
                Piece::Other(directive) => {
                    let (_, length) = BrokenDownTime::parse_prefix(directive, rest).ok()?;
                    rest.get(length..)?
                }
            };
        }
        rest.is_empty().then_some(shape)
    }
}

/// The facts about a date's text that jiff does not report.
struct DateShape {
    two_digit_year: Option<u16>,
}

impl Number {
    /// Splits the number's digits off the front of the text.
    fn split_off(self, text: &[u8]) -> Option<(&[u8], &[u8])> {
        let text = if self.is_padded {
            text.trim_ascii_start()
        } else {
            text
        };
        let digits = text
            .iter()
            .take(self.digits_max)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let is_whole = if self.is_full {
            digits == self.digits_max
        } else {
            digits > 0
        };
        text.split_at_checked(digits).filter(|_| is_whole)
    }
}

/// Formats an offset for RFC 3339; `None` if it has seconds, which RFC 3339 does not allow.
fn offset_text(seconds: i32) -> Option<String> {
    if seconds == 0 {
        return Some("Z".to_owned());
    }
    let (sign, size) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
    (size % 60 == 0).then(|| format!("{sign}{:02}:{:02}", size / 3600, size / 60 % 60))
}

/// Splits a format into directives, each with its letter, and literal characters.
fn parts_of(format: &str) -> impl Iterator<Item = (&str, Option<char>)> {
    let mut rest = format;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let (length, letter) = match rest.strip_prefix('%') {
            None => (first.len_utf8(), None),
            Some(behind) => match behind
                .char_indices()
                .find(|(_, character)| is_letter(*character))
            {
                Some((at, letter)) => (1 + at + letter.len_utf8(), Some(letter)),
                None => (rest.len(), None),
            },
        };
        let (part, behind) = rest.split_at_checked(length)?;
        rest = behind;
        Some((part, letter))
    })
}

/// Whether a character behind `%` is the directive itself rather than a flag, a width or a
/// precision.
fn is_letter(character: char) -> bool {
    !matches!(character, '-' | '_' | '0'..='9' | '^' | '#' | ':' | '.')
}

/// Expands abbreviations such as `%F`.
fn without_abbreviations(format: &str) -> String {
    let written_out = |(part, letter): (&str, Option<char>)| match letter {
        Some('D') => "%m/%d/%y".to_owned(),
        Some('F') => "%Y-%m-%d".to_owned(),
        Some('R') => "%H:%M".to_owned(),
        Some('T') => "%H:%M:%S".to_owned(),
        _ => part.to_owned(),
    };
    parts_of(format).map(written_out).collect()
}

/// Returns the format that a pattern of letters means, as in `dd.MM.yyyy HH:mm`. `None` for any
/// other text.
fn directives_of(pattern: &str) -> Option<String> {
    let mut format = String::new();
    let mut has_hour = false;
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let length = rest.find(|letter| letter != first).unwrap_or(rest.len());
        let (run, behind) = rest.split_at(length);
        rest = behind;
        let directive = match (first.to_ascii_lowercase(), length) {
            ('d', 1 | 2) => "%d",
            ('m', 1 | 2) if has_hour => "%M",
            ('m', 1 | 2) => "%m",
            ('y', 4) => "%Y",
            ('y', 2) => "%y",
            ('h', 1 | 2) => {
                has_hour = true;
                "%H"
            }
            ('s', 1 | 2) => "%S",
            ('t', 1) => "T",
            (other, _) if other.is_ascii_alphanumeric() => return None,
            _ => run,
        };
        format.push_str(directive);
    }
    format.contains('%').then_some(format)
}

/// Refuses directives that could be read as a date other than the one written.
fn check_directives(format: &str, two_digit_years: Option<TwoDigitYears>) -> Result<(), String> {
    let mut seen = Vec::new();
    for (directive, letter) in parts_of(format).filter_map(|(part, letter)| Some((part, letter?))) {
        match letter {
            'Q' => {
                return Err(format!(
                    "{directive} is a time zone's name, which is not supported: use %z for an offset such as +0200"
                ));
            }
            'C' | 'g' => {
                return Err(format!("{directive} is part of a year: use %Y"));
            }
            'y' if two_digit_years.is_none() => {
                return Err(
                    "%y is a two-digit year, whose hundred years have to be given: --two-digit-years 1930 means 1930 to 2029"
                        .to_owned(),
                );
            }
            _ => {}
        }
        let part = match part_of_letter(letter) {
            DatePart::TwoDigitYear => DatePart::Year,
            part => part,
        };
        if part != DatePart::Another && seen.contains(&part) {
            return Err(format!("{directive} repeats a part of the date"));
        }
        seen.push(part);
    }
    match (
        seen.contains(&DatePart::HalfDayHour),
        seen.contains(&DatePart::Meridiem),
    ) {
        (true, false) => Err("an hour of %I or %l needs %p, for morning or afternoon".to_owned()),
        (false, true) => Err("%p needs an hour of %I or %l, from 1 to 12".to_owned()),
        (true, true) if seen.contains(&DatePart::Hour) => Err("it names two hours".to_owned()),
        (true, true) | (false, false) => Ok(()),
    }
}

fn part_of_letter(letter: char) -> DatePart {
    match letter {
        'Y' => DatePart::Year,
        'y' => DatePart::TwoDigitYear,
        'm' | 'b' | 'B' | 'h' => DatePart::Month,
        'd' | 'e' => DatePart::Day,
        'H' | 'k' => DatePart::Hour,
        'I' | 'l' => DatePart::HalfDayHour,
        'S' => DatePart::Second,
        'p' | 'P' => DatePart::Meridiem,
        _ => DatePart::Another,
    }
}

fn part_of(piece: &Piece) -> Option<DatePart> {
    match piece {
        Piece::Number(number) => Some(number.part),
        Piece::Spaces | Piece::Literal(_) | Piece::Other(_) => None,
    }
}

fn pieces_of(format: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = parts_of(format)
        .flat_map(|(part, letter)| pieces_of_part(part, letter))
        .collect();
    let is_joined = |at: usize| {
        let before = at
            .checked_sub(1)
            .and_then(|before| pieces.get(before))
            .is_some_and(|piece| !piece.separates());
        before || pieces.get(at + 1).is_some_and(|piece| !piece.separates())
    };
    let joined: Vec<bool> = (0..pieces.len()).map(is_joined).collect();
    for (piece, is_joined) in pieces.iter_mut().zip(joined) {
        if let Piece::Number(number) = piece {
            number.is_full |= is_joined;
        }
    }
    pieces
}

fn pieces_of_part(part: &str, letter: Option<char>) -> Vec<Piece> {
    let Some(letter) = letter else {
        return part
            .bytes()
            .map(|byte| {
                if byte.is_ascii_whitespace() {
                    Piece::Spaces
                } else {
                    Piece::Literal(byte)
                }
            })
            .collect();
    };
    let number = |digits_max: usize, is_full: bool| {
        let is_padded = matches!(letter, 'e' | 'k' | 'l') || part.contains('_');
        vec![Piece::Number(Number {
            part: part_of_letter(letter),
            digits_max,
            is_full,
            is_padded,
        })]
    };
    match letter {
        'n' | 't' => vec![Piece::Spaces],
        '%' => vec![Piece::Literal(b'%')],
        'Y' | 'G' => number(4, true),
        'y' => number(2, true),
        'm' | 'd' | 'e' | 'H' | 'k' | 'I' | 'l' | 'M' | 'S' | 'U' | 'V' | 'W' => number(2, false),
        'j' => number(3, false),
        'u' | 'w' => number(1, true),
        _ => vec![Piece::Other(part.to_owned())],
    }
}

impl Piece {
    /// Whether it separates the numbers on both of its sides.
    fn separates(&self) -> bool {
        match self {
            // The space is optional, so it separates nothing.
            Piece::Spaces => true,
            Piece::Literal(byte) => !byte.is_ascii_digit(),
            Piece::Number(_) => false,
            Piece::Other(directive) => {
                !directive.ends_with(['f', 'N', 's', 'z']) || directive.starts_with("%.")
            }
        }
    }
}

/// Reads a point in time in the first format that fits, into RFC 3339.
pub(super) fn read_by(formats: &[DateFormat], text: &str) -> Option<String> {
    formats.iter().find_map(|format| format.read(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(format: &str, first_year: Option<u16>) -> Result<DateFormat, DateFormatError> {
        DateFormat::new(format, first_year.and_then(TwoDigitYears::from_year))
    }

    #[test]
    fn a_date_is_read_in_its_form() {
        let check = |form: &str, text: &str, want: &str| {
            assert_eq!(
                format(form, None)
                    .expect("a good format")
                    .read(text)
                    .as_deref(),
                Some(want),
                "{form} {text}"
            );
        };
        check("%d/%m/%Y", "31/12/1999", "1999-12-31T00:00:00Z");
        check("%d.%m.%Y", "1.2.1985", "1985-02-01T00:00:00Z");
        check("%Y%m%d", "19850102", "1985-01-02T00:00:00Z");
        check("%e %B %Y", " 5 May 1985", "1985-05-05T00:00:00Z");
        check("%d-%b-%Y", "12-Apr-1985", "1985-04-12T00:00:00Z");
        check("%F %R", "1999-12-31 08:05", "1999-12-31T08:05:00Z");
        check(
            "%m/%d/%Y %I:%M %p",
            "12/31/1999 8:05 PM",
            "1999-12-31T20:05:00Z",
        );
        check("%Y%m%d%H%M%S", "19991231080559", "1999-12-31T08:05:59Z");
        check("%Y-%j", "1985-102", "1985-04-12T00:00:00Z");
        check("%d.%m.%Y", "01.01.0001", "0001-01-01T00:00:00Z");
        check("%d%b%Y", "1Apr1985", "1985-04-01T00:00:00Z");
        check("%u %d%%%m%%%Y", "5 12%4%1940", "1940-04-12T00:00:00Z");
        check("%d.%m.%Y%n%H:%M", "1.2.1985 08:05", "1985-02-01T08:05:00Z");
        check("%F %T%.f", "1985-02-01 8:5:9.5", "1985-02-01T08:05:09.5Z");
    }

    #[test]
    fn an_offset_is_kept() {
        let check = |form: &str, text: &str, want: Option<&str>| {
            assert_eq!(
                format(form, None)
                    .expect("a good format")
                    .read(text)
                    .as_deref(),
                want,
                "{form} {text}"
            );
        };
        let jira = "%Y-%m-%dT%H:%M:%S%.f%z";
        check(
            jira,
            "1985-04-12T00:00:00.000+0200",
            Some("1985-04-12T00:00:00+02:00"),
        );
        check(
            jira,
            "1985-04-12T23:30:00.250-0530",
            Some("1985-04-12T23:30:00.25-05:30"),
        );
        check(
            jira,
            "1985-04-12T23:30:00+0000",
            Some("1985-04-12T23:30:00Z"),
        );
        // RFC 3339 offsets have no seconds and at most 23 hours.
        check(jira, "1985-04-12T23:30:00+020030", None);
        check(jira, "1985-04-12T23:30:00+2400", None);
        check(
            "%Y-%m-%d %H:%M %:z",
            "9999-12-31 23:30 -08:00",
            Some("9999-12-31T23:30:00-08:00"),
        );
    }

    #[test]
    fn a_year_of_two_digits_is_in_the_hundred_that_is_named() {
        let check = |first: u16, text: &str, want: &str| {
            let format = format("%d.%m.%y", Some(first)).expect("a good format");
            assert_eq!(format.read(text).as_deref(), Some(want), "{first} {text}");
        };
        check(1930, "12.04.30", "1930-04-12T00:00:00Z");
        check(1930, "12.04.29", "2029-04-12T00:00:00Z");
        check(1930, "29.02.00", "2000-02-29T00:00:00Z");
        check(1900, "12.04.00", "1900-04-12T00:00:00Z");
        check(1900, "12.04.99", "1999-04-12T00:00:00Z");
        check(1, "12.04.00", "0100-04-12T00:00:00Z");
        check(FIRST_YEAR_MAX, "12.04.99", "9999-04-12T00:00:00Z");
        assert_eq!(TwoDigitYears::from_year(0), None);
        assert_eq!(TwoDigitYears::from_year(FIRST_YEAR_MAX + 1), None);
        // The weekday belongs to the year that is meant.
        let weekday = format("%a %d.%m.%y", Some(1930)).expect("a good format");
        assert_eq!(
            weekday.read("Fri 12.04.40").as_deref(),
            Some("1940-04-12T00:00:00Z")
        );
        assert_eq!(weekday.read("Thu 12.04.40"), None);
    }

    #[test]
    fn what_is_written_otherwise_is_no_date() {
        let check = |form: &str, text: &str| {
            let two_digit_years = form.contains("%y").then_some(1930);
            assert_eq!(
                format(form, two_digit_years)
                    .expect("a good format")
                    .read(text),
                None,
                "{form} {text}"
            );
        };
        for text in [
            "12.04.85",
            "3.11.861",
            "12.04.-0085",
            "12.04.+1985",
            "12.04.19855",
            "12.04.0000",
            " 1.2.1985",
            "1. 2.1985",
            "31.04.1985",
        ] {
            check("%d.%m.%Y", text);
        }
        for text in ["1985012", "198512", "1985 102", "1985010"] {
            check("%Y%m%d", text);
        }
        check("%d%m%Y", "0102985");
        for text in ["85-04-12", "+1985-04-12", "-0085-04-12"] {
            check("%F", text);
        }
        for text in ["1.2.1985", "1.2.5", "1.2.085"] {
            check("%d.%m.%y", text);
        }
        check("%d%b%Y", "131Apr1985");
        check("%Y%j", "198512");
        check("%Y-%m-%d %H:%M%z", "1985-04-12 08:5+0200");
        check("%Y-%m-%d %H:%M:%S", "1990-12-31 23:59:60");
        check("%Y-%m-%d %H:%M", "1990-12-31 24:00");
    }

    #[test]
    fn a_format_that_could_be_read_wrongly_is_refused() {
        let check = |form: &str, reason: &str| {
            let error = format(form, None).expect_err("no good format").to_string();
            assert!(
                error.starts_with(&format!("`{form}` is not a date format: "))
                    && error.contains(reason),
                "{error}"
            );
        };
        for form in ["", "%Y", "%d/%m", "%", "%d.%m.%Y %", "%s", "%d.%m.%Y %Z"] {
            check(form, "");
        }
        check("%d.%m.%y", "--two-digit-years 1930");
        check("%D", "--two-digit-years 1930");
        check("%Y-%m-%d %H:%M %Q", "use %z for an offset");
        check("%Y-%m-%d %H:%M %:Q", "use %z for an offset");
        check("%Y-%m-%d %I:%M", "needs %p");
        check("%Y-%m-%d %l:%M", "needs %p");
        check("%Y-%m-%d %H:%M %p", "%p needs an hour of %I");
        check("%Y-%m-%d %H %I %p", "two hours");
        check("%C-%m-%d", "use %Y");
        check("%g-%V-%u", "use %Y");
        check("%d.%m.%Y %d", "repeats a part");
        check("%d.%m.%Y %b", "repeats a part");
        check("%F %d", "repeats a part");
        check("%F %H:%M %R", "repeats a part");
        check("%F %S %T", "repeats a part");
        check("dd.mm.yyyy", "write %d.%m.%Y");
        check("D/M/YY", "write %d/%m/%y");
        check("yyyy-MM-ddTHH:mm:ss", "write %Y-%m-%dT%H:%M:%S");
        check("iso", "write %d.%m.%Y or the like");
        let both = format("%Y %y-%m-%d", Some(1930))
            .expect_err("no good format")
            .to_string();
        assert!(both.contains("repeats a part"), "{both}");
    }

    #[test]
    fn other_forms_only_where_named() {
        let check = |text: &str, formats: &[&str], want: Option<&str>| {
            let formats: Vec<_> = formats
                .iter()
                .map(|format| DateFormat::new(format, None).expect("a good format"))
                .collect();
            assert_eq!(date::parse(text), None, "{text:?}");
            assert_eq!(read_by(&formats, text).as_deref(), want, "{text:?}");
        };
        check("31/12/1999", &[], None);
        check("31/12/1999", &["%d/%m/%Y"], Some("1999-12-31T00:00:00Z"));
        check("12/31/1999", &["%d/%m/%Y"], None);
        check(
            "12/31/1999",
            &["%d/%m/%Y", "%m/%d/%Y"],
            Some("1999-12-31T00:00:00Z"),
        );
    }

    #[test]
    fn only_a_year_of_two_digits_needs_its_hundred() {
        let has = |form: &str| format(form, Some(1930)).map(|form| form.has_two_digit_years());
        assert_eq!(has("%d.%m.%y"), Ok(true));
        assert_eq!(has("%D"), Ok(true));
        assert_eq!(has("%d.%m.%Y"), Ok(false));
    }
}
