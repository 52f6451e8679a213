//! Requests to services that are told about a run: monitors of jobs, chats. Their addresses are
//! secrets.

mod delivery;

pub(crate) use self::delivery::{Patience, Payload, Webhook};
