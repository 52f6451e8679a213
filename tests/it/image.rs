//! The build of the container image, as far as it can be tested without an engine: a clean clone
//! has all files that it needs.
//!
//! The Dockerfile's own lines are run in a temporary directory, with the files that `.dockerignore`
//! admits and with `cargo auditable build` replaced by `cargo fetch`, which reads the manifest and
//! the lock and compiles nothing; the tools for the SBOM are not installed. This detects a target in the manifest whose file is not copied, a lock
//! that is behind the manifest, a command that fails, and a copied file that is missing. It does
//! not detect a module that does not compile, nor faults of the base images or of the finished
//! image: `tests/servers/image.py` builds and runs it on a machine with an engine.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// A replacement for cargo. `host-tuple` is this machine's platform: crates for others may never
/// have been downloaded.
const CARGO: &str = r#"#!/bin/sh
case "$*" in
  install\ --locked\ *) ;;
  cyclonedx\ *\ --override-filename\ custsync.cdx)
    : >custsync.cdx.json ;;
  "auditable build --release --locked")
    mkdir -p target/release && : >target/release/custsync
    exec "$REAL_CARGO" fetch --offline --locked --target host-tuple ;;
  *)
    echo "the test does not know cargo $*" >&2
    exit 1 ;;
esac
"#;

/// A line of the Dockerfile.
struct Instruction {
    /// Its keyword, such as `COPY`.
    name: String,
    /// Its arguments, joined into one line.
    arguments: String,
}

/// A simulated build.
struct Build {
    /// Removed when the build is dropped.
    _directory: TempDir,
    /// The build context, from which the engine copies.
    context: PathBuf,
    /// The builder stage's working directory.
    work: PathBuf,
    /// A directory with the replacement for cargo.
    programs: PathBuf,
}

impl Build {
    /// A build with a context of its own.
    fn new() -> Build {
        let directory = tempfile::tempdir().unwrap();
        let [context, work, programs] =
            ["context", "work", "programs"].map(|name| directory.path().join(name));
        for folder in [&context, &work, &programs] {
            fs::create_dir(folder).unwrap();
        }
        for name in admitted() {
            copy(&Path::new(ROOT).join(&name), &context.join(&name)).unwrap();
        }
        fs::write(programs.join("cargo"), CARGO).unwrap();
        fs::set_permissions(programs.join("cargo"), Permissions::from_mode(0o755)).unwrap();
        Build {
            _directory: directory,
            context,
            work,
            programs,
        }
    }

    /// Runs the first stage. The error is the output of the command that failed.
    fn first_stage(&self) -> Result<(), String> {
        let mut commands = 0;
        for instruction in stages().first().expect("the Dockerfile has a stage") {
            let arguments = &instruction.arguments;
            match instruction.name.as_str() {
                "FROM" | "WORKDIR" | "ARG" | "ENV" => {}
                "COPY" => {
                    let (sources, target) = copied(arguments);
                    for source in sources {
                        self.copy(source, target)
                            .map_err(|error| format!("COPY {source}: {error}"))?;
                    }
                }
                "RUN" => {
                    commands += 1;
                    let output = self.run("/bin/sh", &["-c", arguments]);
                    if !output.status.success() {
                        return Err(format!(
                            "{arguments}\n{}",
                            String::from_utf8_lossy(&output.stderr)
                        ));
                    }
                }
                name => panic!("the test does not know {name} {arguments}"),
            }
        }
        assert!(
            commands > 1,
            "the dependencies are built, and then the program"
        );
        Ok(())
    }

    /// Copies from the context as `COPY` does: a folder's content goes into the target.
    fn copy(&self, source: &str, target: &str) -> std::io::Result<()> {
        let from = self.context.join(source);
        let to = self.work.join(target);
        let name = from.file_name().expect("a file of the context has a name");
        if from.is_file() && to.is_dir() {
            copy(&from, &to.join(name))
        } else {
            copy(&from, &to)
        }
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        Command::new(program)
            .args(arguments)
            .current_dir(&self.work)
            .env("PATH", format!("{}:{path}", self.programs.display()))
            .env("REAL_CARGO", env!("CARGO"))
            .output()
            .unwrap()
    }
}

/// The files that `.dockerignore` admits, by their names in the repository.
fn admitted() -> Vec<String> {
    let text = fs::read_to_string(Path::new(ROOT).join(".dockerignore")).unwrap();
    let mut patterns = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert_eq!(
        patterns.next(),
        Some("*"),
        "everything is excluded except the lines that follow"
    );
    let names = patterns.map(|pattern| {
        let name = pattern
            .strip_prefix('!')
            .filter(|name| !name.contains(['*', '?', '[']));
        name.unwrap_or_else(|| panic!("the test does not know the pattern {pattern}"))
            .to_owned()
    });
    names.collect()
}

