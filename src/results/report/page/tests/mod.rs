//! Tests of the page over all scenes: it is safe, small and well formed, and its figures are those
//! of the report.

mod reading;
mod scenes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{env, fs};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use self::reading::{Table, css_classes, rgb, svgs, tables, tags, variables};
use super::{Links, render};
use crate::contract::FIELDS;
use crate::results::report::model::{AfterCanary, Report, RowEnd};
use crate::results::summary::EchoSummary;
use crate::text::grouped;

/// The largest page of one run in bytes.
const BYTES_MAX: usize = 150_000;
/// The page that is kept, and the variable with which it is made anew.
const GOLDEN: &str = "golden.html";
const RENEW: &str = "CUSTSYNC_RENEW_REPORT";

/// Returns the pages of all scenes by their names.
fn pages() -> Vec<(&'static str, String)> {
    let all = scenes::all().into_iter();
    all.map(|(name, report, links)| (name, render(&report, links)))
        .collect()
}

fn page(name: &str) -> String {
    pages()
        .into_iter()
        .find(|(one, _)| *one == name)
        .expect("a scene")
        .1
}

#[test]
fn no_page_runs_or_requests_anything() {
    const KNOWN: [&str; 47] = [
        "a",
        "b",
        "bdi",
        "body",
        "circle",
        "clipPath",
        "code",
        "desc",
        "details",
        "div",
        "figcaption",
        "figure",
        "footer",
        "g",
        "h1",
        "h2",
        "h3",
        "head",
        "html",
        "li",
        "line",
        "main",
        "meta",
        "p",
        "path",
        "pattern",
        "pre",
        "rect",
        "section",
        "span",
        "style",
        "summary",
        "svg",
        "table",
        "tbody",
        "td",
        "text",
        "th",
        "thead",
        "title",
        "tr",
        "ul",
        "!DOCTYPE",
        "ol",
        "i",
        "br",
        "tspan",
    ];
    for (name, page) in pages() {
        assert!(
            !page.contains("<script") && !page.contains("<img"),
            "{name}"
        );
        for tag in tags(&page) {
            assert!(KNOWN.contains(&tag.name), "{name} has <{}>", tag.name);
            for (attribute, value) in &tag.attributes {
                let is_known = !attribute.starts_with("on")
                    && !["style", "src", "xlink:href", "srcset", "action"].contains(attribute);
                assert!(is_known, "{name}: {tag:?}");
                let is_local = *attribute != "href" || value.starts_with(['#', '.']);
                assert!(is_local, "{name}: {tag:?}");
                for word in ["http:", "https:", "javascript:", "data:"] {
                    assert!(!value.contains(word), "{name}: {tag:?}");
                }
            }
        }
        // Names that try to be markup hold these words as text.
        if name != "script-names" {
            for word in ["http:", "https:", "javascript:", " style=", "@import"] {
                assert!(!page.contains(word), "{name} has {word}");
            }
        }
    }
}

#[test]
fn the_policy_allows_the_one_style_sheet_and_nothing_else() {
    for (name, page) in pages() {
        let mut sheets = page.split("<style>").skip(1);
        let sheet = sheets.next().unwrap().split("</style>").next().unwrap();
        assert_eq!(sheets.next(), None, "{name}");
        let digest = ring::digest::digest(&ring::digest::SHA256, sheet.as_bytes());
        let hash = STANDARD.encode(digest);
        let policy = format!(
            "content=\"default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'\""
        );
        let at = page
            .find(&policy)
            .unwrap_or_else(|| panic!("{name} has another policy"));
        assert!(
            at < page.find("<style>").unwrap(),
            "{name}: the policy comes first"
        );
    }
}

#[test]
fn foreign_text_stays_text() {
    let page = page("script-names");
    for text in [
        "<bdi>&lt;script&gt;alert('1')&lt;/script&gt;&quot;&gt;&lt;img src=x onerror=alert(1)&gt;&amp;amp;.csv</bdi>",
        "<bdi>&lt;/td&gt;&lt;script src=http:x&gt;</bdi>",
        "<p>]]&gt;&lt;/style&gt;&lt;style&gt;*{display:none}</p>",
        "<bdi>&quot;&lt;b style=color:red&gt;\\u{202e}x\\u{0}</bdi>",
        "<code>custsync report '&lt;script&gt;' &amp;&amp; echo &quot;&amp;lt;&quot;</code>",
        "<a href=\"./javascript%3Aalert%281%29%2F%2F%3Cb%3E.csv\">",
    ] {
        assert!(page.contains(text), "{text}");
    }
    let right_to_left = self::page("right-to-left");
    let name = "לקוחות 2026 (עותק).csv";
    let isolated = right_to_left.matches(&format!("<bdi>{name}")).count();
    assert_eq!(right_to_left.matches(name).count(), isolated);
    assert!(isolated >= 4, "{isolated}");
}

