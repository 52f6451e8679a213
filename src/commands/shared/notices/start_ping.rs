//! The ping of a start. It is sent beside the run, which does not wait for it.

use std::thread::{self, JoinHandle};

use tracing::warn;

use super::addresses::webhook;
use crate::api::{Patience, Payload, Webhook};
use crate::commands::failure::in_one_line;
use crate::commands::shared::start::Start;
use crate::config::Settings;

/// The part of the path that tells a monitor of a start
/// (<https://healthchecks.io/docs/http_api/#start-uuid>).
const START: &str = "start";

/// The ping of a start, under way. When it is dropped, the try has ended, so that the ping of the end
/// comes after it.
#[derive(Debug)]
pub(in crate::commands) struct StartPing(Option<JoinHandle<()>>);

impl StartPing {
    /// Sends the ping, if a run directory begins. A run that is continued has been told of.
    pub(in crate::commands) fn send(settings: &Settings, start: &Start) -> StartPing {
        let notices = &settings.notices;
        match start {
            Start::Continue { .. } => return StartPing(None),
            Start::Fresh => {}
        }
        let place = notices.ping.place.clone();
        let sending = match webhook(&notices.ping, notices) {
            Ok(None) => return StartPing(None),
            Ok(Some(webhook)) => thread::Builder::new()
                .name("pinger".to_owned())
                .spawn(move || ping(&webhook.below(START), &place))
                .map_err(anyhow::Error::from),
            Err(error) => Err(error),
        };
        let sending = sending.inspect_err(|error| {
            warn!("the start is not pinged: {}", in_one_line(error));
        });
        StartPing(sending.ok())
    }
}

impl Drop for StartPing {
    fn drop(&mut self) {
        // A panic of the thread was reported where it happened.
        self.0.take().map(JoinHandle::join);
    }
}

/// Sends the ping by one try. A failure is logged.
fn ping(webhook: &Webhook, place: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let sent = match runtime {
        Ok(runtime) => runtime
            .block_on(webhook.deliver(Payload::Ping, Patience::LITTLE))
            .map_err(anyhow::Error::from),
        Err(error) => Err(error.into()),
    };
    if let Err(error) = sent {
        warn!(
            "the ping of the start failed ({place}): {}",
            in_one_line(&error)
        );
    }
}
