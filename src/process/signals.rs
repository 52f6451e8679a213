//! SIGHUP, SIGINT and SIGTERM, from the start of the program to its end.
//!
//! The edge installs the handlers before anything else ([`SignalHandlers::install`]), since the
//! kernel's default action does not apply to process 1 of a container. The main thread waits for
//! signals, and another thread does the work. Until the work has something to drain
//! ([`Signals::drain`]), a signal ends the program at once, even if the work is blocked. From then
//! on a signal asks the work to stop, and the work ends by itself.

use std::fs;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};

use crate::schedule::StopReason;

/// Signals within this time after another one count as the same, since a terminal and a parent
/// process may both send it.
const TOGETHER: Duration = Duration::from_secs(1);

/// The stack size of the working thread: that of a main thread.
const STACK_BYTES: usize = 8 << 20;

/// A signal that asks the program to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// SIGHUP: the terminal is gone.
    Hangup,
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: sent by the system or a scheduler.
    Terminate,
}

impl StopSignal {
    /// Every signal with its number, which is the same on all systems.
    const ALL: [(Self, u32); 3] = [
        (Self::Hangup, 1),
        (Self::Interrupt, 2),
        (Self::Terminate, 15),
    ];

    /// Returns the reason to stop.
    pub(crate) fn reason(self) -> StopReason {
        match self {
            Self::Hangup => StopReason::HungUp,
            Self::Interrupt => StopReason::Interrupted,
            Self::Terminate => StopReason::Terminated,
        }
    }

    fn kind(self) -> SignalKind {
        match self {
            Self::Hangup => SignalKind::hangup(),
            Self::Interrupt => SignalKind::interrupt(),
            Self::Terminate => SignalKind::terminate(),
        }
    }
}

/// The installed handlers.
#[derive(Debug)]
pub(crate) struct SignalHandlers {
    runtime: Runtime,
    /// The signals that were not ignored at the start.
    streams: Vec<(StopSignal, Signal)>,
    signals: Signals,
}

/// The way in which the work ended.
#[derive(Debug)]
pub(crate) enum WorkEnd<T> {
    /// It returned this value, or panicked.
    Returned(thread::Result<T>),
    /// A signal came while there was nothing to drain.
    Signalled(StopSignal),
}

/// The work's view of the signals.
#[derive(Debug, Clone)]
pub(crate) struct Signals {
    state: Arc<watch::Sender<SignalState>>,
}

/// The signals for work that stops by itself.
#[derive(Debug, Clone)]
pub(crate) struct Drain {
    changes: watch::Receiver<SignalState>,
    /// The number of signals reported so far.
    reported: u32,
    signals: Signals,
}

/// The state of the signals so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct SignalState {
    work: WorkState,
    /// The first signal.
    first: Option<StopSignal>,
    /// The number of signals. Signals that came together count as one.
    count: u32,
    /// The time when the last of them was counted.
    counted_at: Option<Instant>,
}

/// The effect of a signal on the work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum WorkState {
    /// The program ends at once.
    #[default]
    Interruptible,
    /// The work drains and ends by itself.
    Draining,
    /// The program is about to end.
    Ended,
}

impl SignalState {
    fn take(&mut self, signal: StopSignal, now: Instant) {
        let is_same = self
            .counted_at
            .is_some_and(|at| now.saturating_duration_since(at) < TOGETHER);
        if is_same {
            return;
        }
        self.first.get_or_insert(signal);
        self.count = self.count.saturating_add(1);
        self.counted_at = Some(now);
        if self.work == WorkState::Interruptible {
            self.work = WorkState::Ended;
        }
    }
}

impl SignalHandlers {
    /// Installs the handlers. A signal that was ignored when the program started stays ignored.
    pub(crate) fn install() -> io::Result<SignalHandlers> {
        let ignored = ignored_at_start();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let streams = {
            let _entered = runtime.enter();
            let heeded = StopSignal::ALL
                .into_iter()
                .filter(|(_, number)| !is_ignored(ignored, *number));
            heeded
                .map(|(name, _)| Ok((name, signal(name.kind())?)))
                .collect::<io::Result<_>>()?
        };
        Ok(SignalHandlers {
            runtime,
            streams,
            signals: Signals::none(),
        })
    }

    /// Runs the work on a thread of its own, until it ends or a signal comes that it does not
    /// drain. Signals during earlier work do not count.
    pub(crate) fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(Signals) -> T + Send + 'static,
    ) -> io::Result<WorkEnd<T>> {
        self.signals = Signals::none();
        let signals = self.signals.clone();
        let (ends, mut ended) = oneshot::channel::<()>();
        let work = thread::Builder::new()
            .name("custsync".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                // Dropped when the work ends, even by a panic.
                let _ends = ends;
                work(signals)
            })?;
        let signalled = self.runtime.block_on(async {
            loop {
                tokio::select! {
                    biased;
                    _ = &mut ended => return None,
                    signal = next(&mut self.streams) => {
                        if self.signals.take(signal) == WorkState::Ended {
                            return Some(signal);
                        }
                    }
                }
            }
        });
        Ok(signalled.map_or_else(|| WorkEnd::Returned(work.join()), WorkEnd::Signalled))
    }
}

impl Signals {
    /// Returns signals that never come.
    pub(crate) fn none() -> Signals {
        Signals {
            state: Arc::new(watch::Sender::new(SignalState::default())),
        }
    }