#[test]
fn every_drawing_is_xml_with_a_title() {
    let mut charts = 0;
    for (name, page) in pages() {
        let ids = ids(&page, name);
        for svg in svgs(&page) {
            reading::check_xml(svg);
            let tags: Vec<_> = tags(svg).collect();
            for tag in &tags {
                if let Some(of) = tag.value("clip-path") {
                    let id = of.trim_start_matches("url(#").trim_end_matches(')');
                    assert!(ids.contains(id), "{name}: {of}");
                }
            }
            if tags[0].value("role") != Some("img") {
                assert_eq!(
                    tags[0].value("aria-hidden"),
                    Some("true"),
                    "{name}: {:?}",
                    tags[0]
                );
                continue;
            }
            charts += 1;
            let [title, description] = [&tags[1], &tags[2]];
            assert_eq!([title.name, description.name], ["title", "desc"], "{name}");
            let named_by = [title, description]
                .map(|tag| tag.value("id").unwrap())
                .join(" ");
            assert_eq!(tags[0].value("aria-labelledby"), Some(&*named_by), "{name}");
            for text in [title, description] {
                assert!(!text.text.trim().is_empty(), "{name}: {text:?}");
            }
        }
    }
    assert!(charts > 50, "{charts}");
}

/// Returns the ids of a page, each of which is there once, and checks its own links.
fn ids(page: &str, name: &str) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for id in tags(page).filter_map(|tag| tag.value("id").map(str::to_owned)) {
        assert!(ids.insert(id.clone()), "{name} has {id} twice");
    }
    for link in tags(page).filter_map(|tag| tag.value("href").map(str::to_owned)) {
        if let Some(id) = link.strip_prefix('#') {
            assert!(ids.contains(id), "{name}: {link}");
        }
    }
    ids
}

#[test]
fn the_largest_page_is_small() {
    let (all, largest) = (scenes::all(), page("largest"));
    let (_, report, _) = all.iter().find(|(name, ..)| *name == "largest").unwrap();
    let columns: usize = report.runs[0]
        .course
        .iter()
        .flat_map(|course| &course.stretches)
        .map(|stretch| stretch.columns.len())
        .sum();
    assert_eq!((columns, report.runs[0].errors.len()), (120, 500));
    assert!(largest.len() < BYTES_MAX, "{} bytes", largest.len());
    for (name, page) in pages() {
        assert!(
            page.len() < 100_000 || ["largest", "several"].contains(&name),
            "{name}"
        );
    }
}

#[test]
fn texts_of_any_length_leave_the_page_small() {
    let mut run = scenes::largest();
    let long = "x".repeat(5_000);
    for group in &mut run.errors {
        group.wrong = vec![long.clone(); 9];
        group.first = vec![format!("{long}:1"); 9];
        group.field = Some(long.clone());
        group.code.clone_from(&long);
    }
    run.warnings.clone_from(&run.errors);
    let field = scenes::echo(&long, [7, 7, 7]);
    run.echo = Some(EchoSummary {
        rows: 7,
        rejected: true,
        fields: vec![field; 90],
    });
    let canaries = (1..=1000).map(|n| scenes::canary(Some(n), 1, AfterCanary::Stopped));
    run.canaries = canaries.collect();
    for canary in &mut run.canaries {
        canary.echo = FIELDS.iter().map(|rule| rule.name.to_owned()).collect();
    }
    for setting in &mut run.settings {
        setting.value = Some(long.clone());
        setting.origin = Some(long.clone());
    }
    for step in &mut run.next {
        step.command = Some(long.repeat(30));
    }
    run.verdict.clone_from(&long);
    run.reasons = vec![long.clone(); 90];
    run.notes = vec![long.clone(); 90];
    run.directories = vec![long; 90];
    let report = Report { runs: vec![run] };
    let page = render(&report, Links::RunDirectory);
    assert!(page.len() < BYTES_MAX, "{} bytes", page.len());
    assert!(page.contains("it is in summary.json"));
}

