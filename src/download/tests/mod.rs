//! Downloads from servers that break their promises.

#![allow(
    clippy::indexing_slicing,
    reason = "a test that panics has failed, which is its purpose"
)]

mod server;

use std::ffi::OsStr;
use std::io::{self, Read as _};
use std::time::Duration;

use self::server::{Ask, Honest, Server, Then};
use super::DownloadFault as Fault;
use super::{Address, Download, DownloadFault, DownloadOptions};
use crate::schedule::Random;

const ETAG: &str = "etag: \"one\"\r\n";

/// A status with headers, and whether a fault is the one for it.
type Meaning = (&'static str, fn(&Fault) -> bool);

fn options() -> DownloadOptions {
    DownloadOptions {
        wait_max: Duration::from_millis(400),
        idle_max: Duration::from_millis(200),
        ..DownloadOptions::default()
    }
}

fn open(url: &str) -> Result<Download, DownloadFault> {
    let address = Address::of_argument(OsStr::new(url)).expect("an address");
    Download::open(&address.expect("a good address"), &options())
}

/// Reads a file to its end.
fn read(url: &str) -> Result<Vec<u8>, DownloadFault> {
    let fault = |error: io::Error| error.downcast::<DownloadFault>().expect("our own fault");
    let mut bytes = Vec::new();
    open(url)?.read_to_end(&mut bytes).map_err(fault)?;
    Ok(bytes)
}

fn rows(bytes: usize) -> Vec<u8> {
    let rows = (1_u32..).flat_map(|id| format!("{id},job {id}\n").into_bytes());
    rows.take(bytes).collect()
}

/// Serves by `script`, and returns what is read and the requests.
fn served(
    script: impl Fn(&Ask) -> (Vec<u8>, Then) + Send + Sync + 'static,
) -> (Result<Vec<u8>, DownloadFault>, Vec<Ask>) {
    let server = Server::start(script);
    let read = read(&server.url());
    (read, server.asked())
}

#[test]
fn a_file_is_the_same_wherever_its_connections_break() {
    for seed in 0..200 {
        let mut random = Random::seeded(seed);
        let mut below = |limit: u64| usize::try_from(random.next_u64() % limit).expect("small");
        let file = rows(below(100_000));
        let validators = [
            "etag: \"one\"\r\n",
            "etag: W/\"one\"\r\n",
            "",
            "last-modified: Sun, 29 Nov 2020 12:00:00 GMT\r\ndate: Sun, 29 Nov 2026 12:00:00 GMT\r\n",
        ][below(4)];
        let honest = Honest {
            file: file.clone(),
            validators: validators.to_owned(),
            has_parts: below(2) == 0,
        };
        // Without parts, each attempt has to come farther than the one before.
        let cuts: Vec<usize> = (1..=below(6)).map(|_| below(30_000)).collect();
        let farther = cuts.clone().into_iter().scan(0, |all, cut| {
            *all += cut + 1;
            Some(*all)
        });
        let farther: Vec<usize> = farther.collect();
        let script = honest.clone();
        let (read, asked) = served(move |ask| {
            let of_part = ask.from().is_some() && script.has_parts;
            let cuts = if of_part { &cuts } else { &farther };
            match cuts.get(ask.number - 1) {
                Some(cut) => script.cut(ask, *cut),
                None => script.whole(ask),
            }
        });
        // The files are too long to be shown.
        let is_same = read.expect("it can be read") == file;
        let Honest { has_parts, .. } = honest;
        assert!(is_same, "{seed}: {validators:?}, {has_parts}");
        let is_asked_for_parts = asked.iter().skip(1).any(|ask| ask.from().is_some());
        let can_be = validators.contains("\"one\"") && !validators.contains("W/")
            || validators.contains("last-modified");
        assert!(can_be || !is_asked_for_parts, "{seed}");
    }
}

#[test]
fn the_rest_is_asked_for_by_the_validator() {
    let honest = Honest::with_etag(rows(1000));
    let (read, asked) = served({
        let honest = honest.clone();
        move |ask| match ask.number {
            1 => honest.cut(ask, 400),
            _ => honest.whole(ask),
        }
    });
    assert_eq!(read.expect("it can be read"), honest.file);
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].header("range"), None);
    assert_eq!(asked[0].header("accept-encoding"), Some("identity"));
    assert_eq!(asked[1].header("range"), Some("bytes=400-"));
    assert_eq!(asked[1].header("if-range"), Some("\"one\""));
    assert!(asked[1].head.starts_with("get /customers.csv?sig=canary "));
}

