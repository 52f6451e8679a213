//! The name of a setting, and whether it belongs to the identity of a run.

/// A setting, as named by the line that defines it. It cannot be named without saying what it
/// belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) belongs_to: BelongsTo,
}

/// The owner of a setting: the run or the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BelongsTo {
    /// The run: the setting changes what is sent, so a run is continued only with the same value.
    Run(Holds),
    /// The process: each process of a run may have its own value.
    Process,
}

/// The kind of contents of a setting's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Words, names, addresses: the journal has them as text.
    Words,
    /// Possibly a customer's value: the journal has a digest.
    Values,
}

/// Names a setting that changes what is sent: the rows, the requests made from them, or their
/// destination.
pub(super) const fn of_run(name: &'static str) -> Setting {
    Setting {
        name,
        belongs_to: BelongsTo::Run(Holds::Words),
    }
}

/// Names a setting that changes what is sent, and that may hold customers' values.
pub(super) const fn of_run_with_values(name: &'static str) -> Setting {
    Setting {
        name,
        belongs_to: BelongsTo::Run(Holds::Values),
    }
}

/// Names a setting that does not change what is sent.
pub(super) const fn of_process(name: &'static str) -> Setting {
    Setting {
        name,
        belongs_to: BelongsTo::Process,
    }
}
