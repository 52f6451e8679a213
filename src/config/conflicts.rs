//! Settings that are valid by themselves and contradict each other. Useless settings are reported
//! only if they were typed: a configuration file is written for many commands, and this one may not
//! need all of it.

use std::cmp::Ordering;

use crate::input::FormatChoice;

use super::error::Problem;
use super::groups::api::{ApiSettings, Target};
use super::groups::input::InputSettings;
use super::groups::nightly::NightlySettings;
use super::groups::output::{OutputFormat, OutputSettings, Unfinished};
use super::groups::plan::PlanSettings;
use super::groups::preview::PreviewSettings;
use super::groups::publish::PublishSettings;
use super::groups::sending::SendingSettings;
use super::names::{
    CANARY, CANARY_THEN, CLIENT_SECRET_FILE, EXPLAIN, FILL, FRESH, FULL_RESYNC, INPUT_TOKEN_FILE,
    JSON_PATH, MAX_CHANGES, OUTPUT_FORMAT, PLAN, PLAN_MAX_AGE, PUBLISH, RESYNC_PART, RUN_DIR,
    SANDBOX_PREFIX, SHARD, SHARDS, STATE, TOKEN, TOKEN_FILE, TWO_DIGIT_YEARS, WRITE_PLAN,
};
use super::provenance::Provenance;
use super::resolver::Resolver;
use super::verb::Verb;
use crate::input::InputName;
use crate::journal::Shard;

/// The flags about the real API.
const REMOTE_ONLY: [&str; 3] = ["base-url", TOKEN_FILE, CLIENT_SECRET_FILE];

/// The flags about copies of a run's files.
const OF_COPIES: [&str; 2] = ["publish-values", "publish-every"];

/// The flags that need a state.
const OF_A_STATE: [&str; 4] = [FULL_RESYNC, RESYNC_PART, MAX_CHANGES, "changes"];

/// Reports flags that have no effect, contradictions, and a run that could not authenticate.
pub(super) fn check(
    resolver: &mut Resolver,
    api: &ApiSettings,
    input: &InputSettings,
    output: &OutputSettings,
) {
    let target = &api.target;
    let flags: Vec<(&str, String)> = resolver.flags_used().collect();
    for (name, flag) in flags {
        if let Some(problem) = useless_flag(resolver.verb(), target, name, flag) {
            resolver.report(problem);
        }
    }
    // An invalid format has already been reported.
    let formats = &input.rows.values.date_formats;
    let is_useless = formats.iter().all(|format| !format.has_two_digit_years());
    let is_reported = [TWO_DIGIT_YEARS, "date-format"]
        .iter()
        .any(|name| resolver.is_reported(name));
    if is_useless
        && !is_reported
        && resolver.verb().is_about_rows()
        && resolver
            .flags_used()
            .any(|(name, _)| name == TWO_DIGIT_YEARS)
    {
        resolver.report(Problem::TwoDigitYearsWithoutFormat);
    }
    let has_address = |name: &InputName| match name {
        InputName::Address(address) => address.object().is_none(),
        InputName::Stdin | InputName::Path(_) | InputName::Member(_) => false,
    };
    if resolver.verb().is_about_rows()
        && !input.files.is_empty()
        && !input.files.iter().any(has_address)
        && resolver
            .flags_used()
            .any(|(name, _)| name == INPUT_TOKEN_FILE)
    {
        resolver.report(Problem::InputTokenWithoutAddress);
    }
    // Explained rows are text, which would break the JSON on stdout.
    let is_explained = input.explain > 0 && resolver.verb() == Verb::Check;
    if is_explained && output.output_format == OutputFormat::Json {
        let (first, second) = (
            resolver.place(EXPLAIN),
            format!("{} json", resolver.place(OUTPUT_FORMAT)),
        );
        resolver.report(Problem::Contradiction { first, second });
    }
    // Of several formats, only JSON has objects.
    if input.rules.json_path.is_some()
        && matches!(input.rules.format, FormatChoice::Csv | FormatChoice::Tsv)
        && resolver.flags_used().any(|(name, _)| name == JSON_PATH)
    {
        let (first, second) = (resolver.place(JSON_PATH), resolver.place("format"));
        resolver.report(Problem::Contradiction { first, second });
    }
    // A directory from a stronger source takes precedence: that is how a run begun with `--fresh`
    // is continued.
    let is_fresh = output.unfinished == Unfinished::Left && output.run_dir.is_some();
    if is_fresh
        && resolver.verb().is_about_a_run()
        && resolver.compare_sources(RUN_DIR, FRESH) != Ordering::Greater
    {
        let (first, second) = (resolver.place(FRESH), resolver.place(RUN_DIR));
        resolver.report(Problem::Contradiction { first, second });
    }
    // An invalid token has already been reported.
    let unnamed = [TOKEN, TOKEN_FILE]
        .iter()
        .all(|name| *resolver.provenance(name) == Provenance::Default);
    if unnamed
        && matches!(resolver.verb(), Verb::Run | Verb::Undo | Verb::Preview)
        && matches!(target, Target::Remote { .. })
    {
        resolver.report(Problem::NoToken);
    }
}

