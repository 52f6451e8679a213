//! Tells the program what it is built from, for `custsync --version`: the revision, the target and
//! the features.

#![allow(
    clippy::print_stdout,
    reason = "this is how a build script speaks to cargo"
)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The prefix of the variables by which cargo names the features that are on.
const FEATURE: &str = "CARGO_FEATURE_";

fn main() {
    // Without such a line, cargo would run this script at each change of any file.
    println!("cargo::rerun-if-changed=build.rs");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let revision = revision(&root).unwrap_or_else(|| "unknown revision".to_owned());
    let target = env::var("TARGET").expect("cargo sets it");
    println!("cargo::rustc-env=BUILD_REVISION={revision}");
    println!("cargo::rustc-env=BUILD_TARGET={target}");
    println!("cargo::rustc-env=BUILD_FEATURES={}", features());
}

/// Returns the commit that is checked out at `root`. There is none in an archive of the sources, or
/// in the build of the image.
fn revision(root: &Path) -> Option<String> {
    // The sources may be a part of another project's checkout, whose revision says nothing.
    let top = PathBuf::from(git(root, &["rev-parse", "--show-toplevel"])?);
    if top.canonicalize().ok()? != root.canonicalize().ok()? {
        return None;
    }
    let revision = git(root, &["rev-parse", "--short=12", "HEAD"])?;
    let path_of = |name: &str| Some(root.join(git(root, &["rev-parse", "--git-path", name])?));
    rerun_if_changed(path_of("HEAD"));
    if let Some(branch) = git(root, &["symbolic-ref", "-q", "HEAD"]) {
        let branch = path_of(&branch)?;
        if branch.is_file() {
            rerun_if_changed(Some(branch));
        } else {
            // The branch is packed, and its next commit makes a file of its own. Cargo would take a
            // file that is not there for one that has changed.
            rerun_if_changed(path_of("packed-refs"));
            rerun_if_changed(branch.parent().map(Path::to_owned));
        }
    }
    Some(revision)
}

fn rerun_if_changed(path: Option<PathBuf>) {
    if let Some(path) = path.filter(|path| path.exists()) {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}

/// Returns what git prints; `None` if it fails or is not installed.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .current_dir(root)
        .args(arguments)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim_end().to_owned())
}

/// Returns the names of the features that are on.
fn features() -> String {
    let variables = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut features: Vec<_> = variables
        .filter_map(|name| Some(name.strip_prefix(FEATURE)?.to_lowercase().replace('_', "-")))
        .collect();
    features.sort();
    if features.is_empty() {
        "none".to_owned()
    } else {
        features.join(", ")
    }
}