/// Serves 400 of 1,000 bytes, and then by `second`.
fn after_a_break(
    validators: &str,
    second: impl Fn(&Honest, &Ask) -> (Vec<u8>, Then) + Send + Sync + 'static,
) -> (Result<Vec<u8>, DownloadFault>, Vec<Ask>) {
    let honest = Honest {
        validators: validators.to_owned(),
        ..Honest::with_etag(rows(1000))
    };
    served(move |ask| match ask.number {
        1 => honest.cut(ask, 400),
        _ => second(&honest, ask),
    })
}

#[test]
fn another_file_is_never_joined_to_the_first() {
    let is_replaced = |name: &str, (read, _): (Result<Vec<u8>, DownloadFault>, Vec<Ask>)| {
        assert!(
            matches!(read, Err(DownloadFault::Replaced)),
            "{name}: {read:?}"
        );
    };
    let other = |change: fn(&mut Honest)| {
        move |honest: &Honest, ask: &Ask| {
            let mut other = honest.clone();
            change(&mut other);
            other.whole(ask)
        }
    };
    is_replaced(
        "another tag, whole",
        after_a_break(
            ETAG,
            other(|file| {
                file.validators = "etag: \"two\"\r\n".to_owned();
                file.has_parts = false;
            }),
        ),
    );
    is_replaced(
        "another tag, in spite of If-Range",
        after_a_break(
            ETAG,
            other(|file| file.validators = "etag: \"two\"\r\n".to_owned()),
        ),
    );
    is_replaced(
        "no tag, whole",
        after_a_break(
            ETAG,
            other(|file| {
                file.validators = String::new();
                file.has_parts = false;
            }),
        ),
    );
    is_replaced(
        "another length",
        after_a_break(ETAG, other(|file| file.file.push(b'x'))),
    );
    is_replaced(
        "shorter than what was read",
        after_a_break(ETAG, other(|file| file.file.truncate(300))),
    );
    is_replaced(
        "another weak tag",
        after_a_break(
            "etag: W/\"one\"\r\n",
            other(|file| {
                file.validators = "etag: W/\"two\"\r\n".to_owned();
            }),
        ),
    );
    is_replaced(
        "other bytes",
        after_a_break("", other(|file| file.file[399] = b'#')),
    );
    is_replaced(
        "other bytes under the same tag",
        after_a_break(
            ETAG,
            other(|file| {
                file.file[0] = b'#';
                file.has_parts = false;
            }),
        ),
    );
    is_replaced(
        "shorter, of unknown length",
        after_a_break("", |honest, _| {
            let body = &honest.file[..300];
            (
                [b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", body].concat(),
                Then::Close,
            )
        }),
    );
}

#[test]
fn a_server_that_lies_about_parts_is_asked_for_the_whole_file() {
    for range in [
        "bytes 0-999/1000",
        "bytes 400-999",
        "bytes 999-400/1000",
        "lines 4-9/10",
        "",
    ] {
        let (read, asked) = after_a_break("etag: \"one\"\r\n", move |honest, ask| {
            if ask.from().is_none() {
                return honest.whole(ask);
            }
            let head = format!(
                "HTTP/1.1 206 Part\r\ncontent-range: {range}\r\netag: \"one\"\r\ncontent-length: 600\r\nconnection: close\r\n\r\n"
            );
            ([head.as_bytes(), &honest.file[400..]].concat(), Then::Close)
        });
        assert_eq!(read.expect("it can be read"), rows(1000), "{range}");
        assert_eq!(asked.len(), 3, "{range}");
        assert_eq!(asked[2].header("range"), None);
    }
}

#[test]
fn a_part_that_is_not_the_last_one_is_followed_by_the_next() {
    let (read, asked) = after_a_break("etag: \"one\"\r\n", |honest, ask| {
        let from = ask.from().expect("a part is asked for");
        let end = (from + 150).min(1000);
        let head = format!(
            "HTTP/1.1 206 Part\r\ncontent-range: bytes {from}-{}/*\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            end - 1,
            end - from
        );
        (
            [head.as_bytes(), &honest.file[from..end]].concat(),
            Then::Close,
        )
    });
    assert_eq!(read.expect("it can be read"), rows(1000));
    assert_eq!(asked.len(), 5);
}

#[test]
fn a_part_that_is_shorter_than_it_says_is_a_broken_connection() {
    let (read, asked) = after_a_break(ETAG, |honest, ask| {
        let from = ask.from().expect("a part is asked for");
        let end = (from + 150).min(1000);
        let head = format!(
            "HTTP/1.1 206 Part\r\ncontent-range: bytes {from}-999/1000\r\ncontent-length: {}\r\n\r\n",
            end - from
        );
        let body = &honest.file[from..end];
        ([head.as_bytes(), body].concat(), Then::Close)
    });
    assert_eq!(read.expect("it can be read"), rows(1000));
    assert!(asked.len() >= 5, "{}", asked.len());
}

#[test]
fn a_file_of_unknown_length_ends_where_nothing_follows() {
    let file = rows(1000);
    let (read, asked) = served({
        let honest = Honest::with_etag(file.clone());
        move |ask| match ask.from() {
            None => {
                let head =
                    "HTTP/1.1 200 OK\r\netag: \"one\"\r\ntransfer-encoding: chunked\r\n\r\n3e8\r\n";
                // The last chunk is missing.
                ([head.as_bytes(), &honest.file].concat(), Then::Close)
            }
            Some(_) => honest.whole(ask),
        }
    });
    assert_eq!(read.expect("it can be read"), file);
    assert_eq!(asked[1].header("range"), Some("bytes=1000-"));
}

#[test]
fn a_body_that_ends_early_is_a_broken_connection() {
    let (read, asked) = served({
        let honest = Honest::with_etag(rows(1000));
        move |ask| honest.cut(ask, if ask.number == 1 { 999 } else { 0 })
    });
    let Err(DownloadFault::Outage { cause, .. }) = read else {
        panic!("{read:?}")
    };
    assert_eq!(cause, "the connection broke");
    assert!((2..9).contains(&asked.len()), "{}", asked.len());
}

#[test]
fn a_silent_connection_is_replaced() {
    let file = rows(1000);
    let (read, asked) = served({
        let honest = Honest::with_etag(file.clone());
        move |ask| {
            let (bytes, _) = honest.cut(ask, 400);
            match ask.number {
                1 => (bytes, Then::Hang),
                _ => honest.whole(ask),
            }
        }
    });
    assert_eq!(read.expect("it can be read"), file);
    assert_eq!(asked.len(), 2);
    let (read, _) = served(|_| (Vec::new(), Then::Hang));
    let Err(DownloadFault::Outage { cause, .. }) = read else {
        panic!("{read:?}")
    };
    assert!(cause.starts_with("no answer from 127.0.0.1:"), "{cause}");
}

#[test]
fn each_status_has_its_meaning() {
    let check = |head: &'static str, want: fn(&DownloadFault) -> bool| {
        let (read, asked) = served(move |_| {
            let answer =
                format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            (answer.into_bytes(), Then::Close)
        });
        let fault = read.expect_err("no file");
        assert!(want(&fault), "{head}: {fault:?}");
        asked.len()
    };
    let final_ones: [Meaning; 9] = [
        ("401 No", |fault| {
            matches!(fault, Fault::Refused { status: 401 })
        }),
        ("403 No", |fault| {
            matches!(fault, Fault::Refused { status: 403 })
        }),
        ("404 No", |fault| {
            matches!(fault, Fault::NotFound { status: 404 })
        }),
        ("410 No", |fault| {
            matches!(fault, Fault::NotFound { status: 410 })
        }),
        ("204 No", |fault| {
            matches!(fault, Fault::Unexpected { status: 204 })
        }),
        ("206 Part", |fault| {
            matches!(fault, Fault::Unexpected { status: 206 })
        }),
        ("302 Found", |fault| {
            matches!(fault, Fault::Unexpected { status: 302 })
        }),
        ("200 OK\r\ncontent-encoding: br", |fault| {
            matches!(fault, Fault::Encoded)
        }),
        ("429 Wait\r\nretry-after: 3600", |fault| {
            matches!(
                fault,
                Fault::WaitTooLong {
                    status: 429,
                    wait_s: 3600
                }
            )
        }),
    ];
    for (head, want) in final_ones {
        assert_eq!(check(head, want), 1, "{head}");
    }
    for head in ["429 Wait", "500 No", "503 No", "408 Late"] {
        assert!(
            check(head, |fault| matches!(fault, Fault::Outage { .. })) > 1,
            "{head}"
        );
    }
}

