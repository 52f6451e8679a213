//! A double of object storage: objects under `/bucket/key`, as S3 and Google have them, and under
//! `/devstoreaccount1/container/key`, as Azure's emulator has them. A test's script breaks the answers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use super::listener::Listener;

/// The id of the key that requests are signed with, and its secret.
pub(crate) const KEY_ID: &str = "AKIAEXAMPLEOFATEST00";
pub(crate) const KEY: &str = "canary-secret-access-key-77c1";
/// The path of Azure's emulator before a container.
const EMULATOR: &str = "/devstoreaccount1";
/// The namespace of Azure's headers and the longest list of one answer.
const PAGE: usize = 3;

/// A request for an object.
#[derive(Debug, Clone)]
pub(crate) struct ObjectRequest {
    /// Counted from 1 over all connections.
    pub(crate) number: usize,
    pub(crate) method: String,
    /// Bucket and key, decoded.
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    headers: Vec<(String, String)>,
}

/// A fault in the answer to a request.
#[derive(Debug, Clone)]
pub(crate) enum Broken {
    /// The connection breaks after this many bytes of the body.
    After(usize),
    /// Nothing comes after this many bytes, until the client hangs up.
    Silent(usize),
    /// This status, the provider's code, and more lines of the head.
    Status(u16, &'static str, &'static str),
}

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) bytes: Vec<u8>,
    pub(crate) etag: String,
    pub(crate) media_type: String,
}

/// The state of the store.
#[derive(Default)]
pub(crate) struct Store {
    /// Objects by bucket and key.
    pub(crate) objects: BTreeMap<String, Stored>,
    /// Uploads in parts that have not ended.
    pub(crate) uploads: BTreeMap<String, BTreeMap<u32, Vec<u8>>>,
    requests: Vec<ObjectRequest>,
    written: usize,
}

/// Answers until it is dropped.
pub(crate) struct ObjectServer {
    listener: Listener,
    store: Arc<Mutex<Store>>,
}

type Script = dyn Fn(&ObjectRequest, &mut Store) -> Option<Broken> + Send + Sync;

/// A whole answer.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl ObjectRequest {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let (_, value) = headers.find(|(found, _)| found == name)?;
        Some(value)
    }

    /// The first byte that is asked for.
    pub(crate) fn from(&self) -> usize {
        let range = self.header("range").unwrap_or("bytes=0-");
        let from = range.strip_prefix("bytes=").unwrap().strip_suffix('-');
        from.unwrap().parse().unwrap()
    }

    fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }
}

impl Store {
    /// Writes an object, which has a new tag.
    pub(crate) fn write(&mut self, path: &str, bytes: impl AsRef<[u8]>) {
        self.write_as(path, bytes.as_ref().to_vec(), String::new());
    }

    fn write_as(&mut self, path: &str, bytes: Vec<u8>, media_type: String) {
        self.written += 1;
        let etag = format!("\"tag-{}\"", self.written);
        let object = Stored {
            bytes,
            etag,
            media_type,
        };
        self.objects.insert(path.to_owned(), object);
    }

