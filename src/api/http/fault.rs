//! Names the fault if no whole answer came.

use std::error::Error as StdError;
use std::fs::File;
use std::io;

use rustix::io::Errno;
use rustls::{AlertDescription, CertificateError, Error as TlsError, OtherError};

use crate::api::http::lanes::Connection;
use crate::api::http::route::Route;
use crate::contract::{Fault, ProxyFault, TlsFault};

/// The most nested errors that are searched: far more than there are.
const LEVELS_MAX: usize = 32;
/// The errno values of a machine without free descriptors, buffers or local ports.
const NOTHING_LEFT: [Errno; 4] = [
    Errno::MFILE,
    Errno::NFILE,
    Errno::NOBUFS,
    Errno::ADDRNOTAVAIL,
];
/// The beginning of messages of the connector through a proxy, whose error type is private.
const TUNNEL: &str = "tunnel error: ";
/// The connector's message if the proxy answered CONNECT with 407.
const TUNNEL_407: &str = "tunnel error: proxy authorization required";
/// The connector's message if the proxy cannot be connected to. All others are about the answer to
/// CONNECT.
const TUNNEL_NOT_CONNECTED: &str = "tunnel error: failed to create underlying connection";
/// The texts of `gai_strerror` for a name that does not exist: `EAI_NONAME` and `EAI_NODATA` of
/// glibc, musl and the BSDs. The standard library keeps the text of a failed look-up and not its
/// code. Any other text is a failure that may pass.
const NO_SUCH_NAME: [&str; 7] = [
    "Name or service not known",
    "No address associated with hostname",
    "Name does not resolve",
    "Name has no usable address",
    "nodename nor servname provided, or not known",
    "No address associated with nodename",
    "hostname nor servname provided, or not known",
];

/// The fault of a request on this route that got no answer. The error itself is not kept: it names
/// the URL, and with it the customer.
///
/// Two cases differ from a connection that broke:
///
/// - *Not processed*: HTTP/2 says so, by a GOAWAY without an error whose last id is below this
///   stream, or by `REFUSED_STREAM` (RFC 9113 §6.8, §8.7); or the connection ended before the
///   request was written. h2 reports a GOAWAY on the streams above its last id and on those still
///   to be opened. Streams that the server had accepted get the connection's error if it ends
///   first. A GOAWAY with an error is not believed: a server in trouble may name any id.
/// - *Unanswered*: a kept connection of HTTP/1.1 was closed or reset before there was an answer.
///   Some bytes of a head may have come; the HTTP library does not say. HTTP/2 has GOAWAY for this,
///   so there it counts as a broken connection.
pub(crate) fn fault_of(error: &reqwest::Error, route: &Route, connection: Connection) -> Fault {
    if error.is_connect() {
        return connect_fault(error, route);
    }
    // In TLS 1.3 the client's half of the handshake ends before the server can refuse it.
    if let Some(TlsError::AlertReceived(alert)) = find::<TlsError>(error)
        && refuses_the_client(*alert)
    {
        return Fault::Tls(TlsFault::ClientCertificate);
    }
    if error.is_timeout() {
        return Fault::Timeout;
    }
    if levels(error).any(says_not_processed) {
        return Fault::NotProcessed;
    }
    let is_http2 = levels(error).any(<dyn StdError>::is::<h2::Error>);
    match connection {
        Connection::Kept if !is_http2 && levels(error).any(says_closed) => Fault::Unanswered,
        Connection::Kept | Connection::New => Fault::Broken,
    }
}

/// The fault of an answer that began and did not end.
pub(crate) fn fault_of_answer(error: &reqwest::Error) -> Fault {
    if error.is_timeout() {
        Fault::Timeout
    } else {
        Fault::Broken
    }
}

