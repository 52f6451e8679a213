//! The script against the rules in Rust, on a real server.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::SecretString;

use super::super::RateStore;
use super::super::redis::{RedisOptions, RedisStore};
use crate::schedule::Random;
use crate::schedule::shared_rate::exchange::{Ask, SeenWindow, ToStore};
use crate::schedule::shared_rate::store::StoreState;

/// A Redis of its own, until it is dropped.
struct Server {
    process: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Server {
    /// Starts a server; `None` if it is not installed.
    #[expect(
        clippy::print_stderr,
        reason = "a test that tests nothing has to say so"
    )]
    fn start() -> Option<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        drop(listener);
        let directory = tempfile::tempdir().expect("a temporary directory");
        let started = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--requirepass", "canary", "--dir"])
            .arg(directory.path())
            .stdout(Stdio::null())
            .spawn();
        let Ok(process) = started else {
            eprintln!("not run: no redis-server");
            return None;
        };
        Some(Server {
            process,
            port,
            _directory: directory,
        })
    }

    fn store(&self, password: &str) -> RateStore {
        let options = RedisOptions {
            address: format!("redis://127.0.0.1:{}", self.port)
                .parse()
                .expect("a URL"),
            password: Some(SecretString::from(password)),
            key: "custsync:rate:test".to_owned(),
        };
        RateStore::Redis(Arc::new(RedisStore::new(options).expect("a good address")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn pick(random: &mut Random, n: u64) -> u64 {
    let picked = random.up_to(Duration::from_nanos(n.max(1) - 1));
    u64::try_from(picked.as_nanos()).expect("a small number")
}

fn any_ask(random: &mut Random) -> Ask {
    let chance = |random: &mut Random, one_in: u64| pick(random, one_in) == 0;
    let window = chance(random, 3).then(|| SeenWindow {
        remaining: pick(random, 50),
        spend_in_us: pick(random, 5_000_000),
        ends_in_us: pick(random, 8_000_000),
        late_us: pick(random, 3) * 500_000,
        age_us: pick(random, 3_000_000),
        is_spread: !chance(random, 4),
    });
    Ask {
        member: format!("{:02x}", pick(random, 5)),
        wants: pick(random, 5),
        interval_us: pick(random, 3) * 33_333,
        rate_is_auto: chance(random, 3),
        learned_us: pick(random, 3) * 77_777,
        fall_ppm: if chance(random, 6) { 900_000 } else { 0 },
        pause_us: if chance(random, 20) {
            pick(random, 2_000_000)
        } else {
            0
        },
        is_at_share: chance(random, 8),
        share: pick(random, 7),
        outstanding: pick(random, 4),
        window,
    }
}

/// The same state some time earlier, as if that time had passed since.
fn earlier(text: &str, by_us: u64) -> String {
    let mut state = StoreState::read(text).expect("the script writes a good state");
    state.move_back(by_us);
    state.text()
}

#[tokio::test]
async fn the_script_and_the_rules_agree() {
    let Some(server) = Server::start() else {
        return;
    };
    let store = server.store("canary");
    let begin = Instant::now();
    while store
        .exchange(ToStore::Leave("00".to_owned()))
        .await
        .is_err()
    {
        assert!(begin.elapsed() < Duration::from_secs(10), "it starts");
    }
    let RateStore::Redis(redis) = &store else {
        panic!("it is Redis")
    };
    let mut connection = redis
        .client
        .get_multiplexed_async_connection()
        .await
        .expect("up");
    for seed in 0..30 {
        let mut random = Random::seeded(seed);
        // An empty store, and one that was left alone for two minutes.
        redis::cmd("DEL")
            .arg(&redis.key)
            .exec_async(&mut connection)
            .await
            .expect("up");
        let mut known: Option<String> = None;
        for step in 0..60 {
            let message = if pick(&mut random, 15) == 0 {
                ToStore::Leave(format!("{:02x}", pick(&mut random, 5)))
            } else {
                ToStore::Ask(any_ask(&mut random))
            };
            let reply = store.exchange(message.clone()).await.expect("it answers");
            let get = redis::cmd("GET").arg(&redis.key).clone();
            let text: String = get.query_async(&mut connection).await.expect("there");
            let state = StoreState::read(&text).expect("the script writes a good state");
            let now = state.last();
            let mut model = match &known {
                None => StoreState::empty(now),
                Some(text) => StoreState::read(text).expect("read before"),
            };
            let expected = model.take(&message, now);
            assert_eq!(
                (&reply, &text),
                (&expected, &model.text()),
                "seed {seed}, step {step}"
            );
            // Time passes.
            let passed = match pick(&mut random, 4) {
                0 => 0,
                1 => pick(&mut random, 300_000),
                2 => pick(&mut random, 3_000_000),
                _ => pick(&mut random, 40_000_000),
            };
            let text = earlier(&text, passed);
            redis::cmd("SET")
                .arg(&redis.key)
                .arg(&text)
                .exec_async(&mut connection)
                .await
                .expect("up");
            known = Some(text);
        }
    }
}

#[tokio::test]
async fn a_wrong_password_and_a_foreign_key_are_said_without_the_password() {
    let Some(server) = Server::start() else {
        return;
    };
    let leave = || ToStore::Leave("00".to_owned());
    let good = server.store("canary");
    let begin = Instant::now();
    while good.exchange(leave()).await.is_err() {
        assert!(begin.elapsed() < Duration::from_secs(10), "it starts");
    }
    let error = server.store("canary2").exchange(leave()).await;
    let said = crate::text::with_causes(&error.expect_err("the password is wrong"));
    assert!(
        said.to_lowercase().contains("password") && !said.contains("canary"),
        "{said}"
    );
    let RateStore::Redis(redis) = &good else {
        panic!("it is Redis")
    };
    let mut connection = redis
        .client
        .get_multiplexed_async_connection()
        .await
        .expect("up");
    redis::cmd("SET")
        .arg(&redis.key)
        .arg("hello")
        .exec_async(&mut connection)
        .await
        .expect("up");
    let error = good
        .exchange(leave())
        .await
        .expect_err("the key is another's");
    let said = crate::text::with_causes(&error);
    assert!(said.contains("the key holds something else"), "{said}");
}