    /// Stops signals from ending the program. The caller stops by itself when the returned
    /// [`Drain`] reports one.
    pub(crate) fn drain(&self) -> Drain {
        let mut work = WorkState::Interruptible;
        self.state.send_modify(|state| {
            if state.work == WorkState::Interruptible {
                state.work = WorkState::Draining;
            }
            work = state.work;
        });
        if work == WorkState::Ended {
            // The main thread is about to end the program and reports that nothing has happened.
            loop {
                thread::park();
            }
        }
        Drain {
            changes: self.state.subscribe(),
            reported: 0,
            signals: self.clone(),
        }
    }

    /// Records a signal. Returns its effect on the work.
    fn take(&self, signal: StopSignal) -> WorkState {
        let now = Instant::now();
        self.state.send_modify(|state| state.take(signal, now));
        self.state.borrow().work
    }
}

impl Drain {
    /// Returns the first signal, if one has come.
    pub(crate) fn first_signal(&self) -> Option<StopSignal> {
        self.signals.state.borrow().first
    }

    /// Waits for one more signal and returns the first one. A cancelled wait loses nothing.
    pub(crate) async fn next(&mut self) -> StopSignal {
        loop {
            let SignalState { first, count, .. } = *self.changes.borrow_and_update();
            if let Some(first) = first
                && self.reported < count
            {
                self.reported += 1;
                return first;
            }
            if self.changes.changed().await.is_err() {
                // Unreachable: the other end is a field of this value.
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Waits for the next signal; forever if all are ignored.
async fn next(streams: &mut [(StopSignal, Signal)]) -> StopSignal {
    poll_fn(|context| {
        let came = streams
            .iter_mut()
            .find_map(|(name, stream)| stream.poll_recv(context).is_ready().then_some(*name));
        came.map_or(Poll::Pending, Poll::Ready)
    })
    .await
}

/// Returns the signals that were ignored when the program started; the bit of signal N is N-1.
/// Systems other than Linux report none.
fn ignored_at_start() -> u64 {
    fs::read_to_string("/proc/self/status").map_or(0, |status| ignored_in(&status))
}

/// Reads the mask of ignored signals from the text of `/proc/self/status` (`proc_pid_status(5)`).
fn ignored_in(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default()
}

fn is_ignored(mask: u64, number: u32) -> bool {
    mask & (1 << (number - 1)) != 0
}

#[cfg(test)]
mod tests {
    use super::StopSignal::{Hangup, Interrupt, Terminate};
    use super::*;

    #[test]
    fn signals_that_come_together_are_one() {
        let start = Instant::now();
        let check = |signals: &[(StopSignal, u64)], first: StopSignal, count: u32| {
            let mut state = SignalState {
                work: WorkState::Draining,
                ..SignalState::default()
            };
            for (signal, at_ms) in signals {
                state.take(*signal, start + Duration::from_millis(*at_ms));
            }
            assert_eq!(
                (state.first, state.count, state.work),
                (Some(first), count, WorkState::Draining),
                "{signals:?}"
            );
        };
        check(&[(Interrupt, 0)], Interrupt, 1);
        check(&[(Interrupt, 0), (Terminate, 0)], Interrupt, 1);
        check(&[(Hangup, 0), (Terminate, 999)], Hangup, 1);
        check(&[(Hangup, 0), (Terminate, 1_000)], Hangup, 2);
        check(
            &[(Terminate, 0), (Terminate, 600), (Terminate, 1_200)],
            Terminate,
            2,
        );
        check(
            &[
                (Terminate, 0),
                (Terminate, 1_500),
                (Terminate, 2_400),
                (Interrupt, 3_000),
            ],
            Terminate,
            3,
        );
    }

    #[test]
    fn a_signal_before_there_is_anything_to_drain_ends_the_program() {
        let signals = Signals::none();
        assert_eq!(signals.take(StopSignal::Terminate), WorkState::Ended);
        let signals = Signals::none();
        let drain = signals.drain();
        assert_eq!(drain.first_signal(), None);
        assert_eq!(signals.take(StopSignal::Hangup), WorkState::Draining);
        assert_eq!(drain.first_signal(), Some(StopSignal::Hangup));
    }

    #[test]
    fn each_signal_is_reported_once() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let mut drain = Signals::none().drain();
        runtime.block_on(async {
            let nothing_more =
                |drain: &mut Drain| futures_util::FutureExt::now_or_never(drain.next()).is_none();
            assert!(nothing_more(&mut drain));
            let start = Instant::now();
            for seconds in [0, 2] {
                let at = start + Duration::from_secs(seconds);
                drain
                    .signals
                    .state
                    .send_modify(|state| state.take(StopSignal::Interrupt, at));
            }
            assert_eq!(drain.next().await, StopSignal::Interrupt);
            assert_eq!(drain.next().await, StopSignal::Interrupt, "the second one");
            assert!(nothing_more(&mut drain));
        });
    }

    #[test]
    fn ignored_signals_are_read_from_the_systems_words() {
        let check = |status: &str, want: [bool; 3]| {
            let mask = ignored_in(status);
            assert_eq!(
                StopSignal::ALL.map(|(_, number)| is_ignored(mask, number)),
                want,
                "{status}"
            );
        };
        check(
            "Name:\tcustsync\nSigBlk:\tffff\nSigIgn:\t0000000000001001\nSigCgt:\t0\n",
            [true, false, false],
        );
        check("SigIgn:\t0000000000000002\n", [false, true, false]);
        check("SigIgn:\t0000000000004006\n", [false, true, true]);
        check("SigIgn:\t0000000000000000\n", [false; 3]);
        check("SigIgn:\tnonsense\n", [false; 3]);
        check("", [false; 3]);
    }
}
