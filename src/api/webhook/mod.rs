//! Requests to services that are told about a run: monitors of jobs, chats. Their addresses are
//! secrets.

mod address;
mod delivery;

pub(crate) use self::address::{WebhookAddress, WebhookAddressError};
pub(crate) use self::delivery::{Patience, Payload, Webhook};
