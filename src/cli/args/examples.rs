//! The examples of the help and of the manual.

const TOP_EXAMPLES: &str = "Examples:
  custsync check customers.csv                    find what is wrong with a file; nothing is sent
  custsync run customers.csv --sandbox            try it against a double of the API in this process
  custsync run customers.csv --token-file token   send the updates
  custsync run customers.csv --token-file token --run-dir runs/november
                                                  ... and continue them by the same command";

const RUN_EXAMPLES: &str = "Examples:
  custsync run customers.csv --sandbox
  custsync run customers.csv --token-file token --run-dir runs/november
  custsync run export.csv --token-file token -m 'E-mail=email' --ignore Notes --rate 600/m
  custsync run export.csv.gz customers.xlsx 'archive/*.ndjson' --token-file token";

const CHECK_EXAMPLES: &str = "Examples:
  custsync check customers.csv
  custsync check export.csv -m 'E-mail=email' --ignore Notes --output-format json
  custsync check export.csv --explain 3           show how the first rows are read";

const PREVIEW_EXAMPLES: &str = "Examples:
  custsync preview customers.csv --token-file token --run-dir previews/november
  custsync preview customers.csv --token-file token --sample 100
  custsync preview customers.csv --token-file token --expect-equal   after a run: nothing is left";

const UNDO_EXAMPLES: &str = "Examples:
  custsync undo runs/november --token-file token --dry-run   show what would be put back
  custsync undo runs/november --token-file token
  custsync undo runs/november --token-file token --without-field country_id";

const REPORT_EXAMPLES: &str = "Examples:
  custsync report runs/november
  custsync report runs/november --html november.html
  custsync report nights/*/ --output-format json";

const FORGET_EXAMPLES: &str = "Examples:
  custsync forget runs/november --dry-run
  custsync forget nights/*/";

const STATE_EXAMPLES: &str = "Examples:
  custsync state show nightly.state
  custsync state forget nightly.state 1042 1043";

const STATE_SHOW_EXAMPLES: &str = "Examples:
  custsync state show nightly.state
  custsync state show nightly.state --output-format json";

const STATE_FORGET_EXAMPLES: &str = "Examples:
  custsync state forget nightly.state 1042 1043   the next run sends these customers again
  custsync state forget nightly.state --all";

const SANDBOX_EXAMPLES: &str = "Examples:
  custsync sandbox                              prints the command that sends to it
  custsync sandbox --window 600/m --ledger updates.ndjson
  custsync sandbox --fault 503=2%,reset=0.5% --latency 5ms..50ms";

const LOGIN_EXAMPLES: &str = "Examples:
  custsync login --client-id my-client --token-file login.json
  custsync login --client-id my-client --token-file login.json --paste";

const LOGOUT_EXAMPLES: &str = "Examples:
  custsync logout --token-file login.json";

const TOKEN_EXAMPLES: &str = "Examples:
  custsync token --token-file login.json";

const CONFIG_EXAMPLES: &str = "Examples:
  custsync config
  custsync config --config nightly.toml --rate 5/s
  custsync config init export.csv";

const INIT_EXAMPLES: &str = "Examples:
  custsync config init export.csv
  custsync config init export.csv --header-row 3 --encoding windows-1252
  custsync config init --output nightly.toml";

const COMPLETIONS_EXAMPLES: &str = "Examples:
  custsync completions bash > ~/.local/share/bash-completion/completions/custsync
  custsync completions zsh > ~/.zfunc/_custsync
  custsync completions fish > ~/.config/fish/completions/custsync.fish";

const MAN_EXAMPLES: &str = "Examples:
  custsync man > ~/.local/share/man/man1/custsync.1
  custsync man run | man -l -";

/// Returns the examples of a verb, which may be below another, behind a line that is a title. Without
/// a verb, they are those of the program.
pub(super) fn examples(verbs: &[&str]) -> &'static str {
    match verbs {
        ["run"] => RUN_EXAMPLES,
        ["check"] => CHECK_EXAMPLES,
        ["preview"] => PREVIEW_EXAMPLES,
        ["undo"] => UNDO_EXAMPLES,
        ["report"] => REPORT_EXAMPLES,
        ["forget"] => FORGET_EXAMPLES,
        ["state"] => STATE_EXAMPLES,
        ["state", "show"] => STATE_SHOW_EXAMPLES,
        ["state", "forget"] => STATE_FORGET_EXAMPLES,
        ["sandbox"] => SANDBOX_EXAMPLES,
        ["login"] => LOGIN_EXAMPLES,
        ["logout"] => LOGOUT_EXAMPLES,
        ["token"] => TOKEN_EXAMPLES,
        ["config"] => CONFIG_EXAMPLES,
        ["config", "init"] => INIT_EXAMPLES,
        ["completions"] => COMPLETIONS_EXAMPLES,
        ["man"] => MAN_EXAMPLES,
        _ => TOP_EXAMPLES,
    }
}
