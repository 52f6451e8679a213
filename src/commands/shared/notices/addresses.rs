//! The addresses of those who are told.

use crate::api::Webhook;
use crate::commands::Failure;
use crate::commands::shared::secret_address;
use crate::config::Settings;
use crate::config::notices::NoticeSettings;
use crate::config::secret::AddressSetting;

/// Reads the addresses in files, so that one that cannot be used ends the command before it begins.
pub(in crate::commands) fn check_addresses(settings: &Settings) -> Result<(), Failure> {
    let notices = &settings.notices;
    for setting in [&notices.ping, &notices.notify] {
        secret_address::read(setting).map_err(Failure::unusable)?;
    }
    Ok(())
}

/// Returns the way to an address, if one is set.
pub(super) fn webhook(
    setting: &AddressSetting,
    settings: &NoticeSettings,
) -> anyhow::Result<Option<Webhook>> {
    let address = secret_address::read(setting)?;
    let webhook = address.map(|address| Webhook::new(address, settings.ca_file.clone()));
    Ok(webhook.transpose()?)
}
