//! The modes of a run.

/// A mode of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    UniqueLast,
    UniqueReject,
    State,
    Plan,
    SkipEqual,
    Fill,
    Complete,
    Undoable,
    Canary,
    Shard,
    Since,
    Stdin,
    DryRun,
    Preview,
}

impl Mode {
    /// All of them, in the order of the table.
    pub(super) const ALL: [Mode; 14] = [
        Mode::UniqueLast,
        Mode::UniqueReject,
        Mode::State,
        Mode::Plan,
        Mode::SkipEqual,
        Mode::Fill,
        Mode::Complete,
        Mode::Undoable,
        Mode::Canary,
        Mode::Shard,
        Mode::Since,
        Mode::Stdin,
        Mode::DryRun,
        Mode::Preview,
    ];

    /// Its name in the table.
    pub(super) fn name(self) -> &'static str {
        match self {
            Mode::UniqueLast => "`--unique last`",
            Mode::UniqueReject => "`--unique reject`",
            Mode::State => "`--state`",
            Mode::Plan => "`--plan`",
            Mode::SkipEqual => "`--skip-equal`",
            Mode::Fill => "`--fill`",
            Mode::Complete => "`--complete`",
            Mode::Undoable => "`--undoable`",
            Mode::Canary => "`--canary`",
            Mode::Shard => "`--shard`",
            Mode::Since => "`--unless-changed-since`",
            Mode::Stdin => "standard input",
            Mode::DryRun => "`--dry-run`",
            Mode::Preview => "`preview`",
        }
    }

    /// The mode of this name.
    pub(super) fn of_name(name: &str) -> Mode {
        let mut modes = Mode::ALL.into_iter();
        let mode = modes.find(|mode| mode.name() == name);
        mode.unwrap_or_else(|| panic!("{name} is no mode"))
    }

    /// Its flags. The number of a shard is added to its own.
    pub(super) fn flags(self) -> &'static [&'static str] {
        match self {
            Mode::UniqueLast => &["--unique", "last"],
            Mode::UniqueReject => &["--unique", "reject"],
            Mode::State => &["--state", "nightly.state", "--full-resync"],
            Mode::Plan => &["--plan", "plan"],
            Mode::SkipEqual => &["--skip-equal"],
            Mode::Fill => &["--fill", "job"],
            Mode::Complete => &["--complete"],
            Mode::Undoable => &["--undoable"],
            Mode::Canary => &["--canary", "2", "--canary-then", "go"],
            Mode::Since => &["--unless-changed-since", "exported_at"],
            Mode::DryRun => &["--dry-run"],
            Mode::Shard | Mode::Stdin | Mode::Preview => &[],
        }
    }

    /// The words by one of which a refusal names it.
    pub(super) fn words(self) -> &'static [&'static str] {
        match self {
            Mode::UniqueLast | Mode::UniqueReject => &["--unique"],
            Mode::State => &["--state"],
            Mode::Plan => &["--plan"],
            Mode::SkipEqual => &["--skip-equal"],
            Mode::Fill => &["--fill"],
            Mode::Complete => &["--complete"],
            Mode::Undoable => &["--undoable"],
            Mode::Canary => &["--canary"],
            Mode::Shard => &["--shard"],
            Mode::Since => &["--unless-changed-since"],
            Mode::Stdin => &["standard input"],
            Mode::DryRun => &["--dry-run", "a check"],
            Mode::Preview => &["a preview"],
        }
    }

    /// Whether a preview that is the plan of a run has its flags, too: they make requests of rows, or
    /// tell which changes are shown.
    pub(super) fn is_of_a_plan(self) -> bool {
        match self {
            Mode::UniqueLast | Mode::UniqueReject | Mode::Fill | Mode::Since => true,
            Mode::State
            | Mode::Plan
            | Mode::SkipEqual
            | Mode::Complete
            | Mode::Undoable
            | Mode::Canary
            | Mode::Shard
            | Mode::Stdin
            | Mode::DryRun
            | Mode::Preview => false,
        }
    }
}
