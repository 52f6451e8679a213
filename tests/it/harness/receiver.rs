//! A service that is told about runs: it keeps all requests, and reacts as the test says.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::listener::Listener;

/// The part of the path that makes every address a secret.
const SECRET: &str = "canary-address-91c4";

/// A request that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// Counted from 1.
    pub(crate) number: usize,
    /// The method, and what follows the secret in the path, as in `GET /start`.
    pub(crate) what: String,
    /// The head of the request.
    pub(crate) head: String,
    pub(crate) body: String,
}

/// The reaction to a request. The connection is closed after it.
pub(crate) enum Reaction {
    /// An answer without a body; the text begins with the status.
    Answer(String),
    /// No answer, until the client hangs up.
    Silence,
    /// No answer: the connection is closed.
    HangUp,
}

/// Reacts until it is dropped.
pub(crate) struct Receiver {
    listener: Listener,
    shared: Arc<Shared>,
}

struct Shared {
    script: Box<dyn Fn(&Received) -> Reaction + Send + Sync>,
    received: Mutex<Vec<Received>>,
}

impl Reaction {
    /// An answer of this status.
    pub(crate) fn status(status: u16) -> Reaction {
        Reaction::Answer(format!("{status} As Scripted"))
    }

    /// A redirect to this address.
    pub(crate) fn redirect(to: &str) -> Reaction {
        Reaction::Answer(format!("307 As Scripted\r\nlocation: {to}"))
    }
}

impl Received {
    /// The body, which is JSON.
    pub(crate) fn json(&self) -> Value {
        assert!(
            self.head
                .to_lowercase()
                .contains("content-type: application/json"),
            "{}",
            self.head
        );
        serde_json::from_str(&self.body).expect("the body is JSON")
    }
}

impl Receiver {
    /// Listens on a free port of this machine.
    pub(crate) fn start(
        script: impl Fn(&Received) -> Reaction + Send + Sync + 'static,
    ) -> Receiver {
        let shared = Arc::new(Shared {
            script: Box::new(script),
            received: Mutex::default(),
        });
        let listener = Listener::start({
            let shared = Arc::clone(&shared);
            move |stream| serve(stream, &shared)
        });
        Receiver { listener, shared }
    }

    /// Accepts everything.
    pub(crate) fn good() -> Receiver {
        Receiver::start(|_| Reaction::status(200))
    }

    /// The address, with a secret in it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/{SECRET}", self.listener.address())
    }

    /// Host and port.
    pub(crate) fn host(&self) -> String {
        self.listener.address().to_string()
    }

    /// The part of the address that is a secret.
    pub(crate) fn secret() -> &'static str {
        SECRET
    }

    /// The requests so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// The requests so far, in short.
    pub(crate) fn heard(&self) -> Vec<String> {
        let received = self.received().into_iter();
        received.map(|received| received.what).collect()
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        match reader.read_line(&mut line)? {
            0 => return Ok(()),
            2 => break,
            _ => {}
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().expect("a length");
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let line = head.lines().next().expect("a request line");
    let what = line
        .trim_end_matches(" HTTP/1.1")
        .replace(&format!("/{SECRET}"), "");
    let received = {
        let mut all = shared.received.lock().unwrap();
        let received = Received {
            number: all.len() + 1,
            what: what.trim_end().to_owned(),
            head: head.clone(),
            body: String::from_utf8(body).expect("the body is UTF-8"),
        };
        all.push(received.clone());
        received
    };
    match (shared.script)(&received) {
        Reaction::Answer(head) => {
            let answer =
                format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes())
        }
        Reaction::Silence => io::copy(&mut reader, &mut io::sink()).map(drop),
        Reaction::HangUp => Ok(()),
    }
}
