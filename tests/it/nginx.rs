//! A real nginx that closes HTTP/2 connections with GOAWAY after a number of requests.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::harness::{Customers, Scenario};

/// An nginx that answers every update itself, until it is dropped.
struct Nginx {
    directory: TempDir,
    port: u16,
    process: Child,
}

impl Nginx {
    /// Starts nginx so that it closes connections after this many requests; `None` if it is not
    /// installed.
    #[expect(
        clippy::print_stderr,
        reason = "a test that tests nothing has to say so"
    )]
    fn start(keepalive_requests: u32) -> Option<Nginx> {
        if Command::new("nginx")
            .arg("-v")
            .stderr(Stdio::null())
            .status()
            .is_err()
        {
            eprintln!("nginx is not installed: not tested");
            return None;
        }
        let directory = tempfile::tempdir().expect("a temporary directory");
        // The port is free now. If another program takes it meanwhile, nginx ends at once, which
        // the test notices.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener
            .local_addr()
            .expect("a bound socket has an address")
            .port();
        drop(listener);
        let config = directory.path().join("nginx.conf");
        fs::write(
            &config,
            configuration(directory.path(), port, keepalive_requests),
        )
        .expect("the directory is ours");
        let mut process = Command::new("nginx")
            .args([Path::new("-p"), directory.path(), Path::new("-c"), &config])
            .stderr(Stdio::piped())
            .spawn()
            .expect("nginx starts");
        // At this log level it reports when its worker has started. Its output is read to the end,
        // so that it can keep writing.
        let mut said = BufReader::new(process.stderr.take().expect("it is piped"));
        let mut line = String::new();
        while said.read_line(&mut line).is_ok_and(|bytes| bytes > 0)
            && !line.contains("start worker process ")
        {
            line.clear();
        }
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        assert!(
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok(),
            "nginx does not listen: {line}"
        );
        Some(Nginx {
            directory,
            port,
            process,
        })
    }

    /// The requests in its log.
    fn requests(&self) -> usize {
        let log = fs::read_to_string(self.directory.path().join("access.log"))
            .expect("nginx writes a log");
        log.lines().filter(|line| line.starts_with("PUT ")).count()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its worker, which a kill would not.
        let pid = self.process.id().to_string();
        Command::new("kill").arg(pid).status().ok();
        self.process.wait().ok();
    }
}

fn configuration(directory: &Path, port: u16, keepalive_requests: u32) -> String {
    let directory = directory.display();
    format!(
        r#"worker_processes 1; daemon off; pid {directory}/pid; error_log stderr notice;
events {{ worker_connections 1024; }}
http {{
  log_format lines "$request"; access_log {directory}/access.log lines;
  client_body_temp_path {directory}/b; proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f;
  uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  server {{
    listen 127.0.0.1:{port} http2; keepalive_requests {keepalive_requests};
    location ~ ^/api/v1/customers/([0-9]+)$ {{
      default_type application/json;
      return 200 '{{"success":"Customer updated","data":{{"id":$1}}}}';
    }}
  }}
}}
"#
    )
}

#[test]
fn nginx_closes_connections_and_no_row_notices() {
    const ROWS: usize = 2_500;
    for keepalive_requests in [1, 10, 100, 1_000] {
        let Some(nginx) = Nginx::start(keepalive_requests) else {
            return;
        };
        let scenario = Scenario::new().csv(&Customers::good(ROWS, 17)).unlimited();
        let scenario = scenario.flags(["--http2", "--max-in-flight", "64"]);
        let scenario = scenario.server_at(&format!("http://127.0.0.1:{}/api", nginx.port));
        let end = scenario.run([]).exits(0).counts([ROWS as u64, 0, 0, 0, 0]);
        end.results().settle_each_of(ROWS);
        end.is_nowhere("ambiguous");
        let sending = &end.summary()["sending"];
        assert_eq!(
            (&sending["outages"], &sending["controls"]),
            (&0.into(), &0.into()),
            "{sending}"
        );
        assert_eq!(nginx.requests(), ROWS, "each update is processed once");
    }
}
