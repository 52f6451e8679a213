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
    /// The certificate was signed by an authority that is not trusted, or by itself.
    UnknownIssuer,
    /// The certificate is an authority's own, which cannot be a server's.
    OfAnAuthority,
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate is another host's.
    OtherHost,
    /// Another fault of the certificate: revoked, or with a signature that cannot be checked.
    Certificate,
    /// The server speaks only versions that are no longer safe (TLS 1.1 and older), or no cipher that we do.
    OldVersion,
    /// The server does not speak TLS at that port.
    NotTls,
    /// The server asks for a certificate of the client.
    ClientCertificate,
    /// TLS failed for another reason.
    Other,
}

/// How a proxy failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProxyFault {
    /// It wants a name and a password, or others (407).
    Authentication,
    /// It does not connect to the server: it answers CONNECT with another status than 200, or with none.
    Refused,
    /// It cannot be reached, or its name is unknown.
    Unreachable,
    /// It is an https proxy, and TLS with it failed.
    Tls(TlsFault),
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
            Fault::Tls(TlsFault::OfAnAuthority) => "certificate_of_an_authority",
            Fault::Tls(TlsFault::Expired) => "certificate_expired",
            Fault::Tls(TlsFault::NotYetValid) => "certificate_not_yet_valid",
            Fault::Tls(TlsFault::OtherHost) => "certificate_of_another_host",
            Fault::Tls(TlsFault::Certificate) => "certificate",
            Fault::Tls(TlsFault::OldVersion) => "tls_version",
            Fault::Tls(TlsFault::NotTls) => "no_tls",
            Fault::Tls(TlsFault::ClientCertificate) => "client_certificate_required",
            Fault::Tls(TlsFault::Other) => "tls",
            Fault::Proxy(ProxyFault::Authentication) => "proxy_authentication",
            Fault::Proxy(ProxyFault::Refused) => "proxy_refused",
            Fault::Proxy(ProxyFault::Unreachable) => "proxy_unreachable",
            Fault::Proxy(ProxyFault::Tls(_)) => "proxy_tls",
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
