//! The words of a server that may be shown and counted: codes and field names. Any other text may
//! quote a customer's value, so it is kept in results and failed rows alone.

use super::Field;

/// The most characters of a code or a field path.
pub(crate) const NAME_CHARACTERS_MAX: usize = 64;
/// The most digits of a code. `E10023`, `SQLSTATE.23000` and `ORA-00001` have no more; phone
/// numbers, dates and identity numbers do.
const CODE_DIGITS_MAX: usize = 5;
/// The most digits of a number in a field path, which is the index of an array.
const INDEX_DIGITS_MAX: usize = 4;

/// Whether a server's text looks like a machine code: 1 to 64 ASCII letters, digits, `_`, `.` and
/// `-`, with at least one letter and at most five digits. An e-mail address has an `@`, and a phone
/// number has no letter.
pub(crate) fn is_code(text: &str) -> bool {
    let in_code = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    text.len() <= NAME_CHARACTERS_MAX
        && text.bytes().all(in_code)
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && text.bytes().filter(u8::is_ascii_digit).count() <= CODE_DIGITS_MAX
}

/// Whether a server's text names a field of the API: a field of the contract, `id`, or a dotted
/// path that begins with one and continues with such names or with numbers of at most four digits
/// (`address.0.job`).
pub(crate) fn is_field(text: &str) -> bool {
    let is_name = |part: &str| part == "id" || Field::from_name(part).is_some();
    let is_index = |part: &str| {
        (1..=INDEX_DIGITS_MAX).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let mut parts = text.split('.');
    text.len() <= NAME_CHARACTERS_MAX
        && parts.next().is_some_and(is_name)
        && parts.all(|part| is_name(part) || is_index(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_short_words_with_a_letter_and_few_digits() {
        let check = |text: &str, want: bool| assert_eq!(is_code(text), want, "{text:?}");
        for code in [
            "not_found",
            "E10023",
            "SQLSTATE.23000",
            "a-b.C_d",
            "x",
            &"x".repeat(64),
        ] {
            check(code, true);
        }
        for text in [
            "",
            "Email zoe@example.com is taken",
            "zoe@example.com",
            "not found",
            "404",
            "0791234567",
            "079-123-45-67",
            "079.123.45.67",
            "1985-04-12",
            "born_1985-04-12",
            "AB123456",
            "tel.0791234567",
            "taken:x",
            "caf\u{e9}",
            "a\n",
            &"x".repeat(65),
        ] {
            check(text, false);
        }
    }

    #[test]
    fn fields_are_the_api_s_own_and_paths_of_such() {
        let check = |text: &str, want: bool| assert_eq!(is_field(text), want, "{text:?}");
        for field in [
            "id",
            "email",
            "address.0",
            "address.0.job",
            "user_id.id",
            "email.9999",
            &format!("email.1{}", ".id".repeat(19)),
        ] {
            check(field, true);
        }
        for text in [
            "",
            "zoe@example.com",
            "Email",
            "email ",
            "email.",
            "email..0",
            ".email",
            "0.email",
            "customer.email",
            "email.zoe",
            "email.zoe@example",
            "phone_number.0791234567",
            "country_name",
            &format!("email{}", ".id".repeat(20)),
        ] {
            check(text, false);
        }
    }
}