fn says_not_processed(cause: &(dyn StdError + 'static)) -> bool {
    if let Some(http2) = cause.downcast_ref::<h2::Error>() {
        let is_goodbye = http2.is_go_away() && http2.reason() == Some(h2::Reason::NO_ERROR);
        let is_refusal = http2.is_reset() && http2.reason() == Some(h2::Reason::REFUSED_STREAM);
        return http2.is_remote() && (is_goodbye || is_refusal);
    }
    // hyper reports this only for requests that it has not begun to write.
    cause
        .downcast_ref::<hyper::Error>()
        .is_some_and(hyper::Error::is_canceled)
}

fn says_closed(cause: &(dyn StdError + 'static)) -> bool {
    if cause
        .downcast_ref::<hyper::Error>()
        .is_some_and(hyper::Error::is_incomplete_message)
    {
        return true;
    }
    cause
        .downcast_ref::<io::Error>()
        .is_some_and(|error| match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        // The server closed TLS without `close_notify`.
        | io::ErrorKind::UnexpectedEof => true,
        _ => false,
    })
}

fn connect_fault(error: &reqwest::Error, route: &Route) -> Fault {
    if error.is_timeout() {
        return Fault::ConnectTimeout;
    }
    if has_nothing_left(error) || (error.is_dns() && no_descriptor_is_left()) {
        return Fault::NoSockets;
    }
    if error.is_dns() && !levels(error).any(|level| has_no_such_name(&level.to_string())) {
        return Fault::LookupFailed;
    }
    let tls = find::<TlsError>(error);
    if let Some(TlsError::InvalidCertificate(CertificateError::ExpiredContext {
        not_after, ..
    })) = tls
    {
        route.note_expiry(not_after.as_secs());
    }
    let tls = tls.map(tls_fault);
    let tunnel = levels(error)
        .map(ToString::to_string)
        .find(|text| text.starts_with(TUNNEL));
    match tunnel.as_deref() {
        Some(TUNNEL_407) => return Fault::Proxy(ProxyFault::Authentication),
        Some(TUNNEL_NOT_CONNECTED) => {}
        Some(_) => return Fault::Proxy(ProxyFault::Refused),
        // Plain HTTP has no tunnel: the connection goes to the proxy itself.
        None if route.connects_to_a_proxy() => {}
        None if error.is_dns() => return Fault::NameUnknown,
        None => return tls.map_or_else(|| not_connected(error), Fault::Tls),
    }
    Fault::Proxy(tls.map_or(ProxyFault::Unreachable, ProxyFault::Tls))
}

/// The fault of a connection that could not be made to the server itself.
fn not_connected(error: &reqwest::Error) -> Fault {
    match find::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => Fault::Refused,
        Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
            Fault::Unreachable
        }
        _ => Fault::NotConnected,
    }
}

/// The nested errors, the outermost first. `source()` of an `io::Error` skips the error that it
/// wraps, and the TLS connector wraps its own error in two of them.
fn levels<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| inner(*error)).take(LEVELS_MAX)
}

fn inner<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)> {
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn find<'e, E: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e E> {
    levels(error).find_map(|level| level.downcast_ref())
}

/// Whether a connection failed because this machine has no descriptor, buffer or port left.
fn has_nothing_left(error: &(dyn StdError + 'static)) -> bool {
    let errno = levels(error).find_map(|level| level.downcast_ref().and_then(Errno::from_io_error));
    match errno {
        // A machine without IPv6 reports the same for an IPv6 address, however many ports are left.
        Some(Errno::ADDRNOTAVAIL) => !levels(error).any(is_about_ipv6),
        Some(errno) => NOTHING_LEFT.contains(&errno),
        None => false,
    }
}

/// Whether this is the connector's error about an IPv6 address, which only its `Debug` form shows.
fn is_about_ipv6(level: &(dyn StdError + 'static)) -> bool {
    level.to_string() == "tcp connect error" && format!("{level:?}").contains(", [")
}

/// Whether this process cannot open a file. A look-up needs some, and may report an unknown name if
/// it got none.
fn no_descriptor_is_left() -> bool {
    let errno = File::open("/dev/null")
        .err()
        .as_ref()
        .and_then(Errno::from_io_error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE))
}

fn has_no_such_name(text: &str) -> bool {
    NO_SUCH_NAME.iter().any(|words| text.ends_with(words))
}

fn tls_fault(error: &TlsError) -> TlsFault {
    match error {
        TlsError::InvalidCertificate(error) => certificate_fault(error),
        TlsError::InvalidMessage(_) => TlsFault::NotTls,
        TlsError::PeerIncompatible(_) => TlsFault::OldVersion,
        TlsError::AlertReceived(alert) => match alert {
            AlertDescription::ProtocolVersion
            | AlertDescription::HandshakeFailure
            | AlertDescription::InsufficientSecurity => TlsFault::OldVersion,
            alert if refuses_the_client(*alert) => TlsFault::ClientCertificate,
            _ => TlsFault::Other,
        },
        _ => TlsFault::Other,
    }
}

/// Whether this alert asks for a client certificate, or for another one (RFC 8446 §6.2).
fn refuses_the_client(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
    )
}

