//! HTTP clients: connections, proxies, TLS, and what went wrong on the way.

pub(crate) mod address;
pub(crate) mod clients;
pub(crate) mod connections;
pub(crate) mod fault;
pub(crate) mod lanes;
pub(crate) mod options;
pub(crate) mod proxy;
pub(crate) mod route;