#[test]
fn tables_hold_the_figures_of_the_report() {
    for (name, report, links) in scenes::all() {
        let [run] = report.runs.as_slice() else {
            continue;
        };
        let tables = tables(&render(&report, links));
        let Some(course) = &run.course else {
            assert!(!tables.contains_key("rows over time"), "{name}");
            continue;
        };
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        let columns: Vec<_> = course
            .stretches
            .iter()
            .flat_map(|one| &one.columns)
            .collect();
        for (end, rows) in columns.iter().flat_map(|column| &column.rows) {
            if *rows > 0 {
                *sums.entry(super::ends::label(*end)).or_default() += rows;
            }
        }
        let over_time = &tables["rows over time"];
        assert_eq!(over_time.rows.len(), columns.len() + 1, "{name}");
        for (end, sum) in &sums {
            assert_eq!(over_time.sum(end), *sum, "{name}: {end}");
            assert_eq!(over_time.last(end), grouped(*sum), "{name}: {end}");
        }
        check_books(name, &report, &tables["rows by outcome"]);
        let answers: u64 = run.answer_times.iter().map(|(_, answers)| answers).sum();
        if answers == 0 {
            assert!(!tables.contains_key("answers by time"), "{name}");
        } else {
            assert_eq!(tables["answers by time"].sum("Answers"), answers, "{name}");
            let latencies = columns.iter().filter(|column| column.latency_us.is_some());
            let rows = tables["answer times over time"].rows.len();
            assert_eq!(rows, latencies.count(), "{name}");
        }
        let sending = columns
            .iter()
            .filter(|column| column.sending.is_some())
            .count();
        let label = "requests in flight and per second";
        assert_eq!(tables[label].rows.len(), sending, "{name}");
    }
}

fn check_books(name: &str, report: &Report, table: &Table) {
    let books = &report.runs[0].books;
    let not_read = books
        .total
        .unwrap_or_default()
        .saturating_sub(books.records);
    assert_eq!(table.sum("Rows"), books.records + not_read, "{name}");
    for (end, rows) in &books.parts {
        let row = table
            .rows
            .iter()
            .find(|row| row[0] == super::ends::label(*end));
        assert_eq!(row.unwrap()[1], grouped(*rows), "{name}: {end:?}");
    }
}

#[test]
fn the_waits_are_under_the_columns_with_their_causes() {
    let page = page("outage");
    for label in [
        "waits that the API asked for",
        "an API that is down",
        "an API that does not answer",
    ] {
        assert!(page.contains(&format!(">{label} · ")), "{label}");
    }
    let table = &tables(&page)["rows over time"];
    let down: u64 = table.sum("% an API that is down");
    assert_eq!(down, 18 * 98);
}

#[test]
fn long_lists_end_with_what_is_left_out() {
    let errors = page("500-errors");
    let table = &tables(&errors)["errors by field and code"];
    assert_eq!(table.rows.len(), 50);
    assert!(errors.contains("<p>and 450 more kinds: summary.json</p>"));
    let largest = page("largest");
    let processes = &tables(&largest)["processes"];
    assert_eq!(processes.rows.len(), 5 + 1 + 20);
    assert_eq!(processes.rows[5], ["… 20 more …"]);
    assert!(largest.contains("The last 45 of 1,234 processes:"));
    assert!(largest.contains("and 80 more inputs: summary.json"));
}

#[test]
fn failed_rows_are_linked_only_where_they_lie_beside_the_page() {
    let link =
        "Failed rows: <a href=\"./failed.csv\"><bdi>failed.csv</bdi></a>. The reason is in front";
    assert!(page("outage").contains(link));
    let report = Report {
        runs: vec![scenes::outage()],
    };
    let elsewhere = render(&report, Links::None);
    assert!(elsewhere.contains("Failed rows: <bdi>failed.csv</bdi>. The"));
    // The shards' files have the same name, each in its own directory.
    for page in [elsewhere, page("several"), page("shards")] {
        assert!(!page.contains("href=\"./"));
    }
    let several = "failed.csv</bdi></a>, <a href=\"./failed-2.csv\"><bdi>failed-2.csv</bdi></a>";
    assert!(page("500-errors").contains(several));
}

#[test]
fn the_verdict_on_a_canary_is_told_with_the_way_on_that_is_left() {
    let on = "<code>--canary-then go</code> goes on to all others";
    let one = page("outage");
    let table = &tables(&one)["canary"];
    let want = ["good", "2026-11-29 22:31:48", "20", "23", "0", "nothing"];
    assert_eq!(table.rows[0][..6], want);
    assert_eq!(table.rows[0][6], "the run went on");
    assert!(!one.contains(on), "nothing is left to be said");
    let shards = page("shards");
    let table = &tables(&shards)["canary"];
    assert_eq!(table.rows[1][..3], ["2", "bad", "2026-11-29 22:31:48"]);
    assert_eq!(
        table.rows[2][6..],
        ["date_of_birth and job", "the run stopped"]
    );
    assert!(shards.contains(on));
    assert!(!page("clean").contains("Canary"));
}

