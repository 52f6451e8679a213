//! Settings that tell the ids of the sandbox's countries.

use std::fmt::Write as _;

/// The highest number of a sandbox's country.
pub(crate) const COUNTRIES: u64 = 195;

/// A configuration with the names of the countries that are known.
pub(crate) fn countries_known(mut is_known: impl FnMut(u64) -> bool) -> String {
    let mut settings = "[values.country_id]\n".to_owned();
    for id in (1..=COUNTRIES).filter(|id| is_known(*id)) {
        writeln!(settings, "\"Country {id}\" = {id}").expect("text grows");
    }
    settings
}
