//! The termination message, which Kubernetes shows for a container that has ended.

use std::fs;
use std::path::{Path, PathBuf};

use super::told::Told;
use crate::commands::shared::named_file::{self, Readers};
use crate::config::notices::{
    NoticeSettings, TerminationMessage, USUAL_TERMINATION_MESSAGE as USUAL_FILE,
};
use crate::terminal;
use crate::text;

/// The variable that Kubernetes sets in every container.
const KUBERNETES: &str = "KUBERNETES_SERVICE_HOST";
/// The most bytes of a message: Kubernetes leaves out what follows.
const BYTES_MAX: usize = 4_096;

/// Writes the message, if there is a file for it. A failure is said, and changes nothing else.
pub(super) fn write(told: &Told, settings: &NoticeSettings) {
    let is_in_kubernetes = std::env::var_os(KUBERNETES).is_some();
    let has_usual_file = || fs::metadata(USUAL_FILE).is_ok_and(|found| found.is_file());
    let Some(path) = file(&settings.termination_message, || {
        is_in_kubernetes && has_usual_file()
    }) else {
        return;
    };
    let notice = told.local.as_ref().unwrap_or(&told.notice);
    let message = notice.to_text_within(BYTES_MAX);
    if let Err(error) = named_file::replace(&path, message.as_bytes(), Readers::Owner) {
        let file = text::safe_path(&path);
        terminal::print_warning(&format_args!(
            "the termination message {file} cannot be written: {error}"
        ));
    }
}

/// Returns the file of the message. `has_usual` says whether Kubernetes reads the usual one.
fn file(setting: &TerminationMessage, has_usual: impl FnOnce() -> bool) -> Option<PathBuf> {
    match setting {
        TerminationMessage::File(path) => Some(path.clone()),
        TerminationMessage::Auto => has_usual().then(|| Path::new(USUAL_FILE).to_owned()),
        TerminationMessage::Off => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_file_takes_precedence() {
        let check = |setting: &TerminationMessage, has_usual: bool, want: Option<&str>| {
            assert_eq!(file(setting, || has_usual), want.map(PathBuf::from));
        };
        let named = TerminationMessage::File("message".into());
        check(&named, true, Some("message"));
        check(&named, false, Some("message"));
        check(&TerminationMessage::Auto, true, Some(USUAL_FILE));
        check(&TerminationMessage::Auto, false, None);
        check(&TerminationMessage::Off, true, None);
    }
}
