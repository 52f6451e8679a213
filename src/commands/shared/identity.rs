//! The identity of a run: its inputs, and the settings that change what is sent. A run is continued
//! only with the same identity.

use std::collections::BTreeMap;

use anyhow::bail;

use crate::commands::Failure;
use crate::commands::shared::{input_identity, plan_name};
use crate::config::api::Target;
use crate::config::provenance::ShownValue;
use crate::config::{BelongsTo, Holds, PLAN, STATE, Settings};
use crate::input::KnownInput;
use crate::journal::{
    FORMAT_VERSION, Header, KEY_NAME, Purpose, READING_RULES, RunDir, RunKey, SettingText,
};
use crate::text;

/// The setting that is compared by its value: two texts may name the same address.
const BASE_URL: &str = "base-url";
/// The settings that tell which API a run sends to.
const API: [&str; 3] = [BASE_URL, "sandbox", "tenant"];
/// The settings that change what is done with a request, and not the request that a row makes.
const OF_RUNS: [&str; 7] = [
    COMPLETE,
    "fill",
    PLAN,
    SKIP_EQUAL,
    STATE,
    "undoable",
    "unless-changed-since",
];
/// Those of them with which a preview shows fewer changes than without. A run of its plan needs what
/// the preview has, or it would make changes that the preview has not shown. It may have more.
const NARROWING: [&str; 4] = [COMPLETE, "fill", SKIP_EQUAL, "unless-changed-since"];
/// With it, rows that would lose a field of their customer are not sent.
const COMPLETE: &str = "complete";
/// With `unless-changed-since`, a row that is skipped does not let the later rows of its customer pass.
const SKIP_EQUAL: &str = "skip-equal";
/// The most characters of a setting's value in an error.
const VALUE_CHARACTERS_MAX: usize = 80;
/// The most values of a list in an error.
const VALUES_SHOWN_MAX: usize = 3;

/// Returns the identity of a run of these settings and inputs.
pub(in crate::commands) fn header(
    settings: &Settings,
    inputs: &[KnownInput],
    key: RunKey,
    purpose: Purpose,
) -> Result<Header, Failure> {
    Ok(Header::new(
        purpose,
        &key,
        input_identity::identities(inputs, key)?,
        settings_of(settings, key),
    ))
}

/// Returns the settings that belong to the identity of a run, as text. Settings that may hold
/// customers' values are digests.
pub(in crate::commands) fn settings_of(
    settings: &Settings,
    key: RunKey,
) -> BTreeMap<String, SettingText> {
    let texts = settings.effective().iter().filter_map(|setting| {
        let text = match (setting.belongs_to, setting.name, &settings.api.target) {
            // The sandbox has another address each time.
            (BelongsTo::Process, ..) | (_, BASE_URL, Target::Sandbox) => None,
            (_, BASE_URL, Target::Remote { base_url, .. }) => {
                Some(SettingText::One(base_url.as_str().to_owned()))
            }
            // It has to be found from any folder.
            (_, STATE, _) => (settings.nightly.state_as_named.as_deref())
                .and_then(|path| std::path::absolute(path).ok())
                .map(|path| SettingText::One(path.display().to_string())),
            // Another plan may be written into the same directory.
            (_, PLAN, _) => settings.plan.directory.as_deref().map(plan_name::of),
            (BelongsTo::Run(Holds::Words), ..) => text_of(&setting.value),
            (BelongsTo::Run(Holds::Values), ..) => digest_of(&setting.value, key),
        };
        Some((setting.name.to_owned(), text?))
    });
    texts.collect()
}

/// Returns a setting's value as the header holds it.
fn text_of(value: &ShownValue) -> Option<SettingText> {
    match value {
        ShownValue::Unset | ShownValue::Secret => None,
        ShownValue::One(text) => Some(SettingText::One(text.clone())),
        ShownValue::Many(items) => Some(SettingText::Many(items.clone())),
    }
}

/// Returns the digest of a value that must not be readable.
fn digest_of(value: &ShownValue, key: RunKey) -> Option<SettingText> {
    match value {
        ShownValue::Many(items) if items.is_empty() => None,
        ShownValue::Unset | ShownValue::Secret => None,
        value => Some(SettingText::Digest {
            digest: key.digest(format!("{value:?}")),
        }),
    }
}

/// Reads the key of a run. The error: the key file does not belong to the run.
pub(in crate::commands) fn key_of(header: &Header, run_dir: &RunDir) -> anyhow::Result<RunKey> {
    if header.custsync_journal < FORMAT_VERSION || header.rules != READING_RULES {
        bail!(
            "the run in {} was begun by custsync {}, which reads inputs by other rules: finish it with that version, or use another directory",
            text::safe_path(run_dir.path()),
            text::safe(&header.version)
        );
    }
    let key = RunKey::read(run_dir)?;
    if header.key.as_deref() != Some(key.proof().as_str()) {
        bail!(
            "{} is not the key of this run: its rows cannot be compared; nothing was sent",
            run_dir.display_path(KEY_NAME)
        );
    }
    Ok(key)
}

