//! The names by which files and objects can be inputs, where a folder or an archive is named.

use std::path::Path;

/// The extensions of inputs in a folder or a zip file. An extension of a compression may follow.
const TEXTS: [&str; 5] = ["csv", "tsv", "ndjson", "jsonl", "json"];
/// The extensions of other inputs, which cannot be read within a zip file.
const PACKAGES: [&str; 5] = ["xls", "xlsx", "xlsb", "ods", "zip"];
const COMPRESSIONS: [&str; 4] = ["gz", "zst", "xz", "bz2"];

/// Returns the extensions of inputs in a folder, as messages name them.
pub(in crate::commands) fn extensions_of_files() -> String {
    extensions(&[TEXTS, PACKAGES].concat())
}

/// Returns the extensions of inputs within a zip file, as messages name them.
pub(in crate::commands) fn extensions_in_zip() -> String {
    extensions(&TEXTS)
}

fn extensions(usual: &[&str]) -> String {
    format!(
        ".{} (or one of these followed by .{})",
        usual.join(", ."),
        COMPRESSIONS.join(", .")
    )
}

/// Returns the reason to skip a file by its name: folders and patterns skip hidden files.
pub(in crate::commands) fn hidden_reason(name: &[u8]) -> Option<&'static str> {
    if name.starts_with(b"~$") {
        Some("not a workbook, but the lock file of one that is open in Excel")
    } else if name.starts_with(b".") {
        Some("hidden file")
    } else {
        None
    }
}

/// Whether a file can be an input by its name.
pub(in crate::commands) fn is_input(path: &Path) -> bool {
    let extension = |path: &Path| {
        path.extension()
            .map(|extension| extension.to_string_lossy().to_ascii_lowercase())
    };
    let own = extension(path).unwrap_or_default();
    let is_usual = |name: &str| TEXTS.contains(&name) || PACKAGES.contains(&name);
    if !COMPRESSIONS.contains(&own.as_str()) {
        return is_usual(&own);
    }
    let inner = path
        .file_stem()
        .and_then(|stem| extension(Path::new(stem)))
        .unwrap_or_default();
    is_usual(&inner)
}
