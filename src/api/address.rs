//! Which addresses are this machine's own.

use url::{Host, Url};

/// Whether what is sent there never leaves this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        let check = |text: &str, want: bool| {
            assert_eq!(is_loopback(&Url::parse(text).unwrap()), want, "{text}");
        };
        for (text, want) in [
            ("http://localhost", true),
            ("http://LOCALHOST:1", true),
            ("http://api.localhost", true),
            ("http://127.0.0.1", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:80", true),
            ("http://128.0.0.1", false),
            ("http://0.0.0.0", false),
            ("http://[::2]", false),
            ("http://localhost.example", false),
            ("http://notlocalhost", false),
        ] {
            check(text, want);
        }
    }
}
