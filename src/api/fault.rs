//! The name of what went wrong where no whole answer came.

use std::error::Error as StdError;
use std::io;

use super::lanes::Connection;
use crate::contract::{Fault, TlsFault};

/// Why no answer began. The error itself is not kept: it names the URL, and with it the customer.
///
/// Two cases are told from a connection that just broke:
///
/// - *Not processed*: HTTP/2 says so, by a GOAWAY without an error whose last id is below this stream, or by `REFUSED_STREAM`
///   (RFC 9113 §6.8, §8.7); or the connection ended before the request was written. h2 gives a GOAWAY to the streams above its
///   last id and to those that were to be opened after it. Streams that the server had taken get the error of the connection,
///   should that end before they do. A GOAWAY with an error is not believed: a server in trouble may name any id.
/// - *Unanswered*: a kept connection of HTTP/1.1 was closed or reset before there was an answer. Some bytes of a head may have
///   come, which the HTTP library does not tell. HTTP/2 has GOAWAY for this, so there it is a connection that broke.
pub(super) fn fault_of(error: &reqwest::Error, connection: Connection) -> Fault {
    if error.is_connect() {
        return connect_fault(error);
    }
    if error.is_timeout() {
        return Fault::Timeout;
    }
    if sources(error).any(says_not_processed) {
        return Fault::NotProcessed;
    }
    let is_http2 = sources(error).any(<dyn StdError>::is::<h2::Error>);
    match connection {
        Connection::Kept if !is_http2 && sources(error).any(says_closed) => Fault::Unanswered,
        Connection::Kept | Connection::New => Fault::Broken,
    }
}

/// Why an answer has no end.
pub(super) fn fault_of_answer(error: &reqwest::Error) -> Fault {
    if error.is_timeout() { Fault::Timeout } else { Fault::Broken }
}

fn says_not_processed(cause: &(dyn StdError + 'static)) -> bool {
    if let Some(http2) = cause.downcast_ref::<h2::Error>() {
        let is_goodbye = http2.is_go_away() && http2.reason() == Some(h2::Reason::NO_ERROR);
        let is_refusal = http2.is_reset() && http2.reason() == Some(h2::Reason::REFUSED_STREAM);
        return http2.is_remote() && (is_goodbye || is_refusal);
    }
    // hyper says so only of requests that it still holds as a whole.
    cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled)
}

fn says_closed(cause: &(dyn StdError + 'static)) -> bool {
    if cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message) {
        return true;
    }
    cause.downcast_ref::<io::Error>().is_some_and(|error| match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        // TLS without a word of farewell.
        | io::ErrorKind::UnexpectedEof => true,
        _ => false,
    })
}

/// What an error comes from, the nearest first.
fn sources(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |cause: &&(dyn StdError + 'static)| (*cause).source())
}

fn connect_fault(error: &reqwest::Error) -> Fault {
    if error.is_timeout() {
        return Fault::ConnectTimeout;
    }
    let mut source = error.source();
    while let Some(cause) = source {
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(inner) = inner
            && inner.is::<rustls::Error>()
        {
            return Fault::Tls(TlsFault::Other);
        }
        // The connector's own name for a failed look-up; it has no type that could be asked.
        if cause.to_string() == "dns error" {
            return Fault::NameUnknown;
        }
        source = cause.source();
    }
    Fault::Refused
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpListener, TcpStream};

    use bytes::Bytes;
    use url::Url;

    use super::*;
    use crate::api::{Api, ApiOptions, HttpOptions, Protocol, Proxies, Token, Transport};
    use crate::contract::{Answer, CustomerId};

    const SETTINGS: u8 = 4;
    const RST_STREAM: u8 = 3;
    const GOAWAY: u8 = 7;
    /// Codes of RFC 9113 §7.
    const NO_ERROR: u32 = 0;
    const INTERNAL_ERROR: u32 = 2;
    const REFUSED_STREAM: u32 = 7;
    const ENHANCE_YOUR_CALM: u32 = 11;

    /// A frame of HTTP/2 (RFC 9113 §4.1) without flags.
    fn frame(kind: u8, stream: u32, numbers: &[u32]) -> Vec<u8> {
        let payload: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
        [&length[1..], &[kind, 0], &stream.to_be_bytes(), &payload].concat()
    }

    /// Reads to the end of the first request's body.
    fn read_request(stream: &mut TcpStream) -> std::io::Result<()> {
        stream.read_exact(&mut [0; 24])?;
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head)?;
            let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            stream.read_exact(&mut vec![0; length])?;
            let (is_data, ends_stream) = (head[3] == 0, head[4] & 1 == 1);
            if is_data && ends_stream {
                return Ok(());
            }
        }
    }

    /// What comes of an update that is answered with these frames, before the server closes the connection.
    fn answered_with(frames: &[Vec<u8>]) -> Answer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base_url = format!("http://{}/", listener.local_addr().expect("an address"));
        let frames = frames.concat();
        let serving = std::thread::spawn(move || -> std::io::Result<()> {
            let (mut stream, _) = listener.accept()?;
            stream.write_all(&frame(SETTINGS, 0, &[]))?;
            read_request(&mut stream)?;
            stream.write_all(&frames)?;
            stream.shutdown(Shutdown::Write)?;
            std::io::copy(&mut stream, &mut std::io::sink()).map(drop)
        });
        let http = HttpOptions {
            timeout: None,
            ca_file: None,
            transport: Transport::HttpAllowed,
            proxies: Proxies::None,
            in_flight_max: 1,
            protocol: Protocol::Http2,
        };
        let base_url = Url::parse(&base_url).expect("a URL");
        let api = Api::new(&ApiOptions { base_url, tenant: None, http }).expect("a client");
        let token = Token::new("abc", "the file").expect("a good token");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let customer = CustomerId::new(7).expect("an id");
        let attempt = runtime.block_on(api.update(customer, Bytes::from_static(b"{}"), &token));
        drop(runtime);
        serving.join().expect("the server does not panic").ok();
        attempt.answer
    }

    #[test]
    fn http2_says_what_was_not_processed() {
        let check = |frames: &[Vec<u8>], want: Fault| {
            assert_eq!(answered_with(frames), Answer::Fault(want), "{frames:?}");
        };
        let goaway = |last_id: u32, reason: u32| frame(GOAWAY, 0, &[last_id, reason]);
        check(&[goaway(0, NO_ERROR)], Fault::NotProcessed);
        check(&[goaway((1 << 31) - 1, NO_ERROR), goaway(0, NO_ERROR)], Fault::NotProcessed);
        check(&[frame(RST_STREAM, 1, &[REFUSED_STREAM])], Fault::NotProcessed);
        // The server had taken it.
        check(&[goaway(1, NO_ERROR)], Fault::Broken);
        check(&[goaway((1 << 31) - 1, NO_ERROR)], Fault::Broken);
        check(&[goaway(0, ENHANCE_YOUR_CALM)], Fault::Broken);
        check(&[frame(RST_STREAM, 1, &[INTERNAL_ERROR])], Fault::Broken);
        check(&[], Fault::Broken);
    }
}
