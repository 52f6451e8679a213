//! A server of a file, whose answers are scripted by the test.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::listener::Listener;

/// The secret in the query of every address.
pub(crate) const SIGNATURE: &str = "canary-signature-5e1d";

/// A request for the file.
#[derive(Debug, Clone)]
pub(crate) struct FileRequest {
    /// Counted from 1 over all connections.
    pub(crate) number: usize,
    /// The request line.
    pub(crate) line: String,
    /// Lines of headers, with names in lower case.
    headers: Vec<(String, String)>,
}

/// The server's reaction to a request. Its connection is closed after it.
pub(crate) enum FileReply {
    Bytes(Vec<u8>),
    /// These bytes, and then nothing until the client hangs up.
    Hang(Vec<u8>),
    /// These bytes one by one.
    Slowly(Vec<u8>),
    /// These bytes again and again, until the client hangs up.
    Endless(Vec<u8>),
}

/// Answers until it is dropped.
pub(crate) struct FileServer {
    listener: Listener,
    shared: Arc<Shared>,
}

struct Shared {
    script: Box<dyn Fn(&FileRequest) -> FileReply + Send + Sync>,
    requests: Mutex<Vec<FileRequest>>,
}

/// A file as a server presents it.
#[derive(Debug, Clone)]
pub(crate) struct ServedFile {
    pub(crate) bytes: Vec<u8>,
    /// Its entity tag, with its quotes.
    pub(crate) etag: Option<&'static str>,
    pub(crate) has_ranges: bool,
    /// More lines of the head, each with its line end.
    pub(crate) headers: &'static str,
}

impl FileRequest {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// The first byte that is asked for.
    pub(crate) fn from(&self) -> usize {
        let range = self.header("range").unwrap_or("bytes=0-");
        let from = range.strip_prefix("bytes=").unwrap().strip_suffix('-');
        from.unwrap().parse().unwrap()
    }
}

impl FileReply {
    /// An answer without a body; `head` begins with the status.
    pub(crate) fn status(head: &str) -> FileReply {
        let answer = format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        FileReply::Bytes(answer.into_bytes())
    }

    /// A redirect to this address.
    pub(crate) fn redirect(to: &str) -> FileReply {
        FileReply::status(&format!("302 Found\r\nlocation: {to}"))
    }
}

impl ServedFile {
    /// A file with a strong tag, of which parts can be read.
    pub(crate) fn new(bytes: impl AsRef<[u8]>) -> ServedFile {
        ServedFile {
            bytes: bytes.as_ref().to_vec(),
            etag: Some("\"one\""),
            has_ranges: true,
            headers: "",
        }
    }

    /// The head and the body of the answer.
    fn answer(&self, request: &FileRequest) -> (String, &[u8]) {
        let (from, all) = (request.from(), self.bytes.len());
        let body = if self.has_ranges {
            &self.bytes[from..]
        } else {
            &self.bytes
        };
        let status = if self.has_ranges && from > 0 {
            format!("206 Part\r\ncontent-range: bytes {from}-{}/{all}", all - 1)
        } else {
            "200 OK".to_owned()
        };
        let etag = self.etag.map(|etag| format!("etag: {etag}\r\n"));
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{}{}connection: close\r\n\r\n",
            body.len(),
            etag.unwrap_or_default(),
            self.headers
        );
        (head, body)
    }

    /// The answer to a request.
    pub(crate) fn whole(&self, request: &FileRequest) -> FileReply {
        self.first(request, usize::MAX)
    }

    /// The answer, of which the connection breaks after this many bytes of the body.
    pub(crate) fn first(&self, request: &FileRequest, bytes: usize) -> FileReply {
        let (head, body) = self.answer(request);
        let body = &body[..bytes.min(body.len())];
        FileReply::Bytes([head.as_bytes(), body].concat())
    }

    /// The answer, of which nothing comes after this many bytes of the body.
    pub(crate) fn hanging_after(&self, request: &FileRequest, bytes: usize) -> FileReply {
        let (head, body) = self.answer(request);
        FileReply::Hang([head.as_bytes(), &body[..bytes]].concat())
    }
}

impl FileServer {
    /// Listens on a free port of this machine.
    pub(crate) fn start(
        script: impl Fn(&FileRequest) -> FileReply + Send + Sync + 'static,
    ) -> FileServer {
        let shared = Arc::new(Shared {
            script: Box::new(script),
            requests: Mutex::default(),
        });
        let listener = Listener::start({
            let shared = Arc::clone(&shared);
            move |stream| serve(stream, &shared)
        });
        FileServer { listener, shared }
    }

    /// Serves this file.
    pub(crate) fn of(file: ServedFile) -> FileServer {
        FileServer::start(move |request| file.whole(request))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The address of a file of this name, with a secret in it.
    pub(crate) fn url(&self, name: &str) -> String {
        format!(
            "http://{}/exports/{name}?sig={SIGNATURE}",
            self.listener.address()
        )
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<FileRequest> {
        self.shared.requests.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        match reader.read_line(&mut line)? {
            0 => return Ok(()),
            2 => break,
            _ => head.push(line.trim_end().to_owned()),
        }
    }
    let headers = head[1..].iter().filter_map(|line| line.split_once(": "));
    let request = {
        let mut requests = shared.requests.lock().unwrap();
        let request = FileRequest {
            number: requests.len() + 1,
            line: head[0].clone(),
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
        };
        requests.push(request.clone());
        request
    };
    match (shared.script)(&request) {
        FileReply::Bytes(bytes) => stream.write_all(&bytes)?,
        FileReply::Hang(bytes) => {
            stream.write_all(&bytes)?;
            io::copy(&mut reader, &mut io::sink())?;
        }
        FileReply::Slowly(bytes) => {
            stream.set_nodelay(true)?;
            for byte in bytes {
                stream.write_all(&[byte])?;
                thread::yield_now();
            }
        }
        FileReply::Endless(bytes) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nid,job\n1,\"")?;
            loop {
                stream.write_all(&bytes)?;
            }
        }
    }
    stream.shutdown(Shutdown::Both)
}