    fn answer(&mut self, request: &ObjectRequest, body: Vec<u8>) -> Answer {
        let upload = request.query("uploadId").map(str::to_owned);
        match (request.method.as_str(), upload) {
            ("GET", _) if !request.path.contains('/') => self.list(request),
            ("GET", _) => self.get(request),
            ("PUT", Some(upload)) => {
                let number = request.query("partNumber").unwrap().parse().unwrap();
                let Some(parts) = self.uploads.get_mut(&upload) else {
                    return Answer::error(404, "NoSuchUpload", "");
                };
                parts.insert(number, body);
                Answer::new(200, format!("etag: \"part-{number}\"\r\n"), Vec::new())
            }
            ("PUT", None) => {
                let media_type = request
                    .header("content-type")
                    .unwrap_or_default()
                    .to_owned();
                self.write_as(&request.path, body, media_type);
                let etag = &self.objects[&request.path].etag;
                // Azure's answer names a time.
                let modified = "last-modified: Sun, 29 Nov 2026 12:00:00 GMT";
                Answer::new(201, format!("etag: {etag}\r\n{modified}\r\n"), Vec::new())
            }
            ("POST", None) if request.query("uploads").is_some() => {
                let id = format!("upload-{}", self.written);
                self.uploads.insert(id.clone(), BTreeMap::new());
                let body = format!(
                    "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                );
                Answer::new(200, String::new(), body.into_bytes())
            }
            ("POST", Some(upload)) => {
                let parts = self.uploads.remove(&upload).unwrap();
                let whole: Vec<u8> = parts.into_values().flatten().collect();
                self.write_as(&request.path, whole, String::new());
                let etag = &self.objects[&request.path].etag;
                let body = format!(
                    "<CompleteMultipartUploadResult><ETag>{etag}</ETag></CompleteMultipartUploadResult>"
                );
                Answer::new(200, String::new(), body.into_bytes())
            }
            ("DELETE", Some(upload)) => {
                self.uploads.remove(&upload);
                Answer::new(204, String::new(), Vec::new())
            }
            _ => Answer::error(405, "MethodNotAllowed", ""),
        }
    }

    fn get(&self, request: &ObjectRequest) -> Answer {
        let Some(object) = self.objects.get(&request.path) else {
            return Answer::error(404, "NoSuchKey", "");
        };
        if (request.header("if-match")).is_some_and(|tag| tag != object.etag) {
            return Answer::error(412, "PreconditionFailed", "");
        }
        let (from, all) = (request.from(), object.bytes.len());
        let mut head = format!(
            "etag: {}\r\nlast-modified: Sun, 29 Nov 2026 12:00:00 GMT\r\n",
            object.etag
        );
        if request.header("range").is_none() {
            return Answer::new(200, head, object.bytes.clone());
        }
        if from >= all {
            return Answer::new(416, format!("content-range: bytes */{all}\r\n"), Vec::new());
        }
        write!(head, "content-range: bytes {from}-{}/{all}\r\n", all - 1).unwrap();
        Answer::new(206, head, object.bytes[from..].to_vec())
    }

    /// Lists a few objects at a time.
    fn list(&self, request: &ObjectRequest) -> Answer {
        let bucket = format!("{}/", request.path);
        let prefix = request.query("prefix").unwrap_or_default();
        let after = request.query("continuation-token").unwrap_or_default();
        let mut entries: Vec<String> = Vec::new();
        for key in self
            .objects
            .keys()
            .filter_map(|key| key.strip_prefix(&bucket))
        {
            let Some(rest) = key.strip_prefix(prefix) else {
                continue;
            };
            let folder = rest
                .find('/')
                .filter(|_| request.query("delimiter").is_some());
            let entry = folder.map_or(key, |at| &key[..=prefix.len() + at]);
            if entry > after && entries.last().is_none_or(|last| last != entry) {
                entries.push(entry.to_owned());
            }
        }
        let is_truncated = entries.len() > PAGE;
        entries.truncate(PAGE);
        let mut body = String::from("<ListBucketResult>");
        for entry in &entries {
            let shown = entry.replace('&', "&amp;").replace('<', "&lt;");
            match self.objects.get(&format!("{bucket}{entry}")) {
                Some(object) => write!(
                    body,
                    "<Contents><Key>{shown}</Key><Size>{}</Size><LastModified>2026-11-29T12:00:00.000Z</LastModified><ETag>{}</ETag></Contents>",
                    object.bytes.len(),
                    object.etag
                ),
                None => write!(body, "<CommonPrefixes><Prefix>{shown}</Prefix></CommonPrefixes>"),
            }
            .unwrap();
        }
        if let Some(last) = entries.last().filter(|_| is_truncated) {
            write!(
                body,
                "<NextContinuationToken>{last}</NextContinuationToken>"
            )
            .unwrap();
        }
        write!(
            body,
            "<IsTruncated>{is_truncated}</IsTruncated></ListBucketResult>"
        )
        .unwrap();
        Answer::new(200, String::new(), body.into_bytes())
    }
}

impl Answer {
    fn new(status: u16, head: String, body: Vec<u8>) -> Answer {
        Answer { status, head, body }
    }

    /// An error, whose words hold a secret that must not be shown.
    fn error(status: u16, code: &str, head: &str) -> Answer {
        let body = format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{KEY}</Message></Error>"
        );
        Answer::new(status, head.to_owned(), body.into_bytes())
    }
}

