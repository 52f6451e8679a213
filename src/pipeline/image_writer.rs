//! Writes images of customers on a thread of its own, since each is durable before its update
//! leaves. Images that come within a short time share a sync.

use std::io;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::error;

use super::threads::{join, spawn};
use crate::journal::{ImageEntry, ImagesError, ImagesFile, RunDir};
use crate::process::crash;
use crate::text::with_causes;

/// The shortest time between two syncs.
const SYNC_INTERVAL: Duration = Duration::from_millis(50);

/// The file of images, and the thread that writes it.
#[derive(Debug)]
pub(crate) struct ImageWriter {
    lines: mpsc::Sender<Line>,
    durable: watch::Receiver<Durable>,
    queued: u64,
    thread: JoinHandle<Option<ImagesFile>>,
}

/// The file that images are written to.
#[derive(Debug)]
pub(crate) enum ImagesTo {
    /// One that is open.
    Open(ImagesFile),
    /// A new one in this directory, once there is an image.
    New(RunDir),
}

/// The images that are durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durable {
    /// This many, in the order in which they were queued.
    Images(u64),
    /// No more can be written.
    Failed,
}

/// A line to write.
#[derive(Debug)]
enum Line {
    Image(Box<ImageEntry>),
    Country(i64, String),
}

impl ImageWriter {
    /// Starts the thread.
    pub(crate) fn start(to: ImagesTo) -> io::Result<ImageWriter> {
        let (lines, queue) = mpsc::channel();
        let (durable_in, durable) = watch::channel(Durable::Images(0));
        let thread = spawn("images", move || write(to, &queue, &durable_in))?;
        Ok(ImageWriter {
            lines,
            durable,
            queued: 0,
            thread,
        })
    }

    /// Queues an image, and returns its number, from 1.
    pub(crate) fn push(&mut self, entry: ImageEntry) -> u64 {
        self.queued += 1;
        // Without the thread nothing becomes durable, which is noticed.
        self.lines.send(Line::Image(Box::new(entry))).ok();
        self.queued
    }

    /// Queues a country's id and name.
    pub(crate) fn push_country(&self, id: i64, name: &str) {
        self.lines.send(Line::Country(id, name.to_owned())).ok();
    }

    /// Waits until more images are durable. Cancel-safe.
    pub(crate) async fn more_is_durable(&mut self) -> Durable {
        match self.durable.changed().await {
            Ok(()) => *self.durable.borrow_and_update(),
            Err(_) => Durable::Failed,
        }
    }

    /// Makes everything durable, and returns the file, if one was made and can be written.
    pub(crate) fn finish(self) -> Option<ImagesFile> {
        drop(self.lines);
        join(self.thread)
    }
}

/// Writes lines until the queue's other end is dropped, or writing fails.
fn write(
    to: ImagesTo,
    queue: &mpsc::Receiver<Line>,
    durable: &watch::Sender<Durable>,
) -> Option<ImagesFile> {
    match write_all(to, queue, durable) {
        Ok(file) => file,
        Err(fault) => {
            error!("{}", with_causes(&fault));
            durable.send_replace(Durable::Failed);
            None
        }
    }
}

fn write_all(
    to: ImagesTo,
    queue: &mpsc::Receiver<Line>,
    durable: &watch::Sender<Durable>,
) -> Result<Option<ImagesFile>, ImagesError> {
    let (mut images, mut synced_at) = (0, None);
    let Ok(mut first) = queue.recv() else {
        return match to {
            ImagesTo::Open(mut file) => file.close().map(|()| Some(file)),
            ImagesTo::New(_) => Ok(None),
        };
    };
    let mut file = match to {
        ImagesTo::Open(file) => file,
        ImagesTo::New(run_dir) => ImagesFile::begin(&run_dir)?,
    };
    loop {
        let sync_at = synced_at.map_or_else(Instant::now, |at: Instant| at + SYNC_INTERVAL);
        let mut next = Some(first);
        while let Some(line) = next {
            match line {
                Line::Image(entry) => {
                    file.push(&entry)?;
                    images += 1;
                }
                Line::Country(id, name) => file.push_country(id, &name),
            }
            let wait = sync_at.saturating_duration_since(Instant::now());
            next = queue.recv_timeout(wait).ok();
        }
        file.sync()?;
        crash::kill_at("image-synced");
        synced_at = Some(Instant::now());
        durable.send_replace(Durable::Images(images));
        let Ok(line) = queue.recv() else {
            file.close()?;
            return Ok(Some(file));
        };
        first = line;
    }
}
