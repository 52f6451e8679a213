//! Checks of the two formats in the contract that need more than a length: e-mail addresses and
//! date-times.

/// The octets of a mailbox's local part, RFC 5321 section 4.5.3.1.1.
const LOCAL_PART_BYTES_MAX: usize = 64;
/// The octets of a label of a domain name, RFC 1035 section 2.3.4.
const LABEL_BYTES_MAX: usize = 63;
/// The octets of a domain name, RFC 5321 section 4.5.3.1.2.
const DOMAIN_BYTES_MAX: usize = 255;

/// Whether the text is a mailbox of RFC 5321 section 4.1.2 with a domain name (no address literal).
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    local.len() <= LOCAL_PART_BYTES_MAX
        && (is_dot_string(local) || is_quoted_string(local))
        && is_domain(domain)
}

fn is_dot_string(local: &str) -> bool {
    let is_atom_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    local
        .split('.')
        .all(|atom| !atom.is_empty() && atom.bytes().all(is_atom_byte))
}

fn is_quoted_string(local: &str) -> bool {
    let Some(quoted) = local
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return false;
    };
    let mut bytes = quoted.bytes();
    while let Some(byte) = bytes.next() {
        let byte_is_good = match byte {
            b'\\' => bytes
                .next()
                .is_some_and(|escaped| matches!(escaped, b' '..=b'~')),
            b'"' => false,
            other => matches!(other, b' '..=b'~'),
        };
        if !byte_is_good {
            return false;
        }
    }
    true
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.len() <= DOMAIN_BYTES_MAX && domain.split('.').all(is_label)
}

/// Whether the text is a `date-time` of RFC 3339 section 5.6 with a valid day of the calendar.
pub(super) fn is_date_time(text: &str) -> bool {
    date_time(text).is_some()
}

fn date_time(text: &str) -> Option<()> {
    let (date, time) = text.split_once(['T', 't'])?;
    let mut date = date.splitn(3, '-');
    let year = digits(date.next()?, 4)?;
    let month = digits(date.next()?, 2)?;
    let day = digits(date.next()?, 2)?;
    if day == 0 || day > days_in(year, month)? {
        return None;
    }
    let (clock, offset_minutes) = clock_and_offset(time)?;
    let mut clock = clock.splitn(3, ':');
    let hour = digits(clock.next()?, 2).filter(|hour| *hour <= 23)?;
    let minute = digits(clock.next()?, 2).filter(|minute| *minute <= 59)?;
    let second = whole_second(clock.next()?)?;
    let utc_minute = (i64::from(hour * 60 + minute) - offset_minutes).rem_euclid(24 * 60);
    let leap_second_can_be = utc_minute == 24 * 60 - 1;
    (second <= 59 || (second == 60 && leap_second_can_be)).then_some(())
}

/// The time without its offset, and the offset in minutes east of UTC.
fn clock_and_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let sign_at = time.rfind(['+', '-'])?;
    let (clock, offset) = time.split_at_checked(sign_at)?;
    let (sign, offset) = offset.split_at_checked(1)?;
    let (hours, minutes) = offset.split_once(':')?;
    let hours = digits(hours, 2).filter(|hours| *hours <= 23)?;
    let minutes = digits(minutes, 2).filter(|minutes| *minutes <= 59)?;
    let east = i64::from(hours * 60 + minutes);
    Some((clock, if sign == "-" { -east } else { east }))
}

fn whole_second(text: &str) -> Option<u32> {
    let (second, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits(second, 2)
}

fn digits(text: &str, count: usize) -> Option<u32> {
    let well_formed = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if well_formed { text.parse().ok() } else { None }
}

fn days_in(year: u32, month: u32) -> Option<u32> {
    let leap_year =
        (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 if leap_year => Some(29),
        2 => Some(28),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_date_time, is_email};

    #[test]
    fn emails() {
        let check = |input: &str, want: bool| assert_eq!(is_email(input), want, "{input}");
        check("jsmith@example.com", true);
        check("o'neil+news@mail.example.co.uk", true);
        check("root@localhost", true);
        check(r#""john smith"@example.com"#, true);
        check(r#""a\"b@c"@example.com"#, true);
        check(&format!("{}@example.com", "a".repeat(64)), true);
        check(&format!("{}@example.com", "a".repeat(65)), false);
        check(&format!("a@{}.com", "b".repeat(63)), true);
        check(&format!("a@{}.com", "b".repeat(64)), false);
        for nonsense in [
            "",
            "jsmith",
            "@example.com",
            "jsmith@",
            "a@b@example.com",
            "a..b@example.com",
            ".a@example.com",
            "a.@example.com",
            "a b@example.com",
            "a@exam ple.com",
            "a@example..com",
            "a@example.com.",
            "a@-example.com",
            "a@example-.com",
            "a@exa_mple.com",
            "a@[127.0.0.1]",
            "J Smith <jsmith@example.com>",
            "jürgen@example.com",
            r#""a"b"@example.com"#,
            r#""a\"@example.com"#,
        ] {
            check(nonsense, false);
        }
    }

    #[test]
    fn date_times() {
        let check = |input: &str, want: bool| assert_eq!(is_date_time(input), want, "{input}");
        check("2023-11-07T05:31:56Z", true);
        check("2023-11-07t05:31:56z", true);
        check("2023-11-07T05:31:56.123456789+05:30", true);
        check("1990-12-31T15:59:60-08:00", true);
        check("1990-12-31T23:59:60Z", true);
        check("1990-12-31T23:58:60Z", false);
        check("1990-12-31T23:59:61Z", false);
        check("2024-02-29T00:00:00Z", true);
        check("2000-02-29T00:00:00Z", true);
        check("1900-02-29T00:00:00Z", false);
        check("2023-02-29T00:00:00Z", false);
        for nonsense in [
            "",
            "2023-11-07",
            "2023-11-07T05:31:56",
            "2023-11-07 05:31:56Z",
            "2023-11-07T05:31Z",
            "2023-11-07T24:00:00Z",
            "2023-11-07T05:60:00Z",
            "2023-11-07T05:31:56.Z",
            "2023-11-07T05:31:56+0530",
            "2023-11-07T05:31:56+24:00",
            "2023-13-07T05:31:56Z",
            "2023-00-07T05:31:56Z",
            "2023-11-31T05:31:56Z",
            "2023-11-00T05:31:56Z",
            "23-11-07T05:31:56Z",
            "2023-1-07T05:31:56Z",
            "+023-11-07T05:31:56Z",
            "2023-11-07T05:31:56ZZ",
            "2023-11-07T05:31:5éZ",
        ] {
            check(nonsense, false);
        }
    }
}
