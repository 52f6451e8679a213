//! An HTTPS proxy whose answers to CONNECT are scripted by the test.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// The proxy's reaction to CONNECT.
pub(crate) enum ProxyReply {
    /// Connects to this address.
    Tunnel(SocketAddr),
    /// Sends these bytes, and closes the connection.
    Answer(&'static [u8]),
}

/// Answers until it is dropped.
pub(crate) struct ScriptedProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    script: Mutex<Box<dyn Fn() -> ProxyReply + Send>>,
    /// The heads of all requests.
    requests: Mutex<Vec<String>>,
    connections: Mutex<Vec<TcpStream>>,
    is_over: AtomicBool,
}

impl ScriptedProxy {
    /// Listens on a free port of this machine.
    pub(crate) fn start(script: impl Fn() -> ProxyReply + Send + 'static) -> ScriptedProxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            script: Mutex::new(Box::new(script)),
            requests: Mutex::default(),
            connections: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        ScriptedProxy {
            address,
            shared,
            accepting: Some(accepting),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Sends these bytes from now on, and closes the open connections.
    pub(crate) fn answer(&self, bytes: &'static [u8]) {
        *self.shared.script.lock().unwrap() = Box::new(move || ProxyReply::Answer(bytes));
        self.shared.close_connections();
    }
}

impl Shared {
    fn close_connections(&self) {
        for connection in self.connections.lock().unwrap().drain(..) {
            connection.shutdown(Shutdown::Both).ok();
        }
    }
}

impl Drop for ScriptedProxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.shared.close_connections();
        // A connection wakes the listener, so that it sees the end.
        TcpStream::connect(self.address).ok();
        self.accepting.take().map(JoinHandle::join);
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.is_over.load(Ordering::SeqCst) {
            break;
        }
        let Ok(stream) = stream else { continue };
        shared
            .connections
            .lock()
            .unwrap()
            .push(stream.try_clone().expect("a socket can be shared"));
        let shared = Arc::clone(shared);
        // The client may hang up early, which is part of some tests.
        thread::spawn(move || serve(stream, &shared).ok());
    }
}

fn serve(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    shared.requests.lock().unwrap().push(head);
    let reply = (shared.script.lock().unwrap())();
    match reply {
        ProxyReply::Answer(bytes) => {
            client.write_all(bytes)?;
            client.shutdown(Shutdown::Both)
        }
        ProxyReply::Tunnel(address) => {
            let server = TcpStream::connect(address)?;
            shared.connections.lock().unwrap().push(server.try_clone()?);
            client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
            let (mut up, mut down) = (server.try_clone()?, server);
            let upwards = thread::spawn(move || {
                io::copy(&mut reader, &mut up).ok();
                up.shutdown(Shutdown::Both).ok();
            });
            io::copy(&mut down, &mut client).ok();
            client.shutdown(Shutdown::Both).ok();
            upwards.join().ok();
            Ok(())
        }
    }
}
