//! Tells those who want to know of an end, one after the other.

use std::future::Future;
use std::ops::ControlFlow;

use super::addresses::webhook;
use super::told::Told;
use super::{on_finish, rules, termination};
use crate::api::{Payload, Webhook};
use crate::commands::failure::in_one_line;
use crate::config::notices::{NoticeSettings, NotifyFormat};
use crate::config::secret::AddressSetting;
use crate::process::signals::{Drain, Signals};
use crate::terminal;

/// Tells those who want to know of an end. The journal is closed, and the summary is written. A
/// signal ends the wait for those who are slow.
pub(crate) fn tell(told: &Told, settings: &NoticeSettings, signals: &Signals) {
    // It takes no time, and the process may be killed while it waits for the others.
    termination::write(told, settings);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(tell_others(told, settings, signals.drain())),
        Err(error) => terminal::print_warning(&format_args!("nobody is told of the end: {error}")),
    }
}

async fn tell_others(told: &Told, settings: &NoticeSettings, mut drain: Drain) {
    if !told.is_check() && rules::is_pinged(settings.ping_on, told.exit) {
        let code = told.notice.exit_code.to_string();
        let ping = async {
            let webhook = webhook(&settings.ping, settings)?;
            let below = webhook.map(|webhook| webhook.below(&code));
            deliver(below, Payload::Ping, told).await
        };
        let what = "the ping of the end failed";
        if heard(ping, what, &settings.ping, &mut drain)
            .await
            .is_break()
        {
            return;
        }
    }
    if rules::is_notified(settings.notify_on, told.exit) {
        let message = match settings.notify_format {
            NotifyFormat::Json => told.notice.to_json(),
            NotifyFormat::Slack => told.notice.to_slack(),
        };
        let sending = async {
            let webhook = webhook(&settings.notify, settings)?;
            deliver(webhook, Payload::Json(&message), told).await
        };
        let what = "the message about the end was not delivered";
        let heard = heard(sending, what, &settings.notify, &mut drain);
        if heard.await.is_break() {
            return;
        }
    }
    if let Some(line) = &settings.on_finish {
        let run = on_finish::run(line, told.variables(), on_finish::LIMIT, drain.next());
        if let Err(error) = run.await {
            let error = in_one_line(&error.into());
            terminal::print_warning(&format_args!("the command of --on-finish: {error}"));
        }
    }
}

/// Sends a payload, if there is an address.
async fn deliver(
    webhook: Option<Webhook>,
    payload: Payload<'_>,
    told: &Told,
) -> anyhow::Result<()> {
    match webhook {
        Some(webhook) => Ok(webhook.deliver(payload, rules::patience(told.exit)).await?),
        None => Ok(()),
    }
}

/// Waits for a delivery, and says why it failed. After a signal nobody else is told.
async fn heard(
    delivery: impl Future<Output = anyhow::Result<()>>,
    what: &str,
    setting: &AddressSetting,
    drain: &mut Drain,
) -> ControlFlow<()> {
    let place = &setting.place;
    tokio::select! {
        biased;
        delivered = delivery => {
            if let Err(error) = delivered {
                let error = in_one_line(&error);
                terminal::print_warning(&format_args!("{what} ({place}): {error}"));
            }
            ControlFlow::Continue(())
        }
        _ = drain.next() => {
            terminal::print_warning(&format_args!("{what} ({place}): a signal came"));
            ControlFlow::Break(())
        }
    }
}