fn certificate_fault(error: &CertificateError) -> TlsFault {
    match error {
        // A recreated authority has the old one's name and another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsFault::UnknownIssuer,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TlsFault::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFault::OtherHost
        }
        // An error of the certificate library, whose type is not public.
        CertificateError::Other(OtherError(error)) if error.to_string() == "CaUsedAsEndEntity" => {
            TlsFault::OfAnAuthority
        }
        _ => TlsFault::Certificate,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::sync::Arc;

    use bytes::Bytes;
    use url::Url;

    use super::*;
    use crate::api::reading::KeepImage;
    use crate::api::{Api, ApiOptions, HttpOptions, Protocol, Token, Update};
    use crate::contract::{Answer, CustomerId, EchoCheck};

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
        let payload: Vec<u8> = numbers
            .iter()
            .flat_map(|number| number.to_be_bytes())
            .collect();
        let length = u32::try_from(payload.len())
            .expect("a short frame")
            .to_be_bytes();
        [&length[1..], &[kind, 0], &stream.to_be_bytes(), &payload].concat()
    }

    /// Reads to the end of the first request's body.
    fn read_request(stream: &mut TcpStream) -> std::io::Result<()> {
        stream.read_exact(&mut [0; 24])?;
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head)?;
            let length =
                usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            stream.read_exact(&mut vec![0; length])?;
            let (is_data, ends_stream) = (head[3] == 0, head[4] & 1 == 1);
            if is_data && ends_stream {
                return Ok(());
            }
        }
    }

    /// The answer to an update if the server sends these frames and closes the connection.
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
        let http = HttpOptions::plain(Protocol::Http2, 1);
        let base_url = Url::parse(&base_url).expect("a URL");
        let api = Api::new(&ApiOptions {
            base_url,
            tenant: None,
            http,
            echo: EchoCheck::Off,
        })
        .expect("a client");
        let token = Token::new("abc", "the file").expect("a good token");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let customer = CustomerId::new(7).expect("an id");
        let update = Update {
            customer,
            body: Bytes::from_static(b"{}"),
            if_match: None,
        };
        let answered = runtime.block_on(api.update(update, &token, KeepImage::No));
        drop(runtime);
        serving.join().expect("the server does not panic").ok();
        answered.attempt.answer
    }

    #[test]
    fn http2_says_what_was_not_processed() {
        let check = |frames: &[Vec<u8>], want: Fault| {
            assert_eq!(answered_with(frames), Answer::Fault(want), "{frames:?}");
        };
        let goaway = |last_id: u32, reason: u32| frame(GOAWAY, 0, &[last_id, reason]);
        check(&[goaway(0, NO_ERROR)], Fault::NotProcessed);
        check(
            &[goaway((1 << 31) - 1, NO_ERROR), goaway(0, NO_ERROR)],
            Fault::NotProcessed,
        );
        check(
            &[frame(RST_STREAM, 1, &[REFUSED_STREAM])],
            Fault::NotProcessed,
        );
        // The server had accepted the stream.
        check(&[goaway(1, NO_ERROR)], Fault::Broken);
        check(&[goaway((1 << 31) - 1, NO_ERROR)], Fault::Broken);
        check(&[goaway(0, ENHANCE_YOUR_CALM)], Fault::Broken);
        check(&[frame(RST_STREAM, 1, &[INTERNAL_ERROR])], Fault::Broken);
        check(&[], Fault::Broken);
    }

    #[test]
    fn an_error_is_found_however_deep_others_wrap_it() {
        let error = |error: CertificateError| TlsError::InvalidCertificate(error);
        let wrapped = io::Error::other(io::Error::new(
            io::ErrorKind::InvalidData,
            error(CertificateError::Expired),
        ));
        assert_eq!(
            find::<TlsError>(&wrapped),
            Some(&error(CertificateError::Expired))
        );
        let twice = io::Error::other(wrapped);
        assert_eq!(
            find::<TlsError>(&twice),
            Some(&error(CertificateError::Expired))
        );
        assert_eq!(find::<TlsError>(&io::Error::other("another error")), None);
    }

    #[test]
    fn each_error_of_tls_has_its_name() {
        let check =
            |error: TlsError, want: TlsFault| assert_eq!(tls_fault(&error), want, "{error:?}");
        let other = |error: &str| CertificateError::Other(OtherError(Arc::from(Box::from(error))));
        for (error, want) in [
            (CertificateError::UnknownIssuer, TlsFault::UnknownIssuer),
            (CertificateError::Expired, TlsFault::Expired),
            (CertificateError::NotValidYet, TlsFault::NotYetValid),
            (CertificateError::NotValidForName, TlsFault::OtherHost),
            (CertificateError::Revoked, TlsFault::Certificate),
            (CertificateError::BadSignature, TlsFault::UnknownIssuer),
            (other("CaUsedAsEndEntity"), TlsFault::OfAnAuthority),
            (other("UnsupportedCertVersion"), TlsFault::Certificate),
        ] {
            check(TlsError::InvalidCertificate(error), want);
        }
        for (alert, want) in [
            (AlertDescription::ProtocolVersion, TlsFault::OldVersion),
            (AlertDescription::HandshakeFailure, TlsFault::OldVersion),
            (
                AlertDescription::CertificateRequired,
                TlsFault::ClientCertificate,
            ),
            (AlertDescription::InternalError, TlsFault::Other),
        ] {
            check(TlsError::AlertReceived(alert), want);
        }
        check(
            TlsError::InvalidMessage(rustls::InvalidMessage::InvalidContentType),
            TlsFault::NotTls,
        );
        check(
            TlsError::PeerIncompatible(rustls::PeerIncompatible::ServerDoesNotSupportTls12Or13),
            TlsFault::OldVersion,
        );
    }

    #[test]
    fn a_name_that_does_not_exist_is_told_from_a_look_up_that_fails() {
        let check = |text: &str, want: bool| {
            assert_eq!(
                has_no_such_name(&format!("failed to lookup address information: {text}")),
                want,
                "{text}"
            );
        };
        // glibc
        check("Name or service not known", true);
        check("No address associated with hostname", true);
        check("Temporary failure in name resolution", false);
        check("Non-recoverable failure in name resolution", false);
        check("System error", false);
        // musl
        check("Name does not resolve", true);
        check("Name has no usable address", true);
        check("Try again", false);
        check("Non-recoverable error", false);
        // macOS
        check("nodename nor servname provided, or not known", true);
    }

    #[test]
    fn a_machine_without_descriptors_or_ports_is_told_from_a_server_that_refuses() {
        let check = |errno: Errno, want: bool| {
            let error = io::Error::other(io::Error::from(errno));
            assert_eq!(has_nothing_left(&error), want, "{errno}");
        };
        for errno in NOTHING_LEFT {
            check(errno, true);
        }
        for errno in [
            Errno::CONNREFUSED,
            Errno::NETUNREACH,
            Errno::HOSTUNREACH,
            Errno::CONNRESET,
        ] {
            check(errno, false);
        }
        assert!(!no_descriptor_is_left());
    }
}
