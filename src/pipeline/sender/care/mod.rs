//! Decides about rows whose customer was read: keeps its image, completes the update, and finds out
//! whether the API keeps the fields that an update leaves out.

mod changed;
mod decided;
mod error;
mod fill;
mod left_out;
mod plan;
mod prepared;
mod seen;
mod settings;
mod since;
mod skip;
mod undo;
mod update;

use std::collections::VecDeque;

use bytes::Bytes;

use jiff::Timestamp;

pub(super) use self::decided::{Decided, Undecided, Verdict};
pub(super) use self::error::CareError;
pub(crate) use self::fill::{Fill, KeptFills};
pub(crate) use self::left_out::ProbeState;
use self::left_out::{AfterRead, AfterWrite, LeftOutProbe};
pub(crate) use self::plan::PlannedCustomers;
pub(super) use self::prepared::Applied;
use self::prepared::Prepared;
pub(super) use self::seen::Seen;
pub(crate) use self::settings::{CareResult, CareSettings, ReadMode};
pub(crate) use self::since::Since;
use self::undo::{Undo, UndoDecision};
pub(crate) use self::undo::{UndoCounts, Undoing};
pub(crate) use self::update::UpdateCare;
use super::super::image_writer::{Durable, ImageWriter};
use crate::api::reading::KeepImage;
use crate::contract::{
    Answer, Countries, FieldSet, Image, LeftOutEffect, SentFields, Shown, can_be_put_back,
    country_of_request, lay_over,
};
use crate::journal::{ImageEntry, ImagesError};
use crate::preview::{NotShown, Previewer};
use crate::process::crash;
use crate::row::{Row, RowContent};
use crate::schedule::{Care, ChangeSign, Decision, Ending, Request, Ticket};

/// The statuses of an answer that says that there is no such customer.
const NOT_FOUND: u16 = 404;
const GONE: u16 = 410;

/// The same, with its state.
#[derive(Debug)]
enum Mode {
    None,
    Update(UpdateCare),
    Undo(Box<Undo>),
    Preview(Box<Previewer>),
}

/// The state of all of it.
#[derive(Debug)]
pub(super) struct Carer {
    mode: Mode,
    probe: LeftOutProbe,
    countries: Countries,
    images: Option<ImageWriter>,
    plan: Option<PlannedCustomers>,
    /// Rows whose update leaves once their image is durable, in the order of the images, with the
    /// decision about them.
    waiting: VecDeque<(u64, Ticket, Decision)>,
}

impl Carer {
    pub(super) fn new(settings: CareSettings) -> Carer {
        let CareSettings {
            mode,
            left_out,
            countries,
            images,
            plan,
        } = settings;
        let mode = match mode {
            ReadMode::None => Mode::None,
            ReadMode::Update(care) => Mode::Update(care),
            ReadMode::Undo(undoing) => Mode::Undo(Box::new(Undo::new(*undoing))),
            ReadMode::Preview(previewer) => Mode::Preview(previewer),
        };
        Carer {
            mode,
            probe: LeftOutProbe::new(left_out),
            countries,
            images,
            plan,
            waiting: VecDeque::new(),
        }
    }

    /// The care that a row's update needs.
    pub(super) fn care_of(&self, row: &Row) -> Care {
        let may_leave_out = match &self.mode {
            Mode::None | Mode::Preview(_) => false,
            Mode::Update(care) => care.may_leave_out(),
            // It may put back some of the fields.
            Mode::Undo(_) => true,
        };
        let leaves_out = may_leave_out
            || row
                .update()
                .is_some_and(|(_, fields)| fields != FieldSet::ALL);
        if leaves_out && self.probe.is_armed() {
            Care::Alone
        } else {
            self.care_without_probe()
        }
    }

    /// The care that rows need once the probe has ended.
    pub(super) fn care_without_probe(&self) -> Care {
        match self.mode {
            Mode::None if self.plan.is_none() => Care::None,
            Mode::None | Mode::Update(_) | Mode::Undo(_) | Mode::Preview(_) => Care::Read,
        }
    }

