//! One line of the journal: a JSON object whose last member is the CRC of all bytes before it.

/// The bytes between a line's content and its checksum.
const CRC_MEMBER: &[u8] = b",\"crc\":\"";
/// The number of hexadecimal digits of a checksum.
const CRC_DIGITS: usize = 8;
const CRC_END: &[u8] = b"\"}";
/// The number of bytes that [`seal`] adds, without the line end.
pub(super) const SEAL_BYTES: usize = CRC_MEMBER.len() + CRC_DIGITS + CRC_END.len();
/// The number of digits of a hash.
pub(super) const HASH_DIGITS: usize = 16;

/// Adds the checksum to the JSON object in `buffer` from `start` on, and ends the line.
///
/// The checksum is CRC-32C (RFC 3720 §12.1) of all bytes of the line before it.
pub(super) fn seal(buffer: &mut Vec<u8>, start: usize) {
    let closed = buffer.pop();
    debug_assert_eq!(closed, Some(b'}'), "a line is a JSON object");
    let crc = crc32c::crc32c(buffer.get(start..).unwrap_or_default());
    buffer.extend_from_slice(CRC_MEMBER);
    buffer.extend_from_slice(&hex_digits::<CRC_DIGITS>(crc.into()));
    buffer.extend_from_slice(CRC_END);
    buffer.push(b'\n');
}

/// Returns the last `N` hexadecimal digits of a number.
pub(super) fn hex_digits<const N: usize>(number: u64) -> [u8; N] {
    let mut digits = [0; N];
    for (place, digit) in digits.iter_mut().rev().enumerate() {
        let value = (number >> (place * 4) & 0xf) as u8;
        *digit = if value < 10 {
            b'0' + value
        } else {
            b'a' + value - 10
        };
    }
    digits
}

/// Whether a line, without its line end, has the right checksum.
pub(super) fn is_sealed(line: &[u8]) -> bool {
    let Some((content, tail)) = line
        .len()
        .checked_sub(SEAL_BYTES)
        .and_then(|at| line.split_at_checked(at))
    else {
        return false;
    };
    let digits = tail
        .strip_prefix(CRC_MEMBER)
        .and_then(|rest| rest.strip_suffix(CRC_END));
    let crc = digits
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .filter(|digits| is_lower_hex(digits));
    crc.and_then(|digits| u32::from_str_radix(digits, 16).ok()) == Some(crc32c::crc32c(content))
}

fn is_lower_hex(digits: &str) -> bool {
    digits
        .bytes()
        .all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_line_is_whole_and_any_flipped_bit_is_noticed() {
        let mut line = b"before".to_vec();
        line.extend_from_slice(br#"{"row":17,"outcome":"updated"}"#);
        seal(&mut line, 6);
        let sealed = line
            .strip_prefix(b"before")
            .and_then(|line| line.strip_suffix(b"\n"))
            .expect("prefix and line end");
        assert!(is_sealed(sealed));
        serde_json::from_slice::<serde_json::Value>(sealed).expect("a sealed line is JSON");
        for bit in 0..sealed.len() * 8 {
            let mut damaged = sealed.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_sealed(&damaged), "bit {bit}");
        }
        for end in 0..sealed.len() {
            assert!(!is_sealed(&sealed[..end]), "cut at {end}");
        }
    }
}
