//! Reasons why a request has no complete answer.

/// The reason why a request has no complete answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// The connection was refused. Nothing was sent.
    Refused,
    /// There is no route to the host or its network. Nothing was sent.
    Unreachable,
    /// The connection broke while it was being made. Nothing was sent.
    NotConnected,
    /// No connection within the connect timeout. Nothing was sent.
    ConnectTimeout,
    /// The connection broke after bytes had been sent: the update may have been applied.
    Broken,
    /// No complete answer within the timeout: the update may have been applied.
    Timeout,
    /// The request was not processed: the server sent a GOAWAY that excludes its stream (RFC 9113
    /// §6.8) or `REFUSED_STREAM` (§8.7), or the connection was closed before the request was
    /// written.
    NotProcessed,
    /// A kept-alive connection was closed after the request was written and before any byte of an
    /// answer. Most likely the server had closed it earlier (RFC 9112 §9.3.1), but the update may
    /// have been applied.
    Unanswered,
    /// The host's name is unknown.
    NameUnknown,
    /// The host's name cannot be looked up at the moment.
    LookupFailed,
    /// TLS failed.
    Tls(TlsFault),
    /// A proxy refuses to forward the request, or cannot be reached.
    Proxy(ProxyFault),
    /// This machine has no file descriptors or ports left for another connection.
    NoSockets,
}

/// The reason why TLS failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TlsFault {
    /// The certificate was signed by an untrusted authority, or by itself.
    UnknownIssuer,
    /// The certificate is an authority's own and cannot be a server's.
    OfAnAuthority,
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate belongs to another host.
    OtherHost,
    /// The certificate is revoked, or its signature cannot be checked, or it has another fault.
    Certificate,
    /// The server supports only versions that are no longer safe (TLS 1.1 and older), or no cipher
    /// in common.
    OldVersion,
    /// The server does not speak TLS on that port.
    NotTls,
    /// The server asks for a client certificate.
    ClientCertificate,
    /// TLS failed for another reason.
    Other,
}

/// The reason why a proxy failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProxyFault {
    /// The proxy wants credentials, or other ones (407).
    Authentication,
    /// The proxy does not connect to the server: it answers CONNECT with a status other than 200,
    /// or not at all.
    Refused,
    /// The proxy cannot be reached, or its name is unknown.
    Unreachable,
    /// TLS with an https proxy failed.
    Tls(TlsFault),
}

impl Fault {
    /// The cause as written in results and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Fault::Refused => "refused",
            Fault::Unreachable => "unreachable",
            Fault::NotConnected => "not_connected",
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

    /// Whether the API may have applied the update in spite of the fault.
    pub fn is_ambiguous(self) -> bool {
        match self {
            Fault::Broken | Fault::Timeout | Fault::Unanswered => true,
            Fault::Refused
            | Fault::Unreachable
            | Fault::NotConnected
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