    /// Whether the customer in the answer to a request of this row is needed.
    pub(super) fn keeps_image(&self, request: Request, row: &Row) -> KeepImage {
        let is_needed = match (request, &self.mode, &row.content) {
            (Request::Write, Mode::None, RowContent::Update { fields, body, .. })
                if self.plan.is_none() =>
            {
                let countries = &self.countries;
                let teaches_country =
                    || country_of_request(body).is_some_and(|id| countries.is_wanted(id));
                self.probe.needs_customer(*fields, teaches_country)
            }
            _ => true,
        };
        if is_needed {
            KeepImage::Yes
        } else {
            KeepImage::No
        }
    }

    /// Learns the name of a country from the answer to an update that sets its id.
    pub(super) fn learn(&mut self, body: &[u8], shown: &Image) {
        if let Some(id) = country_of_request(body)
            && let Some(name) = shown.country_text()
            && self.countries.learn(id, name)
            && self.keeps_images()
            && let Some(images) = &self.images
        {
            images.push_country(id, name);
        }
    }

    /// Completes the update that a control repeats, if updates are completed: an earlier process sent
    /// it with the customer's other values, and the input has the row's own fields only. What cannot be
    /// completed is not repeated.
    pub(super) fn control_read(&self, row: &mut Row, image: &Image, answer: &mut Answer) {
        let (
            Mode::Update(UpdateCare {
                is_complete: true, ..
            }),
            RowContent::Update { body, .. },
        ) = (&self.mode, &mut row.content)
        else {
            return;
        };
        let sent = SentFields::of_request(body).unwrap_or_default();
        match (lay_over(image, &sent, &self.countries), answer) {
            (Ok(complete), _) => *body = complete.body.into(),
            (Err(_), Answer::Response(response)) => response.shown = Some(Shown::Otherwise),
            (Err(_), Answer::Fault(_)) => {}
        }
    }

    /// Takes in the customer in the answer to an update of a plan.
    pub(super) fn updated(&mut self, row: &Row, shown: &Image) -> Result<(), CareError> {
        if let Some(plan) = &mut self.plan {
            plan.updated(row, shown, &self.countries)?;
        }
        Ok(())
    }

    /// Notes the time at which an update of this run changed the row's customer.
    pub(super) fn changed_at(&mut self, row: &mut Row, shown: &Image) {
        if let Mode::Update(care) = &mut self.mode {
            care.changed_at(row, shown);
        }
    }

    /// Whether images of customers are kept for the whole run.
    fn keeps_images(&self) -> bool {
        match self.mode {
            Mode::None | Mode::Preview(_) => false,
            Mode::Update(ref care) => care.has_images(),
            Mode::Undo(_) => true,
        }
    }

    /// Whether the image of the row's customer is kept.
    fn needs_image(&self, row: &Row) -> bool {
        match &self.mode {
            Mode::None | Mode::Preview(_) => false,
            Mode::Update(care) => care.needs_image(row),
            Mode::Undo(_) => true,
        }
    }

    /// Decides about a row whose customer was read before its update.
    pub(super) fn read(
        &mut self,
        about: Undecided,
        row: &mut Row,
        seen: Seen<'_>,
    ) -> Result<Decided, CareError> {
        if let (Mode::Preview(previewer), Some(customer)) = (&mut self.mode, row.id) {
            match seen.image() {
                Some(image) => previewer.shown(customer, image, &self.countries)?,
                None => previewer.not_shown(customer, NotShown::NotReadable)?,
            }
            return Ok(Decided::now(Decision::End(Ending::Unchanged)));
        }
        if !self.shows_loss(row, seen.image())? {
            return self.decide(about, row, seen);
        }
        self.probe.ends(ProbeState::Lost);
        Ok(self.decide(about, row, seen)?.with(Verdict::Lost))
    }

    /// Whether a customer whom an undo reads proves that updates clear what they leave out.
    fn shows_loss(&self, row: &Row, image: Option<&Image>) -> Result<bool, ImagesError> {
        match (&self.mode, row.id, image) {
            (Mode::Undo(undo), Some(id), Some(image)) if self.probe.is_open() => {
                undo.shows_loss(id, image)
            }
            _ => Ok(false),
        }
    }

    fn decide(
        &mut self,
        about: Undecided,
        row: &mut Row,
        seen: Seen<'_>,
    ) -> Result<Decided, CareError> {
        let image = seen.image();
        if self.care_of(row) == Care::Alone && !about.is_alone {
            return Ok(Decided::now(Decision::Later));
        }
        let ending = match image {
            Some(image) => match self.prepare(row, image, about.applied)? {
                Prepared::Write(ending) => ending,
                Prepared::End(ending) => return Ok(Decided::now(Decision::End(ending))),
            },
            None => None,
        };
        if self.care_of(row) == Care::Alone {
            Ok(self.read_alone(about.ticket, row, seen, ending))
        } else {
            Ok(match image {
                Some(image) if self.needs_image(row) => {
                    self.keep_and_write(about.ticket, row, image, ending)
                }
                _ => Decided::now(Decision::Write(ending)),
            })
        }
    }

