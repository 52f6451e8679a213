//! Why a request has no whole answer.

/// Why there is no whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// No connection: refused or unreachable. Nothing was sent.
    Refused,
    /// No connection within the connect timeout. Nothing was sent.
    ConnectTimeout,
    /// The connection broke after bytes had left: the update may have been applied.
    Broken,
    /// No whole answer within the timeout: the update may have been applied.
    Timeout,
    /// The server did not process the request, and says so: a GOAWAY that leaves its stream out (RFC 9113 §6.8), or
    /// `REFUSED_STREAM` (§8.7); or the connection was closed before the request was written.
    NotProcessed,
    /// A kept connection was closed after the request was written, and no byte of an answer came: most likely the server had
    /// closed it before (RFC 9112 §9.3.1), but the update may have been applied.
    Unanswered,
    /// The host's name is unknown.
    NameUnknown,
    /// The host's name could not be looked up for the moment.
    LookupFailed,
    /// TLS failed.
    Tls(TlsFault),
    /// A proxy refuses to pass the request on, or cannot be reached.
    Proxy(ProxyFault),
    /// This machine has no file descriptors or ports left for another connection.
    NoSockets,
}

/// How TLS failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TlsFault {
    /// Nobody who is trusted vouches for the certificate: an unknown authority, or its own signature.
    UnknownIssuer,
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate is another host's.
    OtherHost,
    /// The server speaks only versions that are no longer safe (TLS 1.1 and older), or no cipher that we do.
    OldVersion,
    /// The server does not speak TLS at that port.
    NotTls,
    /// The server asks for a certificate of the client, or refuses for another reason that it does not say.
    Other,
}

/// How a proxy failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProxyFault {
    /// It wants a name and a password, or others (407).
    Authentication,
    /// It refuses to connect to that host and port, with this status.
    Refused(u16),
    /// It cannot be reached.
    Unreachable,
}

impl Fault {
    /// The cause as it stands in results and reports.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Refused => "refused",
            Fault::ConnectTimeout => "connect_timeout",
            Fault::Broken => "connection_broken",
            Fault::Timeout => "timeout",
            Fault::NotProcessed => "not_processed",
            Fault::Unanswered => "connection_closed",
            Fault::NameUnknown => "name_unknown",
            Fault::LookupFailed => "name_lookup_failed",
            Fault::Tls(TlsFault::UnknownIssuer) => "certificate_not_trusted",
            Fault::Tls(TlsFault::Expired) => "certificate_expired",
            Fault::Tls(TlsFault::NotYetValid) => "certificate_not_yet_valid",
            Fault::Tls(TlsFault::OtherHost) => "certificate_of_another_host",
            Fault::Tls(TlsFault::OldVersion) => "tls_version",
            Fault::Tls(TlsFault::NotTls) => "no_tls",
            Fault::Tls(TlsFault::Other) => "tls",
            Fault::Proxy(ProxyFault::Authentication) => "proxy_authentication",
            Fault::Proxy(ProxyFault::Refused(_)) => "proxy_refused",
            Fault::Proxy(ProxyFault::Unreachable) => "proxy_unreachable",
            Fault::NoSockets => "no_sockets",
        }
    }

    /// Whether the API may have applied the update all the same.
    pub fn is_ambiguous(self) -> bool {
        match self {
            Fault::Broken | Fault::Timeout | Fault::Unanswered => true,
            Fault::Refused
            | Fault::ConnectTimeout
            | Fault::NotProcessed
            | Fault::NameUnknown
            | Fault::LookupFailed
            | Fault::Tls(_)
            | Fault::Proxy(_)
            | Fault::NoSockets => false,
        }
    }
}
