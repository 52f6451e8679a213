//! Pipes, whose writers may pause. Rows written before a pause are handed on at once: if a service
//! writes a row a minute, its rows must not wait until a block is full.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// The time without bytes that counts as a pause. A writer that is only slow is quicker, so blocks
/// stay large.
const PAUSE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// Standard input or a pipe. A pause of its writer is an error of the kind
/// [`io::ErrorKind::WouldBlock`], reported once: the next read waits for more bytes.
pub(crate) struct Pipe {
    file: File,
    pauses: Pauses,
}

/// Switches for the reports of pauses, shared by a pipe and its readers.
#[derive(Clone, Default)]
pub(crate) struct Pauses(Arc<PauseState>);

#[derive(Default)]
struct PauseState {
    /// No pause is reported: the reader cannot be interrupted.
    are_hidden: AtomicBool,
    /// The next pause is to be reported.
    is_awaited: AtomicBool,
}

impl Pauses {
    /// Stops the reports of pauses.
    pub(crate) fn hide(&self) {
        self.0.are_hidden.store(true, Ordering::Relaxed);
    }

    /// Reports the current pause again. The bytes before it are read again, from a buffer.
    pub(crate) fn report_again(&self) {
        self.0.is_awaited.store(true, Ordering::Relaxed);
    }
}

impl Pipe {
    pub(crate) fn new(file: File, pauses: Pauses) -> Pipe {
        Pipe { file, pauses }
    }

    fn is_at_pause(&self) -> io::Result<bool> {
        let PauseState {
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

/// Whether a read ended in a pause. The bytes before it have been read.
pub(crate) fn is_pause(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
