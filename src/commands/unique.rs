//! `--unique`: which rows of one customer are sent.

use anyhow::anyhow;
use tracing::info;

use crate::commands::{Failure, inputs};
use crate::config::Settings;
use crate::ids::{Ids, Unique};
use crate::input::{Input, InputName};
use crate::pipeline;

/// Refuses inputs that can be read only once where they have to be read twice. To be asked before any is opened: a pipe waits
/// there for its writer.
pub(super) fn refuse_streams(settings: &Settings) -> Result<(), Failure> {
    let stream = settings.input.files.iter().find(|name| is_stream(name));
    match (settings.sending.unique, stream) {
        (Unique::Last, Some(name)) => Err(Failure::unusable(anyhow!(
            "{name}: --unique last reads the input twice, first to find each customer's last row, and this can be read only \
             once: save it to a file, or use --unique reject"
        ))),
        (Unique::All | Unique::Reject | Unique::Last, _) => Ok(()),
    }
}

/// Whether the input is there and no file or directory. What is not there is said when it is opened.
fn is_stream(name: &InputName) -> bool {
    match name {
        InputName::Path(path) => path.exists() && !path.is_file() && !path.is_dir(),
        InputName::Stdin => true,
    }
}

/// What becomes of rows of customers that another row names. Finding each customer's last row takes a pass over the input.
pub(super) fn ids(settings: &Settings, opened: &[Input]) -> Result<Ids, Failure> {
    match settings.sending.unique {
        Unique::All => Ok(Ids::watching()),
        Unique::Reject => Ok(Ids::refusing()),
        Unique::Last => {
            info!("reading the input once to find each customer's last row (--unique last)");
            let open = |input: &Input| Input::open(input.name().clone(), &settings.input.rules);
            let inputs = opened.iter().map(open).collect::<Result<_, _>>().map_err(Failure::unusable)?;
            let (rules, window) = (settings.input.rows.clone(), inputs::window(&settings.input));
            let repeats =
                pipeline::count_repeats(inputs, rules, window, pipeline::threads()).map_err(Failure::unusable)?;
            Ok(Ids::superseding(repeats.map_err(Failure::unusable)?))
        }
    }
}