/// Refuses a directory of another run, and names the values that differ.
pub(in crate::commands) fn refuse_another_run(
    earlier: &Header,
    now: &Header,
    run_dir: &RunDir,
) -> anyhow::Result<()> {
    let directory = text::safe_path(run_dir.path());
    if earlier.purpose != now.purpose {
        bail!(
            "the run directory {directory} holds {}, not {}: use another directory",
            named(earlier.purpose),
            named(now.purpose)
        );
    }
    if earlier.shard != now.shard {
        let named = |header: &Header| match header.shard {
            Some(shard) => format!("shard {shard} of a run"),
            None => "a run without shards".to_owned(),
        };
        bail!(
            "the run directory {directory} holds {}, not {}: use another directory; nothing was sent",
            named(earlier),
            named(now)
        );
    }
    let differing: Vec<_> = now
        .differing_settings(earlier)
        .map(|name| difference(name, earlier, now))
        .collect();
    if !differing.is_empty() {
        bail!(
            "the run directory {directory} holds a run with {}: use the same value, or another directory",
            differing.join(" and ")
        );
    }
    if earlier.inputs.len() != now.inputs.len() {
        bail!(
            "the run directory {directory} holds a run of {} inputs, not of {}: give the same inputs, or use another directory",
            earlier.inputs.len(),
            now.inputs.len()
        );
    }
    for (earlier, now) in earlier.inputs.iter().zip(&now.inputs) {
        // The same record under other columns is another update.
        if earlier.columns != now.columns {
            bail!(
                "{} has other columns than the input of the run in {directory}: give the same columns, or use another directory",
                now.name
            );
        }
    }
    Ok(())
}

/// Refuses the directory of a run that went to another address or tenant.
pub(in crate::commands) fn refuse_another_api(
    earlier: &Header,
    now: &Header,
    run_dir: &RunDir,
) -> anyhow::Result<()> {
    let differing: Vec<_> = now
        .differing_settings(earlier)
        .filter(|name| API.contains(name))
        .map(|name| difference(name, earlier, now))
        .collect();
    if !differing.is_empty() {
        bail!(
            "the run in {} went to {}: use the same value; nothing was sent",
            text::safe_path(run_dir.path()),
            differing.join(" and ")
        );
    }
    Ok(())
}

/// The settings that a plan has in common with its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum PlanScope {
    /// Those that make requests of rows.
    Rows,
    /// Those, and those of the API.
    RowsAndApi,
}

/// Refuses a plan of other settings or other columns, and names the values that differ.
pub(in crate::commands) fn refuse_another_plan(
    plan: &Header,
    now: &Header,
    scope: PlanScope,
    run_dir: &RunDir,
) -> anyhow::Result<()> {
    let directory = text::safe_path(run_dir.path());
    let is_compared = |name: &&str| match scope {
        PlanScope::RowsAndApi if NARROWING.contains(name) => is_wider(name, plan, now),
        PlanScope::RowsAndApi => !OF_RUNS.contains(name),
        // A check reads no customer.
        PlanScope::Rows => !OF_RUNS.contains(name) && !API.contains(name),
    };
    let differing: Vec<_> = now
        .differing_settings(plan)
        .filter(is_compared)
        .map(|name| difference(name, plan, now))
        .collect();
    if !differing.is_empty() {
        bail!(
            "the plan in {directory} was made with {}: use the same value, or make the plan again; nothing was sent",
            differing.join(" and ")
        );
    }
    if plan.inputs.len() != now.inputs.len() {
        bail!(
            "the plan in {directory} is of {} inputs, not of {}: give the same inputs, or make the plan again; nothing was sent",
            plan.inputs.len(),
            now.inputs.len()
        );
    }
    for (planned, now) in plan.inputs.iter().zip(&now.inputs) {
        if planned.columns != now.columns {
            bail!(
                "{} has other columns than the input of the plan in {directory}: give the same file, or make the plan again; nothing was sent",
                now.name
            );
        }
    }
    Ok(())
}

/// Whether a run lacks what narrows the changes of its plan.
fn is_wider(name: &str, plan: &Header, now: &Header) -> bool {
    let now = items(name, now);
    let is_off = |item: &str| [COMPLETE, SKIP_EQUAL].contains(&name) && item == "false";
    let planned = items(name, plan);
    (planned.iter()).any(|item| !is_off(item) && !now.contains(item))
}

/// Names the purpose of a run directory.
fn named(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Run => "a run",
        Purpose::Check => "a check",
        Purpose::Preview => "a preview",
        Purpose::Undo => "an undo",
    }
}

/// Describes a setting that differs, as in ``another tenant (`7`, now `8`)``. The values are those
/// that were typed.
fn difference(name: &str, earlier: &Header, now: &Header) -> String {
    let has_value =
        |header: &Header| !matches!(header.settings.get(name), Some(SettingText::Digest { .. }));
    if !has_value(earlier) || !has_value(now) {
        return format!("another {}", text::safe(name));
    }
    let (before, after) = (items(name, earlier), items(name, now));
    let only_in = |these: &[String], others: &[String]| -> Vec<String> {
        these
            .iter()
            .filter(|item| !others.contains(item))
            .cloned()
            .collect()
    };
    let (gone, new) = (only_in(&before, &after), only_in(&after, &before));
    let what = match (&*gone, &*new) {
        // Only the order differs.
        ([], []) => format!("{}, now {}", shown(&before), shown(&after)),
        ([], new) if !before.is_empty() => format!("now also {}", shown(new)),
        (gone, []) if !after.is_empty() => format!("now without {}", shown(gone)),
        (gone, new) => format!("{}, now {}", shown(gone), shown(new)),
    };
    format!("another {} ({what})", text::safe(name))
}