#[test]
fn several_runs_have_an_overview_and_no_common_books() {
    let page = page("several");
    let overview = &tables(&page)["overview of the runs"];
    assert_eq!(overview.rows.len(), 4);
    assert_eq!(overview.rows[1][0], "2. Run of customers.csv");
    for n in 1..=4 {
        assert!(page.contains(&format!("<a href=\"#run-{n}\">{n}. ")), "{n}");
    }
    let report = scenes::several();
    let all: u64 = report.runs.iter().map(|run| run.books.records).sum();
    assert!(!page.contains(&grouped(all)), "no sum over the runs");
    assert!(render(&Report { runs: Vec::new() }, Links::None).contains("<h1>No run</h1>"));
}

#[test]
fn every_class_has_its_looks() {
    let css = include_str!("../page.css");
    let styled = css_classes(css);
    let used: BTreeSet<String> = pages()
        .iter()
        .flat_map(|(_, page)| {
            tags(page)
                .filter_map(|tag| tag.value("class").map(str::to_owned))
                .collect::<Vec<_>>()
        })
        .flat_map(|classes| classes.split(' ').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    // Words of the mark-up that need no looks of their own.
    let plain = ["label", "line-label"];
    let missing: Vec<_> = used
        .iter()
        .filter(|class| !styled.contains(*class) && !plain.contains(&&***class))
        .collect();
    assert!(missing.is_empty(), "page.css has no {missing:?}");
    let unused: Vec<_> = styled
        .iter()
        .filter(|class| !used.contains(*class))
        .collect();
    assert!(unused.is_empty(), "no page uses {unused:?}");
}

#[test]
fn outcomes_differ_by_more_than_colour() {
    let page = page("largest");
    let patterns: Vec<_> = page
        .split("<pattern ")
        .skip(1)
        .map(|pattern| {
            pattern
                .split("class=\"hatch\" d=\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
        })
        .collect();
    let different: BTreeSet<_> = patterns.iter().collect();
    assert_eq!((patterns.len(), different.len()), (11, 11));
    let css = include_str!("../page.css");
    for end in [
        RowEnd::Unchanged,
        RowEnd::Superseded,
        RowEnd::Elsewhere,
        RowEnd::Invalid,
        RowEnd::Rejected,
        RowEnd::Conflict,
        RowEnd::Failed,
        RowEnd::Other,
        RowEnd::SentAgain,
        RowEnd::Unsent,
        RowEnd::Unrecorded,
    ] {
        let class = super::ends::class(end);
        let pattern = class.replace("o-", "h-");
        assert!(
            css.contains(&format!(".{class} {{ fill: url(#{pattern}); }}")),
            "{class}"
        );
        assert!(
            page.contains(&format!("<pattern id=\"{pattern}\"")),
            "{class}"
        );
    }
}

/// The contrast of colours (WCAG 2.2, "contrast ratio"), in both modes.
#[test]
fn colours_have_enough_contrast() {
    let css = include_str!("../page.css");
    let [light, dark] = variables(css);
    assert_eq!(light.len(), dark.len());
    let graphics = [
        "updated",
        "unchanged",
        "superseded",
        "elsewhere",
        "invalid",
        "rejected",
        "conflict",
        "failed",
        "other",
        "again",
        "unsent",
        "unrecorded",
        "lane",
        "lane-first",
        "accent",
    ];
    let text = [
        "ink", "dim", "accent", "good", "mixed", "bad", "p50", "p95", "p99",
    ];
    for (mode, colours) in [("light", &light), ("dark", &dark)] {
        for (names, on, least) in [
            (&text[..], "paper", 4.5),
            (&text[..6], "card", 4.5),
            (&text[..1], "shade", 4.5),
            (&graphics[..], "paper", 3.0),
        ] {
            for name in names {
                let contrast = rgb(&colours[*name]).contrast(rgb(&colours[on]));
                assert!(
                    contrast >= least,
                    "{mode}: {name} on {on} has {contrast:.2}"
                );
            }
        }
    }
}

#[test]
fn the_page_is_the_one_that_is_kept() {
    let page = render(&scenes::small(), Links::RunDirectory);
    // A line for each element makes differences readable.
    let lines = page.replace("><", ">\n<");
    let path = Path::new(file!()).with_file_name(GOLDEN);
    if env::var_os(RENEW).is_some() {
        fs::write(&path, &lines).unwrap();
        return;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let differs = kept
        .lines()
        .zip(lines.lines())
        .zip(1..)
        .find(|((one, other), _)| one != other);
    assert!(
        differs.is_none() && kept.len() == lines.len(),
        "the page is another one: {differs:?}; look at it, and if it is right, renew it: {RENEW}=1 cargo test --lib report::page"
    );
}
