//! Tests of the state against real files, and against disks that are damaged or lose power.

mod damage;
mod edits;
mod errors;
mod memory_disk;
mod model;
mod power_cuts;

use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::journal::{RunKey, Shard};

/// A folder with a state's path.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Place {
        Place {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("nightly.state")
    }

    fn lock(&self) -> StateLock {
        StateLock::try_take(&self.path()).expect("the lock is free")
    }

    fn create(&self) -> State {
        State::create(self.lock(), &identity(), key()).expect("a state")
    }

    fn open(&self) -> State {
        let state = State::open(self.lock(), &identity()).expect("a whole state");
        state.expect("there is a state")
    }

    /// Creates a state in which these customers are known by the hash of their id.
    fn with(&self, ids: impl IntoIterator<Item = u64>) -> State {
        let mut state = self.create();
        let entries: Vec<_> = ids.into_iter().map(|id| (id, known(id))).collect();
        let mut edit = state.edit().expect("an edit");
        edit.set(&entries).expect("entries");
        edit.commit().expect("a commit");
        state
    }

    /// The names of the files in the folder, in order.
    fn names(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.folder.path()).expect("a folder");
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            let name = entry.expect("an entry").file_name();
            name.into_string().expect("text")
        };
        let mut names: Vec<_> = names.map(name).collect();
        names.sort();
        names
    }
}

fn identity() -> StateIdentity {
    StateIdentity {
        base_url: "https://api.example.com/v1/".to_owned(),
        tenant: Some(7),
        shard: Some(Shard::new(2, 3).expect("a shard")),
        contract: 1,
    }
}

fn key() -> RunKey {
    RunKey::of([7; 16])
}

fn known(hash: u64) -> Known {
    // The lowest bit of a hash is dropped.
    Known::Request(RequestHash::from(hash << 1))
}

fn night(run: &str) -> Night {
    Night {
        run: run.to_owned(),
        directory: "/runs/2026-11-29".to_owned(),
        at: "2026-11-29T02:00:00.123Z".parse().expect("a time"),
        is_folded: false,
    }
}

/// All entries of a state.
fn entries(state: &State) -> Vec<(u64, StateEntry)> {
    let mut all = Vec::new();
    state
        .for_each(|id, entry| all.push((id, entry)))
        .expect("entries");
    all
}
