//! TLS in front of a server, with certificates of every kind, and servers that do not speak TLS.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::thread::{self, JoinHandle};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio_rustls::TlsAcceptor;

/// The years in which a certificate is valid, has expired, or is not yet valid.
pub(crate) const VALID: [i32; 2] = [2000, 4000];
pub(crate) const EXPIRED: [i32; 2] = [2000, 2001];
pub(crate) const NOT_YET_VALID: [i32; 2] = [3999, 4000];

/// A certificate authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// The behaviour of the server's end of a new connection.
#[derive(Clone)]
pub(crate) enum Presents {
    /// Speaks TLS, and forwards the data to the server.
    Certificate(Arc<ServerConfig>),
    /// Answers the client's first bytes with these, and closes the connection.
    Bytes(&'static [u8]),
}

/// A TLS front for a server, until it is dropped.
pub(crate) struct TlsFront {
    address: SocketAddr,
    presents: Arc<Mutex<Presents>>,
    /// The number of connections.
    connections: Arc<AtomicU32>,
    /// Closes connections that were made before the last change.
    changes: watch::Sender<()>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Authority {
    /// A new authority with a name of its own.
    pub(crate) fn new() -> Authority {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        Authority::named(&format!(
            "Authority {}",
            NUMBER.fetch_add(1, Ordering::Relaxed)
        ))
    }

    pub(crate) fn named(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// The authority's certificate in PEM, for `--ca-file`.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// Presents a certificate for this host, valid in these years and signed by the authority.
    pub(crate) fn certificate(&self, host: &str, years: [i32; 2]) -> Presents {
        let key = KeyPair::generate().unwrap();
        let certificate = params(host, years).signed_by(&key, &self.0).unwrap();
        presents(certificate.der().clone(), &key)
    }

    /// Presents the authority's own certificate.
    pub(crate) fn own_certificate(&self) -> Presents {
        presents(self.0.der().clone(), self.0.key())
    }
}

impl Presents {
    /// The same for a server that speaks HTTP/1.1 only.
    pub(crate) fn without_http2(self) -> Presents {
        match self {
            Presents::Certificate(config) => {
                let mut config = ServerConfig::clone(&config);
                config.alpn_protocols = vec![b"http/1.1".to_vec()];
                Presents::Certificate(Arc::new(config))
            }
            bytes @ Presents::Bytes(_) => bytes,
        }
    }
}

/// Presents a self-signed certificate.
pub(crate) fn self_signed(host: &str) -> Presents {
    let key = KeyPair::generate().unwrap();
    let certificate = params(host, VALID).self_signed(&key).unwrap();
    presents(certificate.der().clone(), &key)
}

fn params(host: &str, [from, until]: [i32; 2]) -> CertificateParams {
    let mut params = CertificateParams::new([host.to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
    params
}

fn presents(certificate: CertificateDer<'static>, key: &KeyPair) -> Presents {
    install_provider();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key);
    let mut config = config.unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Presents::Certificate(Arc::new(config))
}

impl Presents {
    /// Presents a certificate, and requires one of this authority from the client.
    pub(crate) fn to_clients_of(authority: &Authority, host: &str) -> Presents {
        install_provider();
        let key = KeyPair::generate().unwrap();
        let certificate = params(host, VALID).signed_by(&key, &authority.0).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority.0.der().clone()).unwrap();
        let verifier = rustls::server::WebPkiClientVerifier::builder(Arc::new(roots))
            .build()
            .unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder().with_client_cert_verifier(verifier);
        Presents::Certificate(Arc::new(
            config
                .with_single_cert(vec![certificate.der().clone()], key)
                .unwrap(),
        ))
    }
}

fn install_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
    });
}

impl TlsFront {
    /// Listens on a free port, and forwards to `server`.
    pub(crate) fn start(server: SocketAddr, presents: Presents) -> TlsFront {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let presents = Arc::new(Mutex::new(presents));
        let connections = Arc::new(AtomicU32::new(0));
        let (changes, (stop, stopped)) = (watch::Sender::new(()), oneshot::channel());
        let thread = thread::spawn({
            let (presents, connections, changes) = (
                Arc::clone(&presents),
                Arc::clone(&connections),
                changes.clone(),
            );
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async move {
                    let listener = TcpListener::from_std(listener).unwrap();
                    tokio::select! {
                        () = accept(&listener, server, &presents, &connections, &changes) => {}
                        _ = stopped => {}
                    }
                });
            }
        });
        TlsFront {
            address,
            presents,
            connections,
            changes,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of connections so far.
    pub(crate) fn connections(&self) -> u32 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Behaves like this towards new connections, and closes all others.
    pub(crate) fn present(&self, presents: Presents) {
        *self.presents.lock().unwrap() = presents;
        self.changes.send_replace(());
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().map(JoinHandle::join);
    }
}

async fn accept(
    listener: &TcpListener,
    server: SocketAddr,
    presents: &Mutex<Presents>,
    connections: &AtomicU32,
    changes: &watch::Sender<()>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        connections.fetch_add(1, Ordering::Relaxed);
        let (presents, mut changes) = (presents.lock().unwrap().clone(), changes.subscribe());
        tokio::spawn(async move {
            tokio::select! {
                // The client may hang up early, which is part of some tests.
                _ = serve(stream, server, presents) => {}
                _ = changes.changed() => {}
            }
        });
    }
}

async fn serve(
    mut stream: TcpStream,
    server: SocketAddr,
    presents: Presents,
) -> std::io::Result<()> {
    match presents {
        Presents::Certificate(config) => {
            let mut stream = TlsAcceptor::from(config).accept(stream).await?;
            let mut server = TcpStream::connect(server).await?;
            copy_bidirectional(&mut stream, &mut server).await?;
        }
        Presents::Bytes(bytes) => {
            let mut hello = vec![0; 16 << 10];
            if stream.read(&mut hello).await? == 0 {
                return Ok(());
            }
            stream.write_all(bytes).await?;
            stream.shutdown().await?;
            // Closing a socket with unread data resets it and loses the answer.
            while stream.read(&mut hello).await? > 0 {}
        }
    }
    Ok(())
}
