//! A small HTTP server whose answers are scripted by the test.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use serde_json::{Map, Value, json};

/// A request that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Counted from 1 over all connections.
    pub(crate) number: usize,
    /// Method, path and version.
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
    /// The body as received.
    pub(crate) text: String,
}

/// The server's reaction to a request.
pub(crate) enum Reply {
    /// These bytes.
    Answer(Vec<u8>),
    /// Sends these bytes and closes the connection.
    CutOff(Vec<u8>),
    /// The test writes to the socket itself, and the connection is closed after that.
    Raw(Writing),
}

/// Writes to the socket itself.
type Writing = Box<dyn FnOnce(&mut TcpStream) -> io::Result<()>>;

/// Answers until it is dropped.
pub(crate) struct ScriptedServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

/// The requests that the script answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scripted {
    /// Updates. Reads show the customers as they were updated.
    Updates,
    /// All of them.
    Everything,
}

struct Shared {
    scripted: Scripted,
    script: Box<dyn Fn(&Request) -> Reply + Send + Sync>,
    requests: Mutex<Vec<Request>>,
    /// The fields applied to each customer, for reads.
    customers: Mutex<BTreeMap<u64, Map<String, Value>>>,
    connections: Mutex<Vec<TcpStream>>,
    is_over: AtomicBool,
}

impl Request {
    /// The customer that the path names.
    pub(crate) fn id(&self) -> u64 {
        let path = self
            .line
            .split(' ')
            .nth(1)
            .expect("a request line has a path");
        path.rsplit('/')
            .next()
            .and_then(|id| id.parse().ok())
            .expect("the path ends in an id")
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Reply {
    /// An answer with a body of this type; `headers` are lines, each with its line end.
    pub(crate) fn of(status: u16, headers: &str, content_type: &str, body: &[u8]) -> Reply {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} Scripted\r\n{headers}content-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
        );
        Reply::Answer([head.as_bytes(), body].concat())
    }

    /// An answer with a JSON body.
    pub(crate) fn json(status: u16, body: &Value) -> Reply {
        Reply::of(status, "", "application/json", body.to_string().as_bytes())
    }

    /// The answer to an update that was applied.
    pub(crate) fn updated() -> Reply {
        Reply::json(200, &json!({"success": "Customer updated", "data": {}}))
    }

    /// An answer in the API's documented shape of errors.
    pub(crate) fn error(status: u16, code: &str) -> Reply {
        Reply::json(status, &json!({"error": code, "message": "As scripted."}))
    }

    /// An answer that the test writes to the socket itself.
    pub(crate) fn raw(write: impl FnOnce(&mut TcpStream) -> io::Result<()> + 'static) -> Reply {
        Reply::Raw(Box::new(write))
    }

    /// No answer: the connection is closed.
    pub(crate) fn nothing() -> Reply {
        Reply::CutOff(Vec::new())
    }

    /// An answer that ends in the middle.
    pub(crate) fn cut_off() -> Reply {
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 400\r\n\r\n{\"success\"";
        Reply::CutOff(head.to_vec())
    }
}

impl ScriptedServer {
    /// Listens on a free port of this machine, and answers reads itself.
    pub(crate) fn start(
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> ScriptedServer {
        ScriptedServer::of(Scripted::Updates, script)
    }

    /// Listens on a free port of this machine.
    pub(crate) fn of(
        scripted: Scripted,
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> ScriptedServer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            scripted,
            script: Box::new(script),
            requests: Mutex::default(),
            customers: Mutex::default(),
            connections: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        ScriptedServer {
            address,
            shared,
            accepting: Some(accepting),
        }
    }

    /// The URL before the paths of requests.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// The requests so far, without reads that the server answers itself.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Shared {
    /// The script's answer to an update. If it says that the update was applied, reads show it.
    fn scripted(&self, request: &mut Request) -> Reply {
        {
            let mut requests = self.requests.lock().unwrap();
            request.number = requests.len() + 1;
            requests.push(request.clone());
        }
        let reply = (self.script)(request);
        let (Reply::Answer(bytes), Reply::Answer(updated), Value::Object(fields)) =
            (&reply, Reply::updated(), &request.body)
        else {
            return reply;
        };
        if *bytes != updated {
            return reply;
        }
        self.customers
            .lock()
            .unwrap()
            .entry(request.id())
            .or_default()
            .extend(fields.clone());
        self.shown(request.id())
    }

    /// A customer as the API shows it: some fields have other names than in the update.
    fn shown(&self, id: u64) -> Reply {
        let Some(mut shown) = self.customers.lock().unwrap().get(&id).cloned() else {
            return Reply::error(404, "not_found");
        };
        shown.insert("id".to_owned(), id.into());
        if let Some(user) = shown.remove("user_id") {
            shown.insert(
                "related_user".to_owned(),
                if user.is_null() {
                    user
                } else {
                    json!({"id": user})
                },
            );
        }
        if let Some(country) = shown.remove("country_id") {
            shown.insert(
                "country_name".to_owned(),
                if country.is_null() {
                    country
                } else {
                    format!("Land {country}").into()
                },
            );
        }
        Reply::json(200, &json!({"success": "Customer updated", "data": shown}))
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        for connection in self.shared.connections.lock().unwrap().iter() {
            connection.shutdown(Shutdown::Both).ok();
        }
        // A connection wakes the listener, so that it sees the end.
        TcpStream::connect(self.address).ok();
        self.accepting.take().map(JoinHandle::join);
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads = Vec::new();
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
        threads.push(thread::spawn(move || serve(stream, &shared)));
    }
    for thread in threads {
        thread.join().ok();
    }
}

/// Answers one connection's requests until either end closes it.
fn serve(mut stream: TcpStream, shared: &Shared) {
    let mut reader = BufReader::new(stream.try_clone().expect("a socket can be shared"));
    while let Ok(Some(mut request)) = read_request(&mut reader) {
        let is_read = request.line.starts_with("GET ");
        let reply = if is_read && shared.scripted == Scripted::Updates {
            shared.shown(request.id())
        } else {
            shared.scripted(&mut request)
        };
        let written = match reply {
            Reply::Answer(bytes) => stream.write_all(&bytes),
            Reply::CutOff(bytes) => {
                stream.write_all(&bytes).ok();
                break;
            }
            Reply::Raw(write) => {
                // The client may hang up early, which is part of some tests.
                write(&mut stream).ok();
                break;
            }
        };
        if written.is_err() {
            break;
        }
    }
    // A server that is being dropped has closed it already.
    stream.shutdown(Shutdown::Both).ok();
}

fn read_request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request {
        number: 0,
        line: line.trim_end().to_owned(),
        headers,
        body: Value::Null,
        text: String::new(),
    };
    let length = request
        .header("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    request.body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    request.text = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(request))
}
