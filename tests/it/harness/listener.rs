//! A listener on this machine that serves each connection on a thread of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// Accepts connections until it is dropped.
pub(super) struct Listener {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Listener {
    /// Listens on a free port.
    pub(super) fn start(
        serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Listener {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let is_over = Arc::new(AtomicBool::new(false));
        let accepting = thread::spawn({
            let is_over = Arc::clone(&is_over);
            move || accept(&listener, &is_over, &Arc::new(serve))
        });
        Listener {
            address,
            is_over,
            accepting: Some(accepting),
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // A connection wakes the listener, so that it sees the end.
        TcpStream::connect(self.address).ok();
        self.accepting.take().map(JoinHandle::join);
    }
}

fn accept(
    listener: &TcpListener,
    is_over: &AtomicBool,
    serve: &Arc<impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static>,
) {
    for stream in listener.incoming() {
        if is_over.load(Ordering::SeqCst) {
            break;
        }
        let Ok(stream) = stream else { continue };
        let serve = Arc::clone(serve);
        // The client may hang up early, which is part of some tests.
        thread::spawn(move || serve(stream).ok());
    }
}
