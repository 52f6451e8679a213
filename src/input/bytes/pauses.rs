//! Pipes, whose writer may pause. What it has written by then is handed on: a service that writes a row a minute does not want it to
//! be sent when a block is full, tomorrow.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// So long nothing comes from a writer that pauses. One that has only to be waited for is quicker, and blocks stay large.
const PAUSE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// Standard input or a pipe. A pause of its writer is an error of the kind [`io::ErrorKind::WouldBlock`], told once each: the next
/// read waits for what comes behind it.
pub(crate) struct Pipe {
    file: File,
    pauses: Pauses,
}

/// What is told of pauses.
#[derive(Clone, Default)]
pub(crate) struct Pauses(Arc<State>);

#[derive(Default)]
struct State {
    /// None is told: who reads cannot be interrupted.
    are_hidden: AtomicBool,
    /// The next one is to be told.
    is_awaited: AtomicBool,
}

impl Pauses {
    /// Tells of no pause any more.
    pub(crate) fn hide(&self) {
        self.0.are_hidden.store(true, Ordering::Relaxed);
    }

    /// Tells of this pause again: what was read before it is read anew, from where it was kept.
    pub(crate) fn tell_again(&self) {
        self.0.is_awaited.store(true, Ordering::Relaxed);
    }
}

impl Pipe {
    pub(crate) fn new(file: File, pauses: Pauses) -> Pipe {
        Pipe { file, pauses }
    }

    fn is_at_pause(&self) -> io::Result<bool> {
        let State {
            are_hidden,
            is_awaited,
        } = &*self.pauses.0;
        if are_hidden.load(Ordering::Relaxed) || !is_awaited.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let mut files = [PollFd::new(&self.file, PollFlags::IN)];
        Ok(poll(&mut files, Some(&PAUSE))? == 0)
    }
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.is_at_pause()? {
            self.pauses.0.is_awaited.store(false, Ordering::Relaxed);
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let read = self.file.read(into)?;
        self.pauses.0.is_awaited.store(read > 0, Ordering::Relaxed);
        Ok(read)
    }
}

/// Whether a read has met a pause. What was read before is there.
pub(crate) fn is_pause(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
