//! What the line that defines a setting says of it beside its value: its name, and whether a run is known by it.

/// A setting, as the line that defines it names it. There is no way to name one without saying to what it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) belongs_to: BelongsTo,
}

/// To what a setting belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BelongsTo {
    /// The run: it changes what is sent, so a run is only continued with the same value.
    Run(Holds),
    /// The process: it changes how, when and where, and each process of a run may have its own.
    Process,
}

/// What a setting's value may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Words, names, addresses: the journal has them as text.
    Words,
    /// What may be a customer's value: the journal has a digest.
    Values,
}

impl Setting {
    /// A setting that changes what is sent: from which rows requests become, which ones, and to whom they go.
    pub(super) const fn of_run(name: &'static str) -> Setting {
        Setting {
            name,
            belongs_to: BelongsTo::Run(Holds::Words),
        }
    }

    /// The same, for one that may hold customers' values.
    pub(super) const fn of_run_with_values(name: &'static str) -> Setting {
        Setting {
            name,
            belongs_to: BelongsTo::Run(Holds::Values),
        }
    }

    /// A setting that changes nothing of what is sent.
    pub(super) const fn of_process(name: &'static str) -> Setting {
        Setting {
            name,
            belongs_to: BelongsTo::Process,
        }
    }
}
