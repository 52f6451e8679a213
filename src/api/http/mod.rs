//! The HTTP clients below the API and the token endpoint.
//!
//! `options` holds the user's settings; `clients` builds clients from them; `proxy` reads the proxy
//! from the environment. `lanes` distributes requests over clients, and `connections` counts what
//! they open. `route` and `fault` explain a request that got no answer: who was asked, by which
//! way, and what went wrong. `address` checks URLs, and `secret_address` those that
//! are secrets, to which `secret_client` sends. `fetch` gets the files of inputs from servers, for which
//! `file_server` has the clients, and `push` puts metrics.

pub(crate) mod address;
pub(crate) mod clients;
pub(crate) mod connections;
pub(crate) mod fault;
pub(crate) mod fetch;
pub(crate) mod file_server;
pub(crate) mod lanes;
pub(crate) mod options;
pub(crate) mod proxy;
pub(crate) mod push;
pub(crate) mod route;
pub(crate) mod secret_address;
pub(crate) mod secret_client;
