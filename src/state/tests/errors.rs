//! Each reason why a state cannot be used, with its message.

use std::error::Error as _;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;

use super::super::disk::FIRST_BLOCK_BYTES;
use super::super::error::StateError;
use super::super::first_block::FirstBlock;
use super::*;

fn message(result: Result<Option<State>, StateError>) -> String {
    match result {
        Ok(_) => panic!("an error is expected"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn one_process_uses_a_state_at_a_time() {
    let place = Place::new();
    let state = place.create();
    let shown = place.path().canonicalize().expect("a path");
    let message = format!(
        "another process uses the state {}: wait for its end, or use another state",
        shown.display()
    );
    for lock in [
        StateLock::try_take(&place.path()),
        StateLock::try_share(&place.path()),
    ] {
        assert_eq!(lock.expect_err("it is taken").to_string(), message);
    }
    drop(state);
    let readers = [(); 2].map(|()| StateLock::try_share(&place.path()).expect("a shared lock"));
    assert!(StateLock::try_take(&place.path()).is_err());
    drop(readers);
    assert!(StateLock::try_take(&place.path()).is_ok());
}

#[test]
fn a_link_and_its_target_have_one_lock_and_an_edit_keeps_the_link() {
    let place = Place::new();
    place.create().close().expect("it closes");
    let link = place.folder.path().join("link");
    symlink("nightly.state", &link).expect("a link");
    let lock = StateLock::try_take(&link).expect("the lock is free");
    assert!(StateLock::try_take(&place.path()).is_err());
    let mut state = State::open(lock, &identity())
        .expect("a whole state")
        .expect("a state");
    let mut edit = state.edit().expect("an edit");
    edit.set(&[(1, known(1))]).expect("an entry");
    edit.commit().expect("a commit");
    drop(state);
    assert!(link.is_symlink());
    assert_eq!(entries(&place.open()).len(), 1);
}

#[test]
fn a_missing_file_is_no_state_and_a_missing_directory_is_an_error() {
    let place = Place::new();
    assert!(matches!(State::open(place.lock(), &identity()), Ok(None)));
    let missing = place.folder.path().join("none").join("nightly.state");
    let error = StateLock::try_take(&missing).expect_err("no directory");
    assert!(matches!(error, StateError::NoDirectory { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        format!(
            "the directory {0}/none of the state {0}/none/nightly.state does not exist: create it, or name another",
            place.folder.path().display()
        )
    );
    let state = place.create();
    drop(state);
    let again = State::create(place.lock(), &identity(), key());
    assert!(matches!(again.map(drop), Err(StateError::Exists { .. })));
}

#[test]
fn a_path_that_cannot_be_followed_is_no_missing_state() {
    let place = Place::new();
    symlink("nightly.state", place.path()).expect("a link to itself");
    let opened = State::open_any(place.lock());
    assert!(matches!(opened, Err(StateError::Read { .. })));
}

#[test]
fn a_state_that_is_dropped_is_closed() {
    let place = Place::new();
    let mut state = place.with(1..=3);
    state.mark_at_once(&night("first"), &[2]).expect("marks");
    drop(state);
    // A reader repairs nothing.
    let lock = StateLock::try_share(&place.path()).expect("a shared lock");
    let state = State::open_any(lock).expect("it is closed");
    assert_eq!(state.expect("a state").info().unknown, 1);
}

#[test]
fn a_state_of_which_only_the_first_block_is_left_is_cut_short() {
    let place = Place::new();
    let mut state = place.with(1..=3);
    state.mark_at_once(&night("first"), &[2]).expect("marks");
    let being_written = fs::read(place.path()).expect("a file");
    drop(state);
    let bytes = usize::try_from(FIRST_BLOCK_BYTES).expect("a size");
    fs::write(place.path(), &being_written[..bytes]).expect("a file");
    let error = message(State::open_any(place.lock()));
    assert!(error.contains("it is cut short"), "{error}");
}

#[test]
fn another_identity_is_refused_with_both_values() {
    let place = Place::new();
    place.create().close().expect("it closes");
    let check = |other: StateIdentity, want: &str| {
        let message = message(State::open(place.lock(), &other));
        assert!(message.contains(want), "{message}");
        assert!(message.ends_with("with --full-resync"), "{message}");
    };
    check(
        StateIdentity {
            base_url: "https://other.example.com/".to_owned(),
            ..identity()
        },
        "belongs to the base URL https://api.example.com/v1/, and this run to the base URL https://other.example.com/: use the state of this base URL,",
    );
    check(
        StateIdentity {
            tenant: None,
            ..identity()
        },
        "belongs to tenant 7, and this run to no tenant: use the state of this tenant,",
    );
    check(
        StateIdentity {
            shard: None,
            ..identity()
        },
        "belongs to shard 2 of 3, and this run to all rows: use the state of this shard,",
    );
    check(
        StateIdentity {
            contract: 2,
            ..identity()
        },
        "belongs to version 1 of the API's contract, and this run to version 2 of the API's contract: use the state of this contract,",
    );
    let state = State::open_any(place.lock()).expect("any identity");
    let state = state.expect("a state");
    let mut record = state.record.clone();
    record.request_hash = 2;
    let refused = record.refuse_other(&identity(), &state.shown);
    let hashes = "by hashes of version 2, which this custsync does not make";
    assert!(refused.is_err_and(|error| error.to_string().contains(hashes)));
    assert_eq!(state.info().identity, identity());
    assert_eq!(state.key().proof(), key().proof());
}

#[test]
fn a_later_format_and_other_files_are_refused() {
    let place = Place::new();
    place.create().close().expect("it closes");
    let mut file = fs::read(place.path()).expect("a file");
    file[16] = 2;
    fs::write(place.path(), file).expect("a file");
    let text = message(State::open_any(place.lock()));
    assert!(
        text.ends_with("was written by a later custsync, in format 2: use that version, or begin anew with another file and --full-resync"),
        "{text}"
    );
    fs::write(place.path(), "id,first_name\n1,Ann\n").expect("a file");
    let text = message(State::open_any(place.lock()));
    assert!(
        text.ends_with("is not a state of custsync: name another file"),
        "{text}"
    );
}

#[test]
fn pipes_sockets_and_folders_are_refused_without_waiting() {
    let place = Place::new();
    let refused = |name: &str| {
        let path = place.folder.path().join(name);
        let opened = StateLock::try_take(&path).and_then(State::open_any);
        assert!(matches!(opened, Err(StateError::NotAFile { .. })), "{name}");
    };
    fs::create_dir(place.folder.path().join("folder")).expect("a folder");
    refused("folder");
    let _socket = UnixListener::bind(place.folder.path().join("socket")).expect("a socket");
    refused("socket");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let pipe = place.folder.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0)
        .expect("a pipe");
    refused("pipe");
    // A pipe in the place of the lock does not hold up the process, either.
    fs::rename(&pipe, place.folder.path().join("nightly.state.lock")).expect("a lock");
    let taken = StateLock::try_take(&place.path());
    assert!(matches!(taken, Err(StateError::Write { .. })), "{taken:?}");
}

#[test]
fn files_are_private_and_errors_have_their_cause() {
    let place = Place::new();
    place.with([1]).close().expect("it closes");
    for name in place.names() {
        let mode = fs::metadata(place.folder.path().join(&name)).expect("a file");
        assert_eq!(mode.permissions().mode() & 0o777, 0o600, "{name}");
    }
    assert_eq!(place.names(), ["nightly.state", "nightly.state.lock"]);
    let mut state = place.open();
    // A folder cannot be replaced by the copy, whoever the user is.
    fs::remove_file(place.path()).expect("it is removed");
    fs::create_dir(place.path()).expect("a folder");
    fs::write(place.path().join("file"), "").expect("a file");
    let error = state.edit().map(drop).expect_err("no state");
    assert!(matches!(error, StateError::NotAFile { .. }), "{error:?}");
    fs::remove_dir_all(place.path()).expect("it is removed");
    let error = state.edit().map(drop).expect_err("no state");
    let source = error.source().expect("a cause");
    let source = source.downcast_ref::<io::Error>().expect("the system's");
    assert_eq!(source.kind(), io::ErrorKind::NotFound);
}

#[test]
fn what_cannot_be_written_can_still_be_shown() {
    let place = Place::new();
    let mut state = place.with(1..=3);
    state.mark_at_once(&night("first"), &[2]).expect("marks");
    let being_written = fs::read(place.path()).expect("a file");
    state.close().expect("it closes");
    let names = ["nightly.state", "nightly.state.lock"];
    for name in names {
        fs::set_permissions(
            place.folder.path().join(name),
            Permissions::from_mode(0o400),
        )
        .expect("a mode");
    }
    fs::set_permissions(place.folder.path(), Permissions::from_mode(0o500)).expect("a mode");
    let lock = StateLock::try_share(&place.path()).expect("a shared lock");
    let state = State::open_any(lock).expect("it is readable");
    let mut state = state.expect("a state");
    assert_eq!((state.info().customers, state.info().unknown), (3, 1));
    // The lock forbids it, since root may write everywhere.
    assert!(matches!(
        state.edit().map(drop),
        Err(StateError::Write { .. })
    ));
    let marked = state.mark_at_once(&night("second"), &[3]);
    assert!(matches!(marked, Err(StateError::Write { .. })));
    drop(state);
    fs::set_permissions(place.folder.path(), Permissions::from_mode(0o700)).expect("a mode");
    fs::remove_file(place.path()).expect("it is removed");
    fs::write(place.path(), being_written).expect("a file");
    let shared = || StateLock::try_share(&place.path()).expect("a shared lock");
    let error = message(State::open_any(shared()));
    assert!(
        error.contains("was left by a process that was killed"),
        "{error}"
    );
    // A process that may write repairs it.
    place.open().close().expect("it closes");
    let state = State::open_any(shared()).expect("it is repaired");
    assert_eq!(state.expect("a state").info().unknown, 1);
}

/// The block tells a reader of a later version, too, whether it may read on.
#[test]
fn the_first_block_says_whether_the_file_is_being_written() {
    let place = Place::new();
    let mut state = place.with(1..=3);
    let block = |state: &State| {
        let block = FirstBlock::read(state.disk.as_ref()).expect("a block");
        block.expect("it is intact")
    };
    assert!(matches!(block(&state), FirstBlock::Closed { .. }));
    state.mark_at_once(&night("first"), &[2]).expect("marks");
    assert_eq!(block(&state), FirstBlock::BeingWritten { marking: 1 });
    state.mark_at_once(&night("first"), &[3]).expect("marks");
    assert_eq!(block(&state), FirstBlock::BeingWritten { marking: 2 });
    let edit = state.edit().expect("an edit");
    drop(edit);
    assert!(matches!(block(&state), FirstBlock::Closed { .. }));
}
