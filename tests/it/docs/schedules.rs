//! The scheduled jobs that the pages show can be started.

use custsync::testing::cli::args::Args;
use custsync::testing::config::Settings;
use custsync::testing::process::exit::Exit;

use super::blocks::Block;
use super::pages::Page;

#[test]
fn the_scheduled_jobs_can_be_started() {
    let page = Page::read("docs/operations.md");
    let blocks_in = |language: &str| -> Vec<Block> {
        let blocks = page.blocks().into_iter();
        blocks.filter(|block| block.language == language).collect()
    };
    let [yaml] = &blocks_in("yaml")[..] else {
        panic!("one manifest")
    };
    let list = |key: &str| -> Vec<serde_json::Value> {
        let found = yaml
            .body
            .lines()
            .find_map(|line| line.trim().strip_prefix(key));
        serde_json::from_str(found.unwrap_or_else(|| panic!("the manifest has {key}")))
            .expect("a list in JSON's form")
    };
    let arguments = list("args: ")
        .into_iter()
        .map(|argument| argument.as_str().expect("a text").to_owned());
    let arguments: Vec<_> = ["custsync".to_owned()]
        .into_iter()
        .chain(arguments)
        .collect();
    let args = Args::parse_from(&arguments, "").expect("the manifest's command line can be read");
    Settings::resolve(args.cli_input(), [], None).expect("the manifest's settings can be used");
    let fail_the_job = [
        Exit::SomeRowsFailed,
        Exit::Unusable,
        Exit::Refused,
        Exit::RunDirectory,
        Exit::LimitReached,
    ];
    assert_eq!(list("values: "), fail_the_job.map(Exit::code));

    let [cron] = &blocks_in("crontab")[..] else {
        panic!("one crontab")
    };
    let script = cron
        .body
        .trim_end()
        .rsplit(' ')
        .next()
        .expect("the line ends in a script");
    assert!(
        page.blocks()
            .iter()
            .any(|block| block.file.as_deref() == Some(script)),
        "{script} is shown"
    );
}
