//! The addresses of those who are told, which are secrets.

use anyhow::anyhow;
use secrecy::ExposeSecret as _;

use crate::api::{Webhook, WebhookAddress};
use crate::commands::Failure;
use crate::commands::shared::secret_file;
use crate::config::Settings;
use crate::config::notices::{AddressSetting, NoticeSettings};
use crate::config::secret::SecretSource;

/// Reads the addresses in files, so that one that cannot be used ends the command before it begins.
pub(in crate::commands) fn check_addresses(settings: &Settings) -> Result<(), Failure> {
    let notices = &settings.notices;
    for setting in [&notices.ping, &notices.notify] {
        address(setting, notices).map_err(Failure::unusable)?;
    }
    Ok(())
}

/// Returns the way to an address, if one is set.
pub(super) fn webhook(
    setting: &AddressSetting,
    settings: &NoticeSettings,
) -> anyhow::Result<Option<Webhook>> {
    let address = address(setting, settings)?;
    let webhook = address.map(|address| Webhook::new(address, settings.ca_file.clone()));
    Ok(webhook.transpose()?)
}

fn address(
    setting: &AddressSetting,
    settings: &NoticeSettings,
) -> anyhow::Result<Option<WebhookAddress>> {
    let place = &setting.place;
    let text = match &setting.source {
        SecretSource::Missing => return Ok(None),
        SecretSource::Value(text) => text.clone(),
        SecretSource::File(path) => secret_file::read(place, path)?,
    };
    let address = WebhookAddress::of(text.expose_secret(), settings.plain_http);
    address
        .map(Some)
        .map_err(|error| anyhow!("{place}: {error}"))
}