    /// Makes the update of a row whose customer is shown, if it depends on the customer.
    fn prepare(
        &mut self,
        row: &mut Row,
        image: &Image,
        applied: Applied,
    ) -> Result<Prepared, CareError> {
        if let Some(plan) = &self.plan {
            let fields = plan.conflicts(row, image, &self.countries)?;
            if !fields.is_empty() {
                let sign = ChangeSign::Values;
                return Ok(Prepared::End(Ending::Conflict { fields, sign }));
            }
        }
        match &mut self.mode {
            Mode::None | Mode::Preview(_) => Ok(Prepared::Write(None)),
            Mode::Update(care) => Ok(care.prepare(row, image, applied, &self.countries)),
            Mode::Undo(undo) => {
                let RowContent::Update {
                    id,
                    body,
                    fields,
                    read_first,
                    ..
                } = &mut row.content
                else {
                    unreachable!("only updates are sent");
                };
                let effect = match self.probe.state() {
                    ProbeState::Lost => LeftOutEffect::Cleared,
                    ProbeState::Armed
                    | ProbeState::Kept
                    | ProbeState::Trusted
                    | ProbeState::Unknown => LeftOutEffect::Kept,
                };
                let decision = undo.decide(*id, image, effect, &self.countries)?;
                let read_first = read_first.get_or_insert_default();
                if !std::mem::replace(&mut read_first.is_counted, true) {
                    undo.count(&decision);
                }
                Ok(match decision.next {
                    UndoDecision::End(ending) => Prepared::End(ending),
                    UndoDecision::Write(put, ending) => {
                        let sent = SentFields::of_request(&put).unwrap_or_default();
                        *fields = sent.fields().map(|(field, _)| field).collect();
                        *body = Bytes::from(put);
                        Prepared::Write(ending)
                    }
                })
            }
        }
    }

    /// Decides about a row that goes alone.
    fn read_alone(
        &mut self,
        ticket: Ticket,
        row: &Row,
        seen: Seen<'_>,
        ending: Option<Ending>,
    ) -> Decided {
        let RowContent::Update { body, fields, .. } = &row.content else {
            unreachable!("only updates are sent");
        };
        let countries = &self.countries;
        let is_safe = |image: &Image| {
            let sent = SentFields::of_request(body).unwrap_or_default();
            can_be_put_back(image, &sent, countries)
        };
        let after = self.probe.read(ticket, seen, *fields, is_safe);
        match (after, seen.image()) {
            (AfterRead::Later, _) => Decided::now(Decision::Later),
            (AfterRead::KeepAndWrite, Some(image)) => {
                self.keep_and_write(ticket, row, image, ending)
            }
            (AfterRead::Write, Some(image)) if self.needs_image(row) => {
                self.keep_and_write(ticket, row, image, ending)
            }
            (AfterRead::GiveUp, _) | (AfterRead::KeepAndWrite, None) => {
                self.probe.ends(ProbeState::Unknown);
                Decided::now(Decision::Write(ending)).with(Verdict::Unknown)
            }
            (AfterRead::Write, _) => Decided::now(Decision::Write(ending)),
        }
    }

    /// Decides about a row whose update was refused because its customer was changed after the read.
    pub(super) fn changed(row: &mut Row) -> Decision {
        changed::decide(row)
    }

    /// Decides about a row whose update was applied while it went alone, or whose customer was read
    /// after that. `image` is the customer that the answer shows.
    pub(super) fn applied(&mut self, ticket: Ticket, image: Option<&Image>) -> Decided {
        match self.probe.applied(ticket, image) {
            AfterWrite::Read => Decided::now(Decision::Read),
            AfterWrite::Kept => Decided::now(Decision::Applied).with(Verdict::Kept),
            // An undo goes on with all fields, which also puts back what was lost just now.
            AfterWrite::Lost if matches!(self.mode, Mode::Undo(_)) => {
                Decided::now(Decision::Again).with(Verdict::Lost)
            }
            AfterWrite::Lost => Decided::now(Decision::Drop).with(Verdict::Lost),
            AfterWrite::Applied if self.probe.is_armed() && self.probe.has_read_enough() => {
                self.probe.ends(ProbeState::Unknown);
                Decided::now(Decision::Applied).with(Verdict::Unknown)
            }
            AfterWrite::Applied => Decided::now(Decision::Applied),
        }
    }

