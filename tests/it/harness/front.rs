//! A front of the sandbox: it passes requests on, and changes some of the answers.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::listener::Listener;

/// An answer that comes through the front.
#[derive(Debug, Clone)]
pub(crate) struct FrontAnswer {
    pub(crate) status: u16,
    /// Lines of headers, each with its line end.
    pub(crate) headers: String,
    pub(crate) body: String,
}

/// Passes requests on until it is dropped. Each has a connection of its own.
pub(crate) struct Front {
    listener: Listener,
    shared: Arc<Shared>,
}

/// Changes an answer to a request, which is named by its method and path.
type Change = dyn Fn(&str, FrontAnswer) -> FrontAnswer + Send + Sync;

struct Shared {
    server: SocketAddr,
    change: Box<Change>,
    /// The requests so far, as in `GET /api/v1/customers/7`.
    requests: Mutex<Vec<String>>,
}

impl FrontAnswer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("the sandbox answers JSON")
    }

    /// This answer with another body.
    pub(crate) fn with_json(self, body: &Value) -> FrontAnswer {
        let body = body.to_string();
        FrontAnswer { body, ..self }
    }

    /// Another answer, in the shape of the API's errors.
    pub(crate) fn error(status: u16, headers: &str) -> FrontAnswer {
        FrontAnswer {
            status,
            headers: format!("content-type: application/json\r\n{headers}"),
            body: r#"{"error":"scripted","message":"As scripted."}"#.to_owned(),
        }
    }
}

impl Front {
    /// Listens on a free port of this machine. `change` gets each request, as in
    /// `GET /api/v1/customers/7`, and the server's answer.
    pub(crate) fn start(
        server: SocketAddr,
        change: impl Fn(&str, FrontAnswer) -> FrontAnswer + Send + Sync + 'static,
    ) -> Front {
        let shared = Arc::new(Shared {
            server,
            change: Box::new(change),
            requests: Mutex::default(),
        });
        let listener = Listener::start({
            let shared = Arc::clone(&shared);
            move |stream| serve(stream, &shared)
        });
        Front { listener, shared }
    }

    /// The URL before the paths of requests.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/api", self.listener.address())
    }

    /// The requests so far, as in `GET /api/v1/customers/7`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }
}

/// Passes one request on, and answers it.
fn serve(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let request: Vec<_> = head.split(' ').take(2).collect();
    let request = request.join(" ");
    shared.requests.lock().unwrap().push(request.clone());
    let answer = (shared.change)(&request, asked(shared.server, &head, &body)?);
    let FrontAnswer {
        status,
        headers,
        body,
    } = answer;
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} Passed\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    client.write_all(answer.as_bytes())?;
    client.shutdown(Shutdown::Both)
}

/// Asks the server.
fn asked(server: SocketAddr, head: &str, body: &[u8]) -> io::Result<FrontAnswer> {
    let mut stream = TcpStream::connect(server)?;
    stream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes())?;
    stream.write_all(body)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok());
    let is_kept = |line: &&str| {
        let line = line.to_ascii_lowercase();
        !line.starts_with("content-length:") && !line.starts_with("connection:")
    };
    let headers = lines.filter(is_kept);
    Ok(FrontAnswer {
        status: status.ok_or(io::ErrorKind::InvalidData)?,
        headers: headers.flat_map(|line| [line, "\r\n"]).collect(),
        body: body.to_owned(),
    })
}
