//! CRC-32C, a bit at a time.

/// The polynomial of RFC 3720 §12.1, with its bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// The CRC-32C of `bytes`.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ POLYNOMIAL
            } else {
                crc >> 1
            };
        }
    }
    !crc
}

#[test]
fn the_checksum_is_the_published_one() {
    // RFC 3720 §B.4, and the check value of the CRC catalogue.
    assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
}

/// Returns a line of a journal with its checksum.
pub(crate) fn sealed(content: &str) -> String {
    let open = content.strip_suffix('}').expect("a line is an object");
    format!("{open},\"crc\":\"{:08x}\"}}\n", crc32c(open.as_bytes()))
}