    /// Takes the answer to an update that did not go alone. Once the probe has ended without a
    /// verdict, a filled field that the update left out still proves that it is kept.
    pub(super) fn shown(&mut self, fields: FieldSet, image: &Image) -> Option<Verdict> {
        let left_out = FieldSet::ALL.without(fields);
        if self.probe.state() != ProbeState::Unknown
            || image.fields_filled().intersection(left_out).is_empty()
        {
            return None;
        }
        self.probe.ends(ProbeState::Kept);
        Some(Verdict::Kept)
    }

    /// Keeps the image of a row's customer. The update leaves once it is durable.
    fn keep_and_write(
        &mut self,
        ticket: Ticket,
        row: &Row,
        image: &Image,
        ending: Option<Ending>,
    ) -> Decided {
        let RowContent::Update { id, body, .. } = &row.content else {
            unreachable!("only updates are sent");
        };
        let entry = || {
            let at = Timestamp::now();
            ImageEntry::new(row.position.row, *id, image.clone(), body, at)
        };
        if let Mode::Undo(undo) = &mut self.mode
            && self.probe.is_open()
        {
            undo.keep(entry());
        }
        let images = self.images.as_mut().expect("images are kept");
        // The customer is put back by it, perhaps in another process. The file keeps each pair once.
        if let Some(name) = image.country_text()
            && let Some(id) = self.countries.learned_id(name)
        {
            images.push_country(id, name);
        }
        let number = images.push(entry());
        crash::kill_at("image-queued");
        self.waiting
            .push_back((number, ticket, Decision::Write(ending)));
        Decided {
            decision: None,
            verdict: None,
        }
    }

    /// Whether the run is an undo.
    pub(super) fn is_undo(&self) -> bool {
        matches!(self.mode, Mode::Undo(_))
    }

    /// Whether rows wait for their images.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Waits until more images are durable. Cancel-safe.
    pub(super) async fn more_is_durable(&mut self) -> Durable {
        match &mut self.images {
            Some(images) => images.more_is_durable().await,
            None => std::future::pending().await,
        }
    }

    /// The rows whose images are durable, now that this many are, and the decisions about them.
    pub(super) fn durable(&mut self, images: u64) -> Vec<(Ticket, Decision)> {
        let is_durable = |(number, ..): &(u64, Ticket, Decision)| *number <= images;
        let durable = self.waiting.partition_point(is_durable);
        self.waiting
            .drain(..durable)
            .map(|(_, ticket, decision)| (ticket, decision))
            .collect()
    }

    /// No image is written any more, so no row waits for one.
    pub(super) fn give_up(&mut self) {
        self.waiting.clear();
    }

    /// Takes the end of a row whose customer is not shown.
    pub(super) fn ended(&mut self, row: &Row, ending: &Ending) -> Result<(), CareError> {
        let (Mode::Preview(previewer), Some(customer)) = (&mut self.mode, row.id) else {
            return Ok(());
        };
        let why = match ending {
            Ending::Rejected {
                status: NOT_FOUND | GONE,
                ..
            } => NotShown::NotFound,
            Ending::Rejected { .. } | Ending::Failed { .. } => NotShown::NotReadable,
            Ending::Updated { .. }
            | Ending::Unchanged
            | Ending::Conflict { .. }
            | Ending::Unsendable { .. } => return Ok(()),
        };
        Ok(previewer.not_shown(customer, why)?)
    }

    /// Ends the care, and returns what came of it.
    pub(super) fn finish(self) -> CareResult {
        let (undone, previewed) = match self.mode {
            Mode::Undo(undo) => (Some(undo.counts().clone()), None),
            Mode::Preview(previewer) => (None, Some(previewer)),
            Mode::None | Mode::Update(_) => (None, None),
        };
        CareResult {
            left_out: self.probe.state(),
            is_open: self.probe.has_open_rows(),
            undone,
            previewed,
            images: self.images,
        }
    }
}
