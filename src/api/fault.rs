//! The name of what went wrong where no whole answer came.

use std::error::Error as StdError;
use std::io;

use crate::contract::{Fault, TlsFault};

/// Why there is no answer. The error itself is not kept: it names the URL, and with it the customer.
pub(super) fn fault_of(error: &reqwest::Error) -> Fault {
    if error.is_connect() {
        return connect_fault(error);
    }
    if error.is_timeout() { Fault::Timeout } else { Fault::Broken }
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
