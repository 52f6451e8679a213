//! Decides about rows whose customer was read: keeps its image, completes the update, and finds out
//! whether the API keeps the fields that an update leaves out.

mod left_out;

use std::collections::VecDeque;

use jiff::Timestamp;

pub(crate) use self::left_out::ProbeState;
use self::left_out::{AfterRead, AfterWrite, LeftOutProbe, country_can_be_put_back};
use super::super::image_writer::{Durable, ImageWriter};
use crate::api::reading::KeepImage;
use crate::contract::{Countries, CustomerId, Field, FieldSet, Image, SentFields};
use crate::journal::ImageEntry;
use crate::row::{Row, RowContent};
use crate::schedule::{Care, Decision, Request, Ticket};

/// The settings of what is done with a customer before and after its update.
#[derive(Debug)]
pub(crate) struct CareSettings {
    /// The use of the customer that is read before an update.
    pub mode: ReadMode,
    /// What is known of the fields that an update leaves out.
    pub left_out: ProbeState,
    /// The ids and names of countries.
    pub countries: Countries,
    /// Keeps images; `None` if no customer is read.
    pub images: Option<ImageWriter>,
}

/// The use of the customer that is read before an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadMode {
    /// None: it is not read.
    None,
    /// Its image is kept, to put the customer back (`--undoable`).
    Keep,
}

/// The state of all of it.
#[derive(Debug)]
pub(super) struct Carer {
    mode: ReadMode,
    probe: LeftOutProbe,
    countries: Countries,
    images: Option<ImageWriter>,
    /// Rows whose update leaves once their image is durable, in the order of the images.
    waiting: VecDeque<(u64, Ticket)>,
}

/// The decision about a row, and what was found out.
#[derive(Debug)]
pub(super) struct Decided {
    /// The decision; `None` if the row waits for its image to be durable.
    pub(super) decision: Option<Decision>,
    /// The verdict about fields that are left out, if there is one now.
    pub(super) verdict: Option<Verdict>,
}

/// The result of the probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The API keeps fields that are left out.
    Kept,
    /// The API clears them.
    Lost,
    /// It is not known: customers cannot be read, or none of those that were read showed it.
    Unknown,
}

impl Decided {
    fn now(decision: Decision) -> Decided {
        Decided {
            decision: Some(decision),
            verdict: None,
        }
    }

    fn with(self, verdict: Verdict) -> Decided {
        Decided {
            verdict: Some(verdict),
            ..self
        }
    }
}

impl Carer {
    pub(super) fn new(settings: CareSettings) -> Carer {
        let CareSettings {
            mode,
            left_out,
            countries,
            images,
        } = settings;
        Carer {
            mode,
            probe: LeftOutProbe::new(left_out),
            countries,
            images,
            waiting: VecDeque::new(),
        }
    }

    /// The care that a row's update needs.
    pub(super) fn care_of(&self, row: &Row) -> Care {
        let leaves_out = row
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
            ReadMode::None => Care::None,
            ReadMode::Keep => Care::Read,
        }
    }

    /// Whether the customer in an answer is needed.
    pub(super) fn keeps_image(&self, request: Request) -> KeepImage {
        let is_needed = match request {
            Request::Read => true,
            Request::Write => self.mode != ReadMode::None || self.probe.is_open(),
        };
        if is_needed {
            KeepImage::Yes
        } else {
            KeepImage::No
        }
    }

    /// Learns the name of a country from the answer to an update that sets its id.
    pub(super) fn learn(&mut self, body: &[u8], shown: &Image) {
        let Some((id, name)) = country_of(body, shown) else {
            return;
        };
        if self.countries.learn(id, &name)
            && self.mode != ReadMode::None
            && let Some(images) = &self.images
        {
            images.push_country(id, &name);
        }
    }

    /// Decides about a row whose customer was read before its update. `image` is `None` if the read
    /// was refused, and `is_alone` says whether the row goes alone.
    pub(super) fn read(
        &mut self,
        ticket: Ticket,
        row: &Row,
        image: Option<&Image>,
        is_alone: bool,
    ) -> Decided {
        let RowContent::Update {
            id, body, fields, ..
        } = &row.content
        else {
            unreachable!("only updates are sent");
        };
        if self.care_of(row) != Care::Alone {
            return match image {
                Some(image) => self.keep_and_write(ticket, row.position.row, *id, image, body),
                None => Decided::now(Decision::Write(None)),
            };
        }
        if !is_alone {
            return Decided::now(Decision::Later);
        }
        let countries = &self.countries;
        let can_be_put_back = |image: &Image| country_can_be_put_back(image, *fields, countries);
        match (
            self.probe.read(ticket, image, *fields, can_be_put_back),
            image,
        ) {
            (AfterRead::Write, Some(image)) if self.mode == ReadMode::Keep => {
                self.keep_and_write(ticket, row.position.row, *id, image, body)
            }
            (AfterRead::KeepAndWrite, Some(image)) => {
                self.keep_and_write(ticket, row.position.row, *id, image, body)
            }
            (AfterRead::Later, _) => Decided::now(Decision::Later),
            (AfterRead::GiveUp, Some(image)) if self.mode == ReadMode::Keep => {
                self.probe.ends(ProbeState::Unknown);
                self.keep_and_write(ticket, row.position.row, *id, image, body)
                    .with(Verdict::Unknown)
            }
            (AfterRead::GiveUp, _) => {
                self.probe.ends(ProbeState::Unknown);
                Decided::now(Decision::Write(None)).with(Verdict::Unknown)
            }
            (AfterRead::Write | AfterRead::KeepAndWrite, _) => Decided::now(Decision::Write(None)),
        }
    }

    /// Decides about a row whose update was applied while it went alone, or whose customer was read
    /// after that. `image` is the customer that the answer shows.
    pub(super) fn applied(&mut self, ticket: Ticket, image: Option<&Image>) -> Decided {
        match self.probe.applied(ticket, image) {
            AfterWrite::Read => Decided::now(Decision::Read),
            AfterWrite::Kept => Decided::now(Decision::Applied).with(Verdict::Kept),
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

    fn keep_and_write(
        &mut self,
        ticket: Ticket,
        row: u64,
        id: CustomerId,
        image: &Image,
        body: &[u8],
    ) -> Decided {
        let images = self.images.as_mut().expect("images are kept");
        let entry = ImageEntry::new(row, id, image.clone(), body, Timestamp::now());
        self.waiting.push_back((images.push(entry), ticket));
        Decided {
            decision: None,
            verdict: None,
        }
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

    /// The rows whose images are durable, now that this many are.
    pub(super) fn durable(&mut self, images: u64) -> Vec<Ticket> {
        let durable = self
            .waiting
            .partition_point(|(number, _)| *number <= images);
        self.waiting
            .drain(..durable)
            .map(|(_, ticket)| ticket)
            .collect()
    }

    /// No image is written any more, so no row waits for one.
    pub(super) fn give_up(&mut self) {
        self.waiting.clear();
    }

    /// Ends the writing of images, and returns the state of the probe.
    pub(super) fn finish(self) -> (ProbeState, Option<ImageWriter>) {
        (self.probe.state(), self.images)
    }
}

/// The id that an update sets, and the name of the country in its answer.
fn country_of(body: &[u8], shown: &Image) -> Option<(i64, String)> {
    let name = shown.country_text()?;
    let sent = SentFields::of_request(body)?;
    let id = sent
        .fields()
        .find_map(|(field, value)| (field == Field::CountryId).then(|| value.as_integer()))??;
    Some((id, name.to_owned()))
}
