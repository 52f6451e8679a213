//! The form of the pages: their beginnings, tables of contents and links.

use std::collections::BTreeSet;
use std::path::Path;

use super::blocks::table;
use super::pages::{FRONT, Page, ROOT, anchor, docs, pages};

/// The most bytes of the front page: what is longer is a page of its own.
const FRONT_BYTES_MAX: usize = 16 << 10;
/// The most lines of a page without a table of contents.
const LINES_MAX: usize = 100;
/// The most characters of the sentence below the title, so that a list of topics has short lines.
const ABOUT_MAX: usize = 80;

#[test]
fn the_front_page_is_short_and_links_all_others() {
    let front = Page::read(FRONT);
    assert!(
        front.text.len() <= FRONT_BYTES_MAX,
        "{FRONT} has {} bytes, more than {FRONT_BYTES_MAX}: move a part to docs/",
        front.text.len()
    );
    let listed: BTreeSet<_> = table(&front.text, "| page | about |").into_iter().collect();
    let want = docs();
    let want = want.iter().map(|page| {
        let link = format!("[{}]({})", page.topic(), page.path);
        vec![link, page.about().to_owned()]
    });
    assert_eq!(listed, want.collect());
}

#[test]
fn a_page_says_what_it_is_about() {
    for page in docs() {
        let mut lines = page.text.lines();
        let title = lines.next().unwrap_or_default();
        assert!(title.starts_with("# "), "{} has a title", page.path);
        let (blank, about, after) = (lines.next(), page.about(), lines.nth(1));
        assert!(
            blank == Some("") && after == Some("") && about.ends_with('.'),
            "{}: one sentence follows the title",
            page.path
        );
        assert!(about.chars().count() <= ABOUT_MAX, "{}: {about}", page.path);
        let titles = page.prose().filter(|line| line.starts_with("# ")).count();
        assert_eq!(titles, 1, "{} has one title", page.path);
    }
}

#[test]
fn a_long_page_has_a_table_of_contents() {
    let mut long = 0;
    for page in docs() {
        if page.text.lines().count() <= LINES_MAX {
            continue;
        }
        long += 1;
        let want: Vec<_> = page
            .sections()
            .map(|section| format!("- [{section}]({})", anchor(section)))
            .collect();
        let contents = page.text.lines().skip(4);
        let contents: Vec<_> = contents.take_while(|line| !line.is_empty()).collect();
        assert_eq!(contents, want, "the table of contents of {}", page.path);
    }
    assert_ne!(long, 0);
    let front = Page::read(FRONT);
    for section in front.sections() {
        let link = format!("[{section}]({})", anchor(section));
        assert!(front.text.contains(&link), "{FRONT} has no link {link}");
    }
}

#[test]
fn linked_files_and_headings_exist() {
    for page in pages() {
        for target in links(&page) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let folder = Path::new(&page.path).parent().expect("a file has a folder");
            let path = match file {
                "" => Path::new(ROOT).join(&page.path),
                file => Path::new(ROOT).join(folder).join(file),
            };
            assert!(path.is_file(), "{}: there is no {target}", page.path);
            if !heading.is_empty() {
                let linked = Page::read(path.to_str().expect("the path is UTF-8"));
                let mut headings = linked.prose().filter(|line| line.starts_with('#'));
                assert!(
                    headings.any(|line| anchor(line).strip_prefix('#') == Some(heading)),
                    "{}: there is no heading for {target}",
                    page.path
                );
            }
        }
    }
    let all: usize = pages().iter().map(|page| links(page).len()).sum();
    assert!(all > 50, "the links are found");
}

/// The targets of a page's links to files and headings of the repository.
fn links(page: &Page) -> Vec<&str> {
    let rest = page.text.split("](").skip(1);
    let targets = rest.filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    targets
        .filter(|target| !target.starts_with("https://"))
        .collect()
}

#[test]
fn the_paths_that_contributors_are_sent_to_exist() {
    let page = Page::read("CONTRIBUTING.md");
    let code = page.text.split('`').skip(1).step_by(2);
    let is_path = |text: &&str| !text.contains(' ') && text.contains('/');
    let paths: Vec<_> = code.filter(is_path).collect();
    assert!(paths.len() > 30, "the page names files");
    for path in paths {
        let file = Path::new(ROOT).join(path);
        assert!(file.exists(), "there is no {path}");
    }
}