/// The Dockerfile's stages, each from its `FROM`.
fn stages() -> Vec<Vec<Instruction>> {
    let text = fs::read_to_string(Path::new(ROOT).join("Dockerfile")).unwrap();
    let lines: Vec<_> = text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .collect();
    let mut stages: Vec<Vec<_>> = Vec::new();
    for line in lines.join("\n").replace("\\\n", " ").lines() {
        let (name, arguments) = line.split_once(' ').expect("an instruction has arguments");
        if name == "FROM" {
            stages.push(Vec::new());
        }
        // Only arguments that a FROM uses come before the first one.
        let Some(stage) = stages.last_mut() else {
            assert_eq!(name, "ARG", "{line}");
            continue;
        };
        stage.push(Instruction {
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        });
    }
    stages
}

/// The sources and the target of a `COPY`.
fn copied(arguments: &str) -> (Vec<&str>, &str) {
    let mut sources: Vec<_> = arguments.split_whitespace().collect();
    let target = sources.pop().expect("COPY has a target");
    (sources, target)
}

/// Copies a file or a folder into a folder that may exist already.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// The targets that a build without tests compiles, each as its kind, its name and its file below
/// the root.
fn targets(root: &Path) -> BTreeSet<(String, String, PathBuf)> {
    let arguments = [
        "metadata",
        "--no-deps",
        "--offline",
        "--locked",
        "--format-version",
        "1",
    ];
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(root)
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let targets = metadata["packages"][0]["targets"]
        .as_array()
        .expect("a package has targets");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let root = root.canonicalize().unwrap();
    targets
        .iter()
        .map(|target| {
            (
                text(&target["kind"][0]),
                text(&target["name"]),
                PathBuf::from(text(&target["src_path"])),
            )
        })
        .filter(|(kind, ..)| !matches!(kind.as_str(), "bench" | "example" | "test"))
        .map(|(kind, name, file)| {
            (
                kind,
                name,
                file.strip_prefix(&root).expect("below the root").to_owned(),
            )
        })
        .collect()
}

#[test]
fn a_clean_clone_has_all_that_the_image_is_built_from() {
    let build = Build::new();
    build
        .first_stage()
        .unwrap_or_else(|words| panic!("the image cannot be built: {words}"));
    let built = targets(&build.work);
    assert_eq!(
        built,
        targets(Path::new(ROOT)),
        "the image is built of the same targets as the program"
    );
    for (kind, name, file) in &built {
        assert!(
            build.work.join(file).is_file(),
            "the {kind} {name} is built from {}",
            file.display()
        );
    }

    // The program carries the pages of docs/.
    for page in fs::read_dir(Path::new(ROOT).join("docs")).unwrap() {
        let page = Path::new("docs").join(page.unwrap().file_name());
        assert!(build.work.join(&page).exists(), "{}", page.display());
    }

    // The files that the last stage copies exist, or are results of the build.
    let directory = stages()[0]
        .iter()
        .find(|instruction| instruction.name == "WORKDIR")
        .unwrap()
        .arguments
        .clone();
    for instruction in stages()
        .iter()
        .skip(1)
        .flatten()
        .filter(|instruction| instruction.name == "COPY")
    {
        let (sources, _) = copied(&instruction.arguments);
        let is_built = sources[0].starts_with("--from=");
        for source in &sources[usize::from(is_built)..] {
            if is_built {
                let name = source.strip_prefix(&format!("{directory}/"));
                let name = name.unwrap_or_else(|| panic!("{source} is below {directory}"));
                assert!(build.work.join(name).is_file(), "{source} is built");
            } else {
                assert!(
                    build.context.join(source).exists(),
                    "{source} is in the context"
                );
            }
        }
    }
}

/// The files that name the image name it with the version of the program.
#[test]
fn the_version_is_that_of_the_program() {
    let version = env!("CARGO_PKG_VERSION");
    for (file, line) in [
        ("Dockerfile", format!("ARG VERSION={version}")),
        (
            "deploy/kubernetes/base/kustomization.yaml",
            format!("newTag: \"{version}\""),
        ),
        (
            "deploy/kubernetes/overlays/indexed/kustomization.yaml",
            format!("newTag: \"{version}\""),
        ),
        (
            "deploy/swarm/stack.yml",
            format!("image: custsync:{version}"),
        ),
    ] {
        let text = fs::read_to_string(Path::new(ROOT).join(file)).unwrap();
        let found = text.lines().any(|found| found.trim() == line);
        assert!(found, "{file} has the line {line}");
    }
}

/// The first test detects a missing file.
#[test]
fn a_target_without_a_file_would_be_noticed() {
    let build = Build::new();
    let mut manifest = File::options()
        .append(true)
        .open(build.context.join("Cargo.toml"))
        .unwrap();
    manifest
        .write_all(b"\n[[bench]]\nname = \"absent\"\nharness = false\n")
        .unwrap();
    let words = build.first_stage().expect_err("the file is not there");
    assert!(
        words.contains("can't find `absent` bench at `benches/absent.rs`"),
        "{words}"
    );
}
