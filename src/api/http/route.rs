//! The route of requests, server and proxy, and the explanation of a fault on it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use url::Url;

use crate::api::http::proxy::Proxy;
use crate::contract::{Fault, ProxyFault, TlsFault};
use crate::text;

/// The route to a server.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    /// Host and port, safe to show.
    server: String,
    scheme: Scheme,
    proxy: Option<Proxy>,
    /// The setting that names the server.
    setting: &'static str,
    /// The day on which a certificate of this route expired, once one was refused for that. All
    /// copies of the route know it.
    expired_on: Arc<OnceLock<String>>,
}

/// The protocol of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl Route {
    /// The route to `url`, which this setting names.
    pub(crate) fn new(url: &Url, proxy: Option<Proxy>, setting: &'static str) -> Route {
        let scheme = if url.scheme() == "https" {
            Scheme::Https
        } else {
            Scheme::Http
        };
        let port = url
            .port()
            .map_or_else(String::new, |port| format!(":{port}"));
        let server = text::safe(&format!("{}{port}", url.host_str().unwrap_or_default()));
        Route {
            server,
            scheme,
            proxy,
            setting,
            expired_on: Arc::default(),
        }
    }

    /// Whether each connection ends at a proxy that reads the requests. TLS goes through a proxy's
    /// tunnel instead.
    pub(crate) fn connects_to_a_proxy(&self) -> bool {
        self.proxy.is_some() && self.scheme == Scheme::Http
    }

    /// Notes the Unix time at which a certificate of this route expired.
    pub(crate) fn note_expiry(&self, unix_s: u64) {
        let expired = i64::try_from(unix_s)
            .ok()
            .and_then(|unix_s| Timestamp::from_second(unix_s).ok());
        if let Some(expired) = expired {
            let day = || expired.strftime("%Y-%m-%d").to_string();
            self.expired_on.get_or_init(day);
        }
    }

    /// Explains a fault: the host or proxy that it is about, and the setting that fixes it.
    pub(crate) fn explain(&self, fault: Fault) -> String {
        let Route {
            server, setting, ..
        } = self;
        match fault {
            Fault::NameUnknown => {
                format!("there is no host of the name {server} (DNS): is {setting} right?")
            }
            Fault::LookupFailed => {
                format!("the name {server} cannot be looked up for the moment (DNS)")
            }
            Fault::Refused => format!("cannot connect to {server}: connection refused"),
            Fault::Unreachable => format!("cannot connect to {server}: no route to it"),
            Fault::NotConnected => {
                format!("cannot connect to {server}: the connection broke while it was being made")
            }
            Fault::ConnectTimeout => format!("cannot connect to {self}: no answer"),
            Fault::Broken | Fault::Unanswered => {
                format!("{self} closed the connection without an answer")
            }
            Fault::Timeout => format!("no answer from {self} within --timeout"),
            Fault::NotProcessed => format!("{self} did not process the request, and says so"),
            Fault::NoSockets => "this machine has no file descriptors or ports left".to_owned(),
            Fault::Tls(fault) => explain_tls(fault, server, setting, self.expired_on.get()),
            Fault::Proxy(fault) => self.explain_proxy(fault),
        }
    }

    fn explain_proxy(&self, fault: ProxyFault) -> String {
        let (proxy, variable) = match &self.proxy {
            Some(proxy) => (proxy.address.as_str(), proxy.variable),
            None => ("of the environment", "HTTPS_PROXY"),
        };
        match fault {
            ProxyFault::Authentication => format!(
                "the proxy {proxy} requires a name and a password, or refuses those in {variable} (407): set {variable} to http://NAME:PASSWORD@HOST:PORT"
            ),
            ProxyFault::Refused => format!(
                "the proxy {proxy} does not connect to {} (its answer to CONNECT is not 200): allow host and port there, or bypass it with NO_PROXY",
                self.server
            ),
            ProxyFault::Unreachable => {
                format!(
                    "the proxy {proxy} cannot be reached: is {variable} right, and does it run? (NO_PROXY bypasses it)"
                )
            }
            ProxyFault::Tls(TlsFault::NotTls) => {
                format!(
                    "the proxy {proxy} does not speak TLS: does {variable} have to begin with http://?"
                )
            }
            ProxyFault::Tls(fault) => format!(
                "TLS with the proxy fails: {}",
                explain_tls(fault, proxy, variable, self.expired_on.get())
            ),
        }
    }

    /// Explains a status that a proxy may have answered itself.
    pub(crate) fn explain_status(&self, status: u16) -> Option<String> {
        let is_the_proxys = status == 407 && self.connects_to_a_proxy();
        is_the_proxys.then(|| self.explain_proxy(ProxyFault::Authentication))
    }
}

/// Host and port, and the proxy.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.server)?;
        match &self.proxy {
            Some(proxy) => write!(f, " through the proxy {}", proxy.address),
            None => Ok(()),
        }
    }
}

/// Explains a fault of TLS with a host. `expired_on` is the day on which its certificate expired, if
/// that is known.
fn explain_tls(fault: TlsFault, host: &str, setting: &str, expired_on: Option<&String>) -> String {
    match fault {
        TlsFault::UnknownIssuer => format!(
            "the certificate of {host} is not trusted: an unknown authority has signed it, or it is self-signed (if {setting} is right, name the authority by --ca-file)"
        ),
        TlsFault::OfAnAuthority => format!(
            "the certificate of {host} is self-signed and an authority's own, which is never trusted as a server's: the server needs one that the authority has signed; --ca-file names the authority"
        ),
        TlsFault::Expired => {
            let expired = expired_on.map_or_else(
                || "has expired".to_owned(),
                |day| format!("expired on {day}"),
            );
            format!(
                "the certificate of {host} {expired}: its operator has to renew it, if the clock of this machine is right ({})",
                clock()
            )
        }
        TlsFault::NotYetValid => {
            format!(
                "the certificate of {host} is not valid yet: is the clock of this machine right ({})?",
                clock()
            )
        }
        TlsFault::OtherHost => {
            format!(
                "the certificate of {host} is for another host: {setting} has to name the host as the certificate does"
            )
        }
        TlsFault::Certificate => {
            format!("the certificate of {host} is not valid: its operator has to replace it")
        }
        TlsFault::OldVersion => {
            format!(
                "{host} does not speak TLS 1.2 or 1.3 with a safe cipher, and older versions are not used"
            )
        }
        TlsFault::NotTls => {
            format!(
                "{host} does not speak TLS at that port: does {setting} name the wrong port, or https for http?"
            )
        }
        TlsFault::ClientCertificate => {
            format!(
                "{host} requires a client certificate, which custsync does not support: is {setting} right?"
            )
        }
        TlsFault::Other => format!("TLS with {host} fails: is {setting} right?"),
    }
}

/// The current time by this machine's clock.
fn clock() -> String {
    format!(
        "it says {} UTC",
        Timestamp::now().strftime("%Y-%m-%d %H:%M")
    )
}