impl ObjectServer {
    /// Listens on a free port of this machine. The script sees each request before it is answered.
    pub(crate) fn start(
        script: impl Fn(&ObjectRequest, &mut Store) -> Option<Broken> + Send + Sync + 'static,
    ) -> ObjectServer {
        let store: Arc<Mutex<Store>> = Arc::default();
        let script: Box<Script> = Box::new(script);
        let listener = Listener::start({
            let store = Arc::clone(&store);
            move |stream| serve(stream, &store, &script)
        });
        ObjectServer { listener, store }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap()
    }

    /// Writes an object at `bucket/key`.
    pub(crate) fn with(self, path: &str, bytes: impl AsRef<[u8]>) -> ObjectServer {
        self.store().write(path, bytes);
        self
    }

    /// An object's bytes.
    pub(crate) fn object(&self, path: &str) -> Option<Vec<u8>> {
        let store = self.store();
        store.objects.get(path).map(|object| object.bytes.clone())
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<ObjectRequest> {
        self.store().requests.clone()
    }
}

fn serve(mut stream: TcpStream, store: &Mutex<Store>, script: &Script) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some((mut request, body)) = read(&mut reader)? {
        let (answer, broken) = {
            let mut store = store.lock().unwrap();
            request.number = store.requests.len() + 1;
            store.requests.push(request.clone());
            let broken = script(&request, &mut store);
            let answer = match &broken {
                _ if !is_signed(&request) => Answer::error(403, "AccessDenied", ""),
                Some(Broken::Status(status, code, head)) => Answer::error(*status, code, head),
                Some(Broken::After(_) | Broken::Silent(_)) | None => store.answer(&request, body),
            };
            (answer, broken)
        };
        let Answer { status, head, body } = answer;
        let head = format!(
            "HTTP/1.1 {status} S\r\ncontent-length: {}\r\n{head}\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        match broken {
            Some(Broken::After(bytes)) => {
                stream.write_all(&body[..bytes.min(body.len())])?;
                break;
            }
            Some(Broken::Silent(bytes)) => {
                stream.write_all(&body[..bytes.min(body.len())])?;
                io::copy(&mut reader, &mut io::sink())?;
                break;
            }
            Some(Broken::Status(..)) | None => stream.write_all(&body)?,
        }
    }
    stream.shutdown(Shutdown::Both)
}

/// Reads a request and its body. `None` at the end of the connection.
fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Option<(ObjectRequest, Vec<u8>)>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        match reader.read_line(&mut line)? {
            0 => return Ok(None),
            2 => break,
            _ => lines.push(line.trim_end().to_owned()),
        }
    }
    let mut words = lines[0].split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let url = url::Url::parse(&format!("http://store{target}")).unwrap();
    let path = percent_decoded(url.path());
    let path = path.strip_prefix(EMULATOR).unwrap_or(&path);
    let headers = lines[1..].iter().filter_map(|line| line.split_once(": "));
    let request = ObjectRequest {
        number: 0,
        method: method.to_owned(),
        path: path.trim_matches('/').to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers: headers
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect(),
    };
    let length = request.header("content-length").unwrap_or("0");
    let mut body = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut body)?;
    Ok(Some((request, body)))
}

fn percent_decoded(text: &str) -> String {
    // A form's plus sign is a space; in a path it is itself.
    let pair = format!("k={}", text.replace('+', "%2B").replace('&', "%26"));
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    pairs.next().unwrap().1.into_owned()
}

/// Whether a request is signed as its provider wants it. The signature itself is tested against a
/// real server.
fn is_signed(request: &ObjectRequest) -> bool {
    let authorization = request.header("authorization").unwrap_or_default();
    let of_s3 = format!("AWS4-HMAC-SHA256 Credential={KEY_ID}/");
    let is_of_s3 = authorization.starts_with(&of_s3)
        && authorization.contains("/s3/aws4_request, SignedHeaders=")
        && ["host;", "x-amz-content-sha256;x-amz-date,"]
            .iter()
            .all(|part| authorization.contains(part))
        && authorization.contains(", Signature=");
    is_of_s3
        || authorization.starts_with("Bearer canary-")
        || authorization.starts_with("SharedKey devstoreaccount1:")
}
