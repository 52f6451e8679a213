//! The reading of the customers of a preview.

use std::path::Path;
use std::sync::Arc;

use roaring::RoaringTreemap;
use tracing::info;

use crate::api::{Api, Grant};
use crate::commands::Failure;
use crate::commands::preview::sample;
use crate::commands::shared::beginning::schedule;
use crate::commands::shared::care;
use crate::commands::shared::estimate::Pace;
use crate::commands::shared::server::Server;
use crate::commands::shared::shared_rate::SharedRate;
use crate::commands::shared::start::{self, Started};
use crate::config::Settings;
use crate::input::{InputName, KnownInput};
use crate::journal::{Purpose, RunDir};
use crate::pipeline::preview_rows::PreviewRows;
use crate::pipeline::recorder::{Inputs, Recorder};
use crate::pipeline::sender::{
    CareSettings, PageReading, ProbeState, ReadMode, Sending, WantedCustomers,
};
use crate::pipeline::{self, RowFeed};
use crate::preview::{CustomerRows, Findings, PreviewError, Previewer, ShownCustomersWriter};
use crate::process::signals::Signals;
use crate::results::failed_rows::FailedRows;
use crate::results::progress::RunProgress;
use crate::schedule::{History, ReadNeed, StopReason};
use crate::terminal::Terminal;
use crate::text::counted;

/// All that reads customers, before it starts.
pub(super) struct Reads<'s> {
    settings: &'s Settings,
    server: Server,
    grant: Grant,
    rate: SharedRate,
    /// The results of the reads: they are kept nowhere else.
    started: Started,
    failed: FailedRows,
}

/// The end of the reading.
pub(super) struct Done {
    /// The reason if it stopped early.
    pub(super) stop: Option<StopReason>,
    /// The findings, or the error of their files.
    pub(super) findings: Result<Findings, PreviewError>,
}

impl<'s> Reads<'s> {
    /// Begins the results of the reads in this folder.
    pub(super) fn begin(
        settings: &'s Settings,
        server: Server,
        grant: Grant,
        rate: SharedRate,
        folder: &Path,
        inputs: &[KnownInput],
    ) -> Result<Reads<'s>, Failure> {
        let run_dir = RunDir::create(folder).map_err(Failure::run_directory)?;
        let started = start::for_preview(run_dir, settings, inputs, None)?;
        let format = settings.output.failed_format;
        let failed = FailedRows::in_any_order(started.run_dir.clone(), inputs, format);
        Ok(Reads {
            settings,
            server,
            grant,
            rate,
            started,
            failed,
        })
    }

    /// Reads the customers of these rows, and compares them.
    pub(super) fn carry_out(
        self,
        run_dir: &RunDir,
        planned: &Arc<CustomerRows>,
        previewer: Previewer,
        terminal: &Terminal,
        signals: &Signals,
    ) -> Result<Done, Failure> {
        let settings = self.settings;
        let sample = settings
            .preview
            .sample
            .map(|size| sample::of(planned, size));
        let sample = sample.transpose().map_err(Failure::run_directory)?;
        let customers = sample
            .as_ref()
            .map_or(planned.customers(), RoaringTreemap::len);
        let sharing = self.rate.sharing(&self.started.run, None);
        let pace = Pace::of(&settings.sending, ReadNeed::Only, &sharing, None, None);
        let singly = pace.map(|pace| format!(", singly about {}", pace.time_for(customers)));
        info!(
            "{} of {}: {} to read{}",
            counted(planned.count(), "row"),
            counted(planned.customers(), "customer"),
            counted(customers, "customer"),
            singly.unwrap_or_default()
        );
        let api = Api::new(&self.server.options(settings)).map_err(Failure::unusable)?;
        self.server.log_destination(settings, Purpose::Preview);
        let shown = ShownCustomersWriter::create(run_dir.path());
        let (rows, chosen) = (planned.clone(), sample.clone());
        let wanted = WantedCustomers {
            count: customers,
            contains: Box::new(move |customer| match &chosen {
                Some(chosen) => Ok(chosen.contains(customer.get())),
                None => rows.contains(customer),
            }),
        };
        let progress = Arc::new(RunProgress::default());
        progress.set_total(customers);
        let sending = Sending {
            schedule: schedule(settings, sharing, ReadNeed::Only, History::default())?,
            api,
            token_source: self.server.token_source().clone(),
            grant: self.grant,
            rate_store: self.rate.store,
            resume: None,
            care: CareSettings {
                mode: ReadMode::Preview(Box::new(previewer)),
                left_out: ProbeState::Trusted,
                countries: care::countries(settings),
                images: None,
                plan: None,
            },
            pages: Some(PageReading {
                way: settings.sending.read,
                wanted,
                shown: shown.map_err(Failure::run_directory)?,
                time_for: pace.map(|pace| {
                    Box::new(move |requests| pace.time_for(requests)) as Box<dyn Fn(u64) -> String>
                }),
            }),
            before_first_update: None,
            progress: progress.clone(),
            metrics: None,
            drain: signals.drain(),
        };
        let recorder = Recorder::new(self.started.journal, self.failed, None, Inputs::of(1));
        let guard = terminal.show_progress(progress, None);
        let feed = RowFeed::Preview(PreviewRows {
            rows: planned.clone(),
            name: InputName::Path(run_dir.path().to_owned()),
            sample,
        });
        let (sent, _) = pipeline::run(feed, sending, recorder).map_err(Failure::unusable)?;
        drop(guard);
        self.server.stop();
        let previewer = sent.care.previewed.expect("a preview was asked for");
        let findings = previewer.finish().map(|findings| Findings {
            requests: sent.statistics.attempts,
            ..findings
        });
        Ok(Done {
            stop: sent.stop,
            findings,
        })
    }
}