#[test]
fn more_bytes_than_announced_are_not_read() {
    let (read, _) = after_a_break("etag: \"one\"\r\n", |honest, ask| {
        let from = ask.from().expect("a part is asked for");
        let head = format!(
            "HTTP/1.1 206 Part\r\ncontent-range: bytes {from}-999/1000\r\ntransfer-encoding: chunked\r\n\r\n2bc\r\n"
        );
        let body = [&honest.file[from..], &honest.file[..100]].concat();
        (
            [head.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat(),
            Then::Close,
        )
    });
    assert!(
        matches!(read, Err(DownloadFault::TooLong { bytes: 1000 })),
        "{read:?}"
    );
}

#[test]
fn redirects_are_followed_with_bounds() {
    let target = Server::start({
        let honest = Honest::with_etag(rows(1000));
        move |ask| honest.whole(ask)
    });
    let redirect = |location: String| {
        served(move |_| {
            let answer = format!(
                "HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            (answer.into_bytes(), Then::Close)
        })
    };
    let (read, asked) = redirect(target.url());
    assert_eq!(read.expect("it can be read"), rows(1000));
    assert_eq!((asked.len(), target.asked().len()), (1, 1));

    let (read, asked) = redirect("/again?token=canary".to_owned());
    let error = read.expect_err("a circle").to_string();
    assert!(error.contains("redirects more than 5 times"), "{error}");
    assert_eq!(asked.len(), 6);

    for (location, want) in [
        (
            "http://192.0.2.1/canary?canary",
            "over plain HTTP must stay on its machine",
        ),
        ("ftp://a.example/canary", "only https addresses are"),
        ("file:///etc/canary", "only https addresses are"),
        ("https://me:canary@a.example/", "a user name or password"),
    ] {
        let error = redirect(location.to_owned())
            .0
            .expect_err("refused")
            .to_string();
        assert!(error.contains(want) && !error.contains("canary"), "{error}");
    }
}

#[test]
fn a_strong_tag_and_the_length_tell_the_version() {
    let version = |validators: &str| {
        let honest = Honest {
            validators: validators.to_owned(),
            ..Honest::with_etag(rows(1000))
        };
        let server = Server::start(move |ask| honest.whole(ask));
        let download = open(&server.url()).expect("it can be read");
        assert_eq!(download.length(), Some(1000));
        download.strong_version()
    };
    assert!(version("etag: \"one\"\r\n").is_some());
    assert_eq!(version("etag: \"one\"\r\n"), version("etag: \"one\"\r\n"));
    assert_ne!(version("etag: \"one\"\r\n"), version("etag: \"two\"\r\n"));
    assert_eq!(version("etag: W/\"one\"\r\n"), None);
    assert_eq!(version(""), None);
}
