//! Completions for shells, and pages of the manual. Both are made from the command line itself, so
//! that they know every flag and word.

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::examples::examples;
use crate::config::USUAL_FILE;
use crate::process::exit::Exit;

/// The verbs that have a page, as their pages are called behind `custsync-`.
pub(super) const PAGES: [&str; 17] = [
    "run",
    "check",
    "preview",
    "undo",
    "report",
    "forget",
    "state",
    "state-show",
    "state-forget",
    "sandbox",
    "login",
    "logout",
    "token",
    "config",
    "config-init",
    "completions",
    "man",
];

/// Returns the completions for a shell.
pub(super) fn completions(shell: Shell, program: &mut Command) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, program, "custsync", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Returns the page of the program, or of one of [`PAGES`]. `fields_help` describes the API's
/// fields.
pub(super) fn man(page: Option<&str>, program: Command, fields_help: &str) -> String {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let verbs: Vec<&str> = page.iter().flat_map(|page| page.split('-')).collect();
    let mut verb = &program;
    for name in &verbs {
        verb = verb
            .find_subcommand(name)
            .expect("a test compares the pages with the verbs");
    }
    let usage = verb.clone().render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage).to_owned();
    // The manual has a section for the commands, and names them as other pages do.
    let verb = verb
        .clone()
        .override_usage(usage)
        .subcommand_help_heading("COMMANDS")
        // Only the short help leaves these out.
        .mut_args(|arg| arg.hide_short_help(false));
    let ends_with_tables = verb.get_after_long_help().is_some();
    let has_verbs = verb.has_subcommands();
    let version = env!("CARGO_PKG_VERSION");
    let page = Man::new(verb)
        .source(format!("custsync {version}"))
        .manual("custsync");
    let mut roff = Vec::new();
    let mut write = || -> std::io::Result<()> {
        page.render_title(&mut roff)?;
        page.render_name_section(&mut roff)?;
        page.render_synopsis_section(&mut roff)?;
        page.render_description_section(&mut roff)?;
        section("EXAMPLES", examples(&verbs).lines().skip(1)).to_writer(&mut roff)?;
        page.render_options_section(&mut roff)?;
        if has_verbs {
            page.render_subcommands_section(&mut roff)?;
        }
        if ends_with_tables {
            let exits = Exit::help_table();
            section("EXIT STATUS", exits.lines().skip(1)).to_writer(&mut roff)?;
            section("FIELDS OF A ROW", fields_help.lines().skip(1)).to_writer(&mut roff)?;
        }
        files().to_writer(&mut roff)?;
        see_also(&verbs).to_writer(&mut roff)
    };
    write().expect("memory can be written");
    String::from_utf8_lossy(&roff).into_owned()
}

/// Returns a section whose lines are kept as they are.
fn section<'l>(title: &str, lines: impl Iterator<Item = &'l str>) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [title]).control("nf", []);
    for line in lines {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff
}

fn files() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["FILES AND ENVIRONMENT"]);
    let places = [
        (
            USUAL_FILE,
            "settings, if --config names no other file; each key is a flag without its dashes",
        ),
        (
            "custsync-runs",
            "the run directories of commands without --run-dir",
        ),
        (
            "CUSTSYNC_...",
            "settings as variables: --max-errors is CUSTSYNC_MAX_ERRORS; CUSTSYNC_TOKEN holds the token",
        ),
    ];
    for (place, meaning) in places {
        roff.control("TP", []);
        roff.text([roman(place)]).text([roman(meaning)]);
    }
    roff
}

fn see_also(verbs: &[&str]) -> Roff {
    let own = verbs.join("-");
    let others = PAGES.iter().filter(|page| **page != own);
    let pages = others.map(|page| format!("custsync-{page}(1)"));
    let program = (!verbs.is_empty()).then(|| "custsync(1)".to_owned());
    let pages: Vec<_> = program.into_iter().chain(pages).collect();
    let mut roff = Roff::new();
    // A name is not divided at the end of a line.
    roff.control("SH", ["SEE ALSO"]).control("nh", []);
    roff.text([roman(pages.join(", "))]).control("PP", []);
    roff.text([roman(
        "The pages of the documentation: custsync help topics",
    )]);
    roff
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;
    use crate::cli::args::command;
    use crate::text::safe_lines;

    fn pages_below(command: &Command, prefix: &str) -> Vec<String> {
        let mut pages = Vec::new();
        for verb in command.get_subcommands() {
            let page = format!("{prefix}{}", verb.get_name());
            pages.push(page.clone());
            pages.extend(pages_below(verb, &format!("{page}-")));
        }
        pages
    }

    #[test]
    fn each_verb_has_a_page() {
        assert_eq!(pages_below(&command(""), ""), PAGES);
    }

    #[test]
    fn pages_and_completions_are_printed_as_they_are() {
        let pages = PAGES.map(Some).into_iter().chain([None]);
        let texts = pages
            .map(|page| man(page, command(""), "Fields:\n  id  a number\n"))
            .chain(
                Shell::value_variants()
                    .iter()
                    .map(|shell| completions(*shell, &mut command(""))),
            );
        for text in texts {
            assert_eq!(safe_lines(&text), text, "nothing in it is escaped");
            assert!(
                !text.contains(env!("CARGO_MANIFEST_DIR")),
                "no path of the build"
            );
        }
    }

    #[test]
    fn a_page_has_the_flags_of_its_verb_and_the_tables_of_its_help() {
        let page = man(
            Some("run"),
            command("Fields:\n  id  a number\n"),
            "Fields:\n  id  a number\n",
        );
        for part in [
            ".TH custsync-run 1",
            "custsync\\-run \\- Send the updates",
            "\\fBcustsync run\\fR [OPTIONS] <FILE>...",
            "custsync run customers.csv \\-\\-sandbox",
            "\\-\\-max\\-errors",
            "130  SIGINT",
            "id  a number",
            "custsync(1), custsync\\-check(1)",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let program = man(None, command(""), "Fields:\n");
        assert!(program.contains("custsync\\-check(1)"));
        assert!(!program.contains("custsync\\-help(1)"));
        let init = man(Some("config-init"), command(""), "");
        assert!(init.contains("custsync config init export.csv"), "{init}");
    }
}
