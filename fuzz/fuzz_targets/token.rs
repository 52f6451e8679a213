//! Tokens, token files and a token endpoint's answers: an accepted token can be sent and is read
//! back unchanged, and no error repeats a part of the text.
#![no_main]

use custsync::testing::api::oauth::parse_answer;
use custsync::testing::api::token_file::Tokens;
use custsync::testing::api::{LoginFlaw, Token};
use libfuzzer_sys::fuzz_target;
use secrecy::ExposeSecret as _;

/// In lower case, as hosts are.
const CANARY: &str = "canary-7f3a9";
/// The longest token that is sent.
const TOKEN_BYTES_MAX: usize = 16 << 10;

/// Puts the canary where the text has a `$`: the fuzzer would not find it.
fn with_canary(text: &str) -> String {
    text.replace('$', CANARY)
}

fn check_token(token: &str) {
    assert!(!token.is_empty() && token.len() <= TOKEN_BYTES_MAX && token.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(!token.starts_with(['{', '[', '"', '\'', '`']));
    assert!(Token::of(token).is_ok(), "what was taken once is taken again");
}

fn check_tokens(tokens: &Tokens) {
    check_token(tokens.access_token.expose_secret());
    // Client and URL are no secrets.
    let is_named = tokens.client_id.iter().any(|id| id.contains(CANARY));
    let is_url = tokens.token_url.iter().any(|url| url.as_str().contains(CANARY));
    assert!(is_named || is_url || !format!("{tokens:?}").contains(CANARY));
    let json = tokens.to_json();
    let again = Tokens::parse(&json).unwrap_or_else(|flaw| panic!("what is written can be read: {flaw}"));
    assert_eq!(again.to_json(), json);
}

fuzz_target!(|input: (u16, &str)| {
    let (status, text) = input;
    let text = with_canary(text);
    match Token::of(&text) {
        Ok(token) => {
            check_token(text.trim());
            assert!(!format!("{token:?}").contains(CANARY));
        }
        Err(flaw) => assert!(!format!("{flaw} {flaw:?}").contains(CANARY)),
    }
    match Tokens::parse(&text) {
        Ok(tokens) => check_tokens(&tokens),
        Err(flaw) => {
            assert!(!format!("{flaw} {flaw:?}").contains(CANARY));
            if let LoginFlaw::Json { line, .. } = flaw {
                assert!(line <= 1 + text.matches('\n').count(), "the place is in the text");
            }
        }
    }
    // Every other answer is a 200.
    let status = if status % 2 == 0 { 200 } else { 100 + status / 2 % 500 };
    match parse_answer(status, text.as_bytes()) {
        Ok(tokens) => {
            assert!((200..300).contains(&status));
            check_tokens(&tokens);
        }
        Err(error) => assert!(!format!("{error} {error:?}").contains(CANARY)),
    }
});
