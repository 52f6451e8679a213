//! Opens the inputs that a command names, and finds what is wrong with them before anything is sent.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use tracing::{info, warn};

use crate::commands::first_rows::FirstRows;
use crate::commands::{Failure, files};
use crate::config::input::InputSettings;
use crate::input::{Container, InputName, KnownInput, Layout, Origin};
use crate::journal::{InputIdentity, Key};
use crate::results::summary::InputNames;

/// Bytes at either end of an input that it is known by.
const IDENTITY_BYTES: u64 = 64 << 10;

/// The inputs of a command, looked through and closed again, but for those that can be read only once.
pub(super) struct LookedThrough {
    pub(super) inputs: Vec<KnownInput>,
    pub(super) names: InputNames,
    /// The size of all of them, where it is known.
    pub(super) total_bytes: Option<u64>,
}

/// Looks through the beginning of all inputs, one after the other. Those that can be read only once come last, for a pipe waits
/// for its writer. `first_rows` takes part in the look.
pub(super) fn look_through(
    settings: &InputSettings,
    mut first_rows: Option<&mut FirstRows>,
) -> Result<LookedThrough, Failure> {
    let files = files::expand(&settings.files).map_err(Failure::unusable)?;
    let rules = Arc::new(settings.rules.clone());
    let mut found: BTreeMap<usize, KnownInput> = BTreeMap::new();
    let (first, last): (Vec<_>, Vec<_>) = files
        .into_iter()
        .enumerate()
        .partition(|(_, name)| name.can_be_read_twice());
    for (index, name) in first.into_iter().chain(last) {
        let look_at = |block, layout: &Layout| {
            if let Some(first_rows) = &mut first_rows {
                first_rows.look_at(index, block, layout);
            }
        };
        let input = KnownInput::look(name, &rules, look_at).map_err(Failure::unusable)?;
        say_what_is_doubtful(&input);
        if !input.has_rows() {
            warn!("{} has a header but no rows", input.place_name());
        }
        for note in input.notes() {
            info!("{note}");
        }
        let before = index.checked_sub(1).and_then(|before| found.get(&before));
        let input = if let Some(before) = before {
            input.sharing_with(before)
        } else {
            input
        };
        found.insert(index, input);
    }
    let inputs: Vec<_> = found.into_values().collect();
    settings
        .rules
        .mapping
        .check_ignored(|name| inputs.iter().any(|input| input.layout().may_have(name)))
        .map_err(Failure::unusable)?;
    for input in &inputs {
        say_which_sheet_is_read(input);
        say_what_is_taken_loosely(input);
        say_what_does_not_apply(input, settings);
    }
    let names = InputNames::of(&inputs);
    if let Some(first_rows) = first_rows {
        first_rows.say(&names);
    }
    let total_bytes = inputs.iter().map(KnownInput::size_bytes).sum();
    Ok(LookedThrough {
        inputs,
        names,
        total_bytes,
    })
}

/// An encoding that was named, and that an input seems not to have: its texts would be sent as others.
fn say_what_is_doubtful(input: &KnownInput) {
    if let Some(doubt) = input.encoding_doubt() {
        warn!("{} {doubt}", input.name());
    }
}

/// A workbook's other sheets are not read, which may not be what is wanted.
fn say_which_sheet_is_read(input: &KnownInput) {
    match &input.read_as().container {
        Container::Workbook(choice) if choice.is_one_of_several() => {
            info!("{}: {choice} (--sheet)", input.name());
        }
        Container::File | Container::Compressed(_) | Container::Workbook(_) => {}
    }
}

/// Names that were guessed at are said, so that a wrong guess can be seen.
fn say_what_is_taken_loosely(input: &KnownInput) {
    let columns: Vec<_> = input.loosely().iter().map(ToString::to_string).collect();
    if !columns.is_empty() {
        info!("{}: {} (--loose-headers)", input.name(), columns.join(", "));
    }
}

/// Settings that fit the first input do not apply to its failed rows: says which of them are made, and without effect.
fn say_what_does_not_apply(input: &KnownInput, settings: &InputSettings) {
    if input.layout().origin() == Origin::First {
        return;
    }
    let skip_rows = (settings.skip_rows > 0).then_some("skip-rows");
    let max_rows = settings.max_rows.map(|_| "max-rows");
    let made: Vec<_> = settings
        .rules
        .layout_settings()
        .into_iter()
        .chain(skip_rows)
        .chain(max_rows)
        .collect();
    if !made.is_empty() {
        info!(
            "{} holds failed rows and is read by its own layout, without {}",
            input.name(),
            made.join(", ")
        );
    }
}

/// What the inputs are known by.
pub(super) fn identities(
    inputs: &[KnownInput],
    key: RunKey,
) -> Result<Vec<InputIdentity>, Failure> {
    inputs
        .iter()
        .map(|input| identity(input, key).map_err(Failure::unusable))
        .collect()
}

fn identity(input: &KnownInput, key: RunKey) -> io::Result<InputIdentity> {
    let columns = match input.layout().as_ref() {
        Layout::Csv(csv) => Some(key.digest(format!("{:?}", csv.names()))),
        Layout::Ndjson(_) => None,
    };
    let name = input.name();
    let unknown = InputIdentity {
        name: name.to_string(),
        bytes: None,
        head: None,
        tail: None,
        columns,
    };
    match name {
        InputName::Path(path) if input.can_be_read_twice() => identity_of_file(path, unknown, key),
        InputName::Path(_) | InputName::Stdin => Ok(unknown),
    }
}

fn identity_of_file(path: &Path, unknown: InputIdentity, key: RunKey) -> io::Result<InputIdentity> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let head = digest_of_part(&mut file, 0, IDENTITY_BYTES, key)?;
    let tail = digest_of_part(
        &mut file,
        bytes.saturating_sub(IDENTITY_BYTES),
        IDENTITY_BYTES,
        key,
    )?;
    Ok(InputIdentity {
        bytes: Some(bytes),
        head: Some(head),
        tail: Some(tail),
        ..unknown
    })
}

/// Whether the input begins with the bytes that it began with when it was known as `earlier`.
pub(super) fn begins_as(
    input: &KnownInput,
    earlier: &InputIdentity,
    key: RunKey,
) -> io::Result<bool> {
    let (InputName::Path(path), Some(bytes), Some(head)) =
        (input.name(), earlier.bytes, &earlier.head)
    else {
        return Ok(false);
    };
    Ok(digest_of_part(&mut File::open(path)?, 0, bytes.min(IDENTITY_BYTES), key)? == *head)
}

fn digest_of_part(file: &mut File, from: u64, bytes: u64, key: RunKey) -> io::Result<String> {
    let mut part = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.take(bytes).read_to_end(&mut part)?;
    Ok(key.digest(part))
}