/// Returns the values of a setting; none for a digest.
fn items(name: &str, header: &Header) -> Vec<String> {
    match header.settings.get(name) {
        None | Some(SettingText::Digest { .. }) => Vec::new(),
        Some(SettingText::One(text)) => vec![text.clone()],
        Some(SettingText::Many(items)) => items.clone(),
    }
}

/// Returns values as an error shows them.
fn shown(values: &[String]) -> String {
    let some = values.iter().take(VALUES_SHOWN_MAX);
    let mut shown: Vec<_> = some
        .map(|value| format!("`{}`", text::safe_cut(value, VALUE_CHARACTERS_MAX)))
        .collect();
    match values.len().checked_sub(VALUES_SHOWN_MAX) {
        _ if values.is_empty() => return "none".to_owned(),
        None | Some(0) => {}
        Some(more) => shown.push(format!("{more} more")),
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Verb;

    fn header(name: &str, value: Option<SettingText>) -> Header {
        let settings = value
            .into_iter()
            .map(|value| (name.to_owned(), value))
            .collect();
        Header::new(Purpose::Run, &RunKey::of([7; 16]), Vec::new(), settings)
    }

    #[test]
    fn the_settings_of_runs_are_settings() {
        let settings = Settings::defaults(Verb::Run);
        for name in OF_RUNS.into_iter().chain(NARROWING) {
            let setting = settings.iter().find(|setting| setting.name == name);
            let belongs_to = setting.map(|setting| setting.belongs_to);
            assert_eq!(belongs_to, Some(BelongsTo::Run(Holds::Words)), "{name}");
        }
    }

    #[test]
    fn a_run_needs_what_narrows_its_plan() {
        let check = |name: &str, plan: Option<&[&str]>, now: Option<&[&str]>, want: bool| {
            let header = |items: Option<&[&str]>| {
                let items =
                    items.map(|items| items.iter().map(|item| (*item).to_owned()).collect());
                header(name, items.map(SettingText::Many))
            };
            assert_eq!(is_wider(name, &header(plan), &header(now)), want, "{name}");
        };
        check("fill", None, Some(&["job"]), false);
        check("fill", Some(&["job"]), Some(&["email", "job"]), false);
        check("fill", Some(&["job"]), None, true);
        check("fill", Some(&["email", "job"]), Some(&["job"]), true);
        check(COMPLETE, Some(&["false"]), Some(&["true"]), false);
        check(COMPLETE, Some(&["true"]), Some(&["false"]), true);
        check(SKIP_EQUAL, Some(&["false"]), Some(&["true"]), false);
        check(SKIP_EQUAL, Some(&["true"]), Some(&["true"]), false);
        check(SKIP_EQUAL, Some(&["true"]), Some(&["false"]), true);
        check("unless-changed-since", Some(&["false"]), None, true);
    }

    #[test]
    fn the_value_that_differs_is_said() {
        let check = |before: Option<SettingText>, after: Option<SettingText>, want: &str| {
            let (before, after) = (header("map", before), header("map", after));
            assert_eq!(
                difference("map", &before, &after),
                format!("another map ({want})")
            );
        };
        let one = |text: &str| Some(SettingText::One(text.to_owned()));
        let many = |items: &[&str]| {
            Some(SettingText::Many(
                items.iter().map(|item| (*item).to_owned()).collect(),
            ))
        };
        check(one("acme"), one("other"), "`acme`, now `other`");
        check(None, one("7"), "none, now `7`");
        check(one("7"), None, "`7`, now none");
        check(many(&[]), many(&["A=id"]), "none, now `A=id`");
        check(many(&["A", "B"]), many(&["A", "C"]), "`B`, now `C`");
        check(many(&["A"]), many(&["A", "C"]), "now also `C`");
        check(many(&["A", "B"]), many(&["A"]), "now without `B`");
        check(
            many(&["A", "B"]),
            many(&["B", "A"]),
            "`A`, `B`, now `B`, `A`",
        );
        check(
            many(&["A", "B", "C", "D", "E"]),
            many(&[]),
            "`A`, `B`, `C`, 2 more, now none",
        );
        let digest = |digest: &str| {
            Some(SettingText::Digest {
                digest: digest.to_owned(),
            })
        };
        let (before, after) = (header("set", digest("0a")), header("set", digest("0b")));
        assert_eq!(difference("set", &before, &after), "another set");
        assert_eq!(
            difference("set", &header("set", None), &after),
            "another set"
        );
        check(one("a\u{1b}[2J"), one("b"), "`a\\u{1b}[2J`, now `b`");
    }
}
