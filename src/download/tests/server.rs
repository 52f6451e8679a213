//! A small server of one file, which breaks the promises that a test names.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    /// Counted from 1.
    pub(super) number: usize,
    /// Request line and headers, in lower case.
    pub(super) head: String,
}

/// The behaviour of a connection after the bytes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Close,
    /// Sends nothing more, until the client closes the connection.
    Hang,
}

type Script = dyn Fn(&Ask) -> (Vec<u8>, Then) + Send + Sync;

/// Answers until it is dropped, one connection for each request.
pub(super) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    script: Box<Script>,
    asked: Mutex<Vec<Ask>>,
    is_over: AtomicBool,
}

impl Ask {
    /// A header's value.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The position that a range begins at.
    pub(super) fn from(&self) -> Option<usize> {
        let range = self.header("range")?.strip_prefix("bytes=")?;
        Some(range.strip_suffix('-')?.parse().expect("a position"))
    }
}

impl Server {
    pub(super) fn start(
        script: impl Fn(&Ask) -> (Vec<u8>, Then) + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a port");
        let shared = Arc::new(Shared {
            script: Box::new(script),
            asked: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let thread = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                for stream in listener.incoming() {
                    if shared.is_over.load(Ordering::SeqCst) {
                        break;
                    }
                    let (stream, shared) = (stream.expect("a connection"), Arc::clone(&shared));
                    // The client may hang up early.
                    thread::spawn(move || serve(stream, &shared).ok());
                }
            }
        });
        Server {
            address,
            shared,
            thread: Some(thread),
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/customers.csv?sig=canary", self.address)
    }

    /// The requests so far.
    pub(super) fn asked(&self) -> Vec<Ask> {
        self.shared.asked.lock().expect("no panic").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        TcpStream::connect(self.address).ok();
        self.thread.take().map(JoinHandle::join);
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let ask = {
        let mut asked = shared.asked.lock().expect("no panic");
        let ask = Ask {
            number: asked.len() + 1,
            head: head.to_ascii_lowercase(),
        };
        asked.push(ask.clone());
        ask
    };
    let (bytes, then) = (shared.script)(&ask);
    stream.write_all(&bytes)?;
    if then == Then::Hang {
        io::copy(&mut reader, &mut io::sink())?;
    }
    stream.shutdown(Shutdown::Both)
}

/// The answers of a server that keeps its promises.
#[derive(Debug, Clone)]
pub(super) struct Honest {
    pub(super) file: Vec<u8>,
    /// Lines with the validators.
    pub(super) validators: String,
    pub(super) has_parts: bool,
}

impl Honest {
    pub(super) fn with_etag(file: Vec<u8>) -> Honest {
        Honest {
            file,
            validators: "etag: \"one\"\r\n".to_owned(),
            has_parts: true,
        }
    }

    /// The whole answer, and the length of its head.
    pub(super) fn answer(&self, ask: &Ask) -> (Vec<u8>, usize) {
        let from = ask.from().filter(|_| self.has_parts);
        let all = self.file.len();
        let head = match from {
            None => format!("HTTP/1.1 200 OK\r\ncontent-length: {all}\r\n"),
            Some(from) if from >= all => {
                let head = format!(
                    "HTTP/1.1 416 None\r\ncontent-range: bytes */{all}\r\ncontent-length: 0\r\n{}\r\n",
                    self.validators
                );
                return (head.clone().into_bytes(), head.len());
            }
            Some(from) => format!(
                "HTTP/1.1 206 Part\r\ncontent-range: bytes {from}-{}/{all}\r\ncontent-length: {}\r\n",
                all - 1,
                all - from
            ),
        };
        let head = format!("{head}{}connection: close\r\n\r\n", self.validators);
        let body = &self.file[from.unwrap_or_default()..];
        ([head.as_bytes(), body].concat(), head.len())
    }

    /// The answer, cut off after this many bytes of its body.
    pub(super) fn cut(&self, ask: &Ask, body_bytes: usize) -> (Vec<u8>, Then) {
        let (mut answer, head) = self.answer(ask);
        answer.truncate(head + body_bytes);
        (answer, Then::Close)
    }

    pub(super) fn whole(&self, ask: &Ask) -> (Vec<u8>, Then) {
        (self.answer(ask).0, Then::Close)
    }
}