/// Reports what a state cannot be used with, and flags that need one.
pub(super) fn check_state(
    resolver: &mut Resolver,
    input: &InputSettings,
    nightly: &NightlySettings,
) {
    if !resolver.verb().is_about_rows() {
        return;
    }
    if nightly.state.is_none() {
        report_useless(resolver, &OF_A_STATE, |flag| Problem::UselessWithoutState {
            flag,
        });
        return;
    }
    // The state compares whole exports.
    let ranges = [
        ("skip-rows", input.skip_rows > 0),
        ("max-rows", input.max_rows.is_some()),
    ];
    for (name, is_set) in ranges {
        if is_set {
            let (first, second) = (resolver.place(name), resolver.place(STATE));
            resolver.report(Problem::Contradiction { first, second });
        }
    }
    if nightly.full_resync && nightly.resync_part.is_some() {
        let (first, second) = (resolver.place(RESYNC_PART), resolver.place(FULL_RESYNC));
        resolver.report(Problem::Contradiction { first, second });
    }
}

/// Reports what cannot be used with fields that are only filled.
pub(super) fn check_fill(
    resolver: &mut Resolver,
    sending: &SendingSettings,
    nightly: &NightlySettings,
) {
    if sending.fill.is_empty() {
        return;
    }
    // The state holds whole requests. It would take a field that was not filled for one that was
    // sent, and a later run without `--fill` would leave the row out.
    if nightly.state.is_some() && resolver.verb().is_about_rows() {
        let (first, second) = (resolver.place(FILL), resolver.place(STATE));
        resolver.report(Problem::Contradiction { first, second });
    }
}

/// Reports what a plan cannot be used with, and flags about plans that have no effect.
pub(super) fn check_plan(
    resolver: &mut Resolver,
    plan: &PlanSettings,
    preview: &PreviewSettings,
    nightly: &NightlySettings,
) {
    if resolver.verb() == Verb::Check {
        return report_useless(resolver, &[PLAN], |_| Problem::PlanWithCheck);
    }
    if resolver.verb() == Verb::Preview {
        report_useless(resolver, &[PLAN], |_| Problem::PlanWithPreview);
        if plan.is_written && preview.sample.is_some() {
            report_useless(resolver, &[WRITE_PLAN], |_| Problem::PlanOfSample);
        }
    }
    if !resolver.verb().is_about_a_run() {
        return;
    }
    if plan.directory.is_none() {
        report_useless(resolver, &[PLAN_MAX_AGE], |_| Problem::AgeWithoutPlan);
    } else if nightly.state.is_some() {
        // Each has a key of its own, and the plan's requests are compared with no state.
        let (first, second) = (resolver.place(PLAN), resolver.place(STATE));
        resolver.report(Problem::Contradiction { first, second });
    }
}

/// Reports what is to follow a canary if there is none.
pub(super) fn check_canary(resolver: &mut Resolver, sending: &SendingSettings) {
    if sending.canary.is_some() || resolver.is_reported(CANARY) || resolver.verb() != Verb::Run {
        return;
    }
    report_useless(resolver, &[CANARY_THEN], |flag| {
        Problem::UselessWithoutCanary { flag }
    });
}

/// Reports a shard of a run whose directory the other shards could not find.
pub(super) fn check_shard(resolver: &mut Resolver, shard: Option<Shard>, output: &OutputSettings) {
    if shard.is_none() || output.run_dir.is_some() || resolver.verb() != Verb::Run {
        return;
    }
    let named = [SHARD, SHARDS].into_iter();
    let named = named.max_by(|one, other| resolver.compare_sources(one, other));
    if let Some(name) = named {
        let place = resolver.place(name);
        resolver.report(Problem::ShardWithoutDirectory { place });
    }
}

/// Reports flags about copies if there are none.
pub(super) fn check_copies(resolver: &mut Resolver, publish: &PublishSettings) {
    if publish.target.is_some() || resolver.is_reported(PUBLISH) || !resolver.verb().is_about_rows()
    {
        return;
    }
    report_useless(resolver, &OF_COPIES, |flag| {
        Problem::UselessWithoutPublish { flag }
    });
}

/// Reports which of these settings were given as flags although they have no effect.
fn report_useless(resolver: &mut Resolver, names: &[&str], problem: fn(String) -> Problem) {
    let flags: Vec<(&str, String)> = resolver.flags_used().collect();
    for (name, flag) in flags {
        if names.contains(&name) && !resolver.is_reported(name) {
            resolver.report(problem(flag));
        }
    }
}

fn useless_flag(verb: Verb, target: &Target, name: &str, flag: String) -> Option<Problem> {
    if verb == Verb::Run && name == EXPLAIN {
        return Some(Problem::ExplainWithRun);
    }
    if verb == Verb::Preview && name == EXPLAIN {
        return Some(Problem::ExplainWithPreview);
    }
    if verb == Verb::Run && name == WRITE_PLAN {
        return Some(Problem::WritePlanWithRun);
    }
    if !verb.is_about_a_run() {
        return None;
    }
    match target {
        Target::Sandbox => REMOTE_ONLY
            .contains(&name)
            .then_some(Problem::UselessWithSandbox { flag }),
        Target::Remote { .. } => name
            .starts_with(SANDBOX_PREFIX)
            .then_some(Problem::UselessWithoutSandbox { flag }),
    }
}
