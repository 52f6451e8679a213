//! The left-out probe: finds out on as few customers as possible whether the API keeps the fields
//! that an update leaves out, which its pages do not say.
//!
//! Until the verdict, rows that leave fields out go alone. Each customer is read before, and the
//! answer to the update, or another read, shows whether a field that was filled is empty now.

use std::collections::{BTreeMap, BTreeSet};

use super::seen::Seen;
use crate::contract::{FieldSet, Image};
use crate::schedule::Ticket;

/// The most customers that are read for the probe. Without a verdict the run goes on after them.
const READS_MAX: usize = 20;

/// The probe.
#[derive(Debug)]
pub(super) struct LeftOutProbe {
    state: ProbeState,
    reads: usize,
    /// The rows that other rows were to go before.
    put_off: BTreeSet<Ticket>,
    /// The rows that were read and have no verdict, in doubt or under way.
    rows: BTreeMap<Ticket, ProbedRow>,
}

/// The state of the probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProbeState {
    /// Rows that leave fields out go alone.
    Armed,
    /// The API keeps what is left out.
    Kept,
    /// The user says that it does, or every update sets all fields.
    Trusted,
    /// The API clears what is left out.
    Lost,
    /// It is not known, and nothing more is read to find out.
    Unknown,
}

/// A row that was read for the probe.
#[derive(Debug)]
struct ProbedRow {
    image: Image,
    /// The filled fields that its update leaves out.
    at_risk: FieldSet,
    /// Whether its customer was read after the update.
    is_verified: bool,
}

/// The next step for a row whose customer was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterRead {
    /// Its update may leave; nothing can be lost.
    Write,
    /// Its update may leave once the image is durable.
    KeepAndWrite,
    /// It would be hard to put back, so other rows go before.
    Later,
    /// The customer cannot be read, so nothing will be known.
    GiveUp,
}

/// The meaning of an applied update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterWrite {
    /// It shows nothing new.
    Applied,
    /// The customer has to be read.
    Read,
    /// The API keeps what is left out.
    Kept,
    /// The API cleared what was left out.
    Lost,
}

impl LeftOutProbe {
    /// A probe in this state.
    pub(super) fn new(state: ProbeState) -> LeftOutProbe {
        LeftOutProbe {
            state,
            reads: 0,
            put_off: BTreeSet::new(),
            rows: BTreeMap::new(),
        }
    }

    pub(super) fn state(&self) -> ProbeState {
        self.state
    }

    pub(super) fn is_armed(&self) -> bool {
        self.state == ProbeState::Armed
    }

    /// Ends the probe with this result.
    pub(super) fn ends(&mut self, state: ProbeState) {
        self.state = state;
    }

    /// Takes what the read shows of the customer of a row that sets `fields`. `is_safe` is whether the
    /// customer can be put back as a whole.
    pub(super) fn read(
        &mut self,
        ticket: Ticket,
        seen: Seen<'_>,
        fields: FieldSet,
        is_safe: impl FnOnce(&Image) -> bool,
    ) -> AfterRead {
        let image = match seen {
            Seen::Customer(image) => image,
            // A test customer, perhaps: the next one may exist.
            Seen::NoCustomer if !self.has_read_enough() => {
                self.reads += 1;
                return AfterRead::Write;
            }
            Seen::NoCustomer | Seen::Nothing => return AfterRead::GiveUp,
        };
        self.reads += 1;
        let left_out = FieldSet::ALL.without(fields);
        let at_risk = image.fields_filled().intersection(left_out);
        // A customer who can be put back as a whole goes first. Without any, one who cannot is still
        // better than all of them.
        if !at_risk.is_empty()
            && !is_safe(image)
            && !self.has_read_enough()
            && self.put_off.insert(ticket)
        {
            return AfterRead::Later;
        }
        let row = ProbedRow {
            image: image.clone(),
            at_risk,
            is_verified: false,
        };
        self.rows.insert(ticket, row);
        if at_risk.is_empty() {
            AfterRead::Write
        } else {
            AfterRead::KeepAndWrite
        }
    }

    /// Whether so many customers were read that the run goes on without a verdict.
    pub(super) fn has_read_enough(&self) -> bool {
        self.reads >= READS_MAX
    }

    /// Whether an update was sent whose effect on filled fields is not known.
    pub(super) fn has_open_rows(&self) -> bool {
        self.rows.values().any(|row| !row.at_risk.is_empty())
    }

    /// Takes the answer to a row's applied update, or to the read after it.
    pub(super) fn applied(&mut self, ticket: Ticket, shown: Option<&Image>) -> AfterWrite {
        let Some(row) = self.rows.get_mut(&ticket) else {
            return AfterWrite::Applied;
        };
        if row.at_risk.is_empty() || !self.state.is_open() {
            self.rows.remove(&ticket);
            return AfterWrite::Applied;
        }
        let verdict = shown.and_then(|shown| verdict(row, shown));
        match verdict {
            None if !row.is_verified => {
                row.is_verified = true;
                AfterWrite::Read
            }
            None => {
                self.rows.remove(&ticket);
                AfterWrite::Applied
            }
            Some(AfterWrite::Lost) => {
                self.state = ProbeState::Lost;
                AfterWrite::Lost
            }
            Some(verdict) => {
                self.state = ProbeState::Kept;
                self.rows.clear();
                verdict
            }
        }
    }

    /// Whether an answer may still show more.
    pub(super) fn is_open(&self) -> bool {
        self.state.is_open()
    }

    /// Whether the customer that the answer to an update of `fields` shows is needed: fields that it
    /// leaves out may show what becomes of them, and the name of a country helps to put back a
    /// customer whom the probe is still to read.
    pub(super) fn needs_customer(
        &self,
        fields: FieldSet,
        teaches_country: impl FnOnce() -> bool,
    ) -> bool {
        let leaves_out = fields != FieldSet::ALL;
        match self.state {
            ProbeState::Armed => leaves_out || teaches_country(),
            ProbeState::Unknown => leaves_out,
            ProbeState::Kept | ProbeState::Trusted | ProbeState::Lost => false,
        }
    }
}

impl ProbeState {
    /// Whether the API keeps what is left out, if that was found out.
    pub(crate) fn is_kept(self) -> Option<bool> {
        match self {
            ProbeState::Kept => Some(true),
            ProbeState::Lost => Some(false),
            ProbeState::Armed | ProbeState::Trusted | ProbeState::Unknown => None,
        }
    }

    /// Whether an answer may still show more.
    fn is_open(self) -> bool {
        matches!(self, ProbeState::Armed | ProbeState::Unknown)
    }
}

/// The verdict of a customer who is shown after the update, if there is one.
fn verdict(row: &ProbedRow, shown: &Image) -> Option<AfterWrite> {
    if !row.image.filled_but_lost(shown, row.at_risk).is_empty() {
        return Some(AfterWrite::Lost);
    }
    let kept = shown.fields_filled().intersection(row.at_risk);
    (!kept.is_empty()).then_some(AfterWrite::Kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{CustomerId, Field};

    /// A customer with these members.
    fn image(members: &str) -> Image {
        let body = format!(r#"{{"data":{{"id":7,{members}}}}}"#);
        let id = CustomerId::new(7).expect("an id");
        Image::of_answer(body.as_bytes(), id).expect("the customer is shown")
    }

    fn ticket(number: u64) -> Ticket {
        Ticket::numbered(number)
    }

    fn email() -> FieldSet {
        [Field::Email].into_iter().collect()
    }

    /// Takes a customer who could be put back.
    fn read(probe: &mut LeftOutProbe, number: u64, members: &str) -> AfterRead {
        probe.read(
            ticket(number),
            Seen::Customer(&image(members)),
            email(),
            |_| true,
        )
    }

    const FILLED: &str = r#""job":"Nurse","email":"a@b.example""#;

    #[test]
    fn a_filled_field_shows_what_becomes_of_fields_that_are_left_out() {
        let check = |shown: &str, want: AfterWrite, state: ProbeState| {
            let mut probe = LeftOutProbe::new(ProbeState::Armed);
            assert_eq!(read(&mut probe, 1, FILLED), AfterRead::KeepAndWrite);
            assert_eq!(
                probe.applied(ticket(1), Some(&image(shown))),
                want,
                "{shown}"
            );
            assert_eq!(probe.state(), state, "{shown}");
        };
        check(r#""job":"Nurse""#, AfterWrite::Kept, ProbeState::Kept);
        // Somebody has changed it at the same time, but it was not cleared.
        check(r#""job":"Clerk""#, AfterWrite::Kept, ProbeState::Kept);
        check(r#""job":null"#, AfterWrite::Lost, ProbeState::Lost);
        check(r#""job":"""#, AfterWrite::Lost, ProbeState::Lost);
        // It is not shown, so the customer is read.
        check(r#""email":null"#, AfterWrite::Read, ProbeState::Armed);
    }

    #[test]
    fn an_answer_that_shows_nothing_is_followed_by_one_read() {
        let mut probe = LeftOutProbe::new(ProbeState::Armed);
        read(&mut probe, 1, FILLED);
        assert_eq!(probe.applied(ticket(1), None), AfterWrite::Read);
        assert!(probe.has_open_rows());
        assert_eq!(probe.applied(ticket(1), None), AfterWrite::Applied);
        assert!(probe.is_armed() && !probe.has_open_rows());
        read(&mut probe, 2, FILLED);
        assert_eq!(probe.applied(ticket(2), None), AfterWrite::Read);
        let shown = image(r#""job":null"#);
        assert_eq!(probe.applied(ticket(2), Some(&shown)), AfterWrite::Lost);
    }

    #[test]
    fn a_customer_who_can_lose_nothing_shows_nothing() {
        let mut probe = LeftOutProbe::new(ProbeState::Armed);
        for number in 1..READS_MAX as u64 {
            let members = r#""email":"a@b.example","job":null,"address":"""#;
            assert_eq!(read(&mut probe, number, members), AfterRead::Write);
            let applied = probe.applied(ticket(number), Some(&image(members)));
            assert_eq!(applied, AfterWrite::Applied);
            assert!(!probe.has_read_enough());
        }
        assert_eq!(read(&mut probe, 99, FILLED), AfterRead::KeepAndWrite);
        assert!(probe.has_read_enough());
    }

    #[test]
    fn a_customer_who_can_be_put_back_goes_before_one_who_cannot() {
        let mut probe = LeftOutProbe::new(ProbeState::Armed);
        let image = image(FILLED);
        let read = |probe: &mut LeftOutProbe, number| {
            probe.read(ticket(number), Seen::Customer(&image), email(), |_| false)
        };
        assert_eq!(read(&mut probe, 1), AfterRead::Later);
        assert_eq!(read(&mut probe, 2), AfterRead::Later);
        // All others were put off, too.
        assert_eq!(read(&mut probe, 1), AfterRead::KeepAndWrite);
        let mut probe = LeftOutProbe::new(ProbeState::Armed);
        let later = (1..).map(|number| read(&mut probe, number));
        let later = later.take_while(|after| *after == AfterRead::Later).count();
        assert_eq!(later, READS_MAX - 1);
    }

    #[test]
    fn an_update_of_all_fields_shows_nothing_but_the_name_of_a_country() {
        let check = |state: ProbeState, fields: FieldSet, teaches: bool, want: bool| {
            let probe = LeftOutProbe::new(state);
            let needs = probe.needs_customer(fields, || teaches);
            assert_eq!(needs, want, "{state:?} {fields:?} {teaches}");
        };
        for teaches in [true, false] {
            check(ProbeState::Armed, email(), teaches, true);
            check(ProbeState::Armed, FieldSet::ALL, teaches, teaches);
            // No other customer will be read, so none has to be put back with what is learned.
            check(ProbeState::Unknown, email(), teaches, true);
            check(ProbeState::Unknown, FieldSet::ALL, teaches, false);
            for ended in [ProbeState::Kept, ProbeState::Trusted, ProbeState::Lost] {
                check(ended, email(), teaches, false);
                check(ended, FieldSet::ALL, teaches, false);
            }
        }
    }

    #[test]
    fn without_reads_it_gives_up() {
        let mut probe = LeftOutProbe::new(ProbeState::Armed);
        // A test customer may not exist; the next one may.
        for number in 1..=READS_MAX as u64 {
            let after = probe.read(ticket(number), Seen::NoCustomer, email(), |_| true);
            assert_eq!(after, AfterRead::Write);
        }
        let after = probe.read(ticket(98), Seen::NoCustomer, email(), |_| true);
        assert_eq!(after, AfterRead::GiveUp);
        let mut probe = LeftOutProbe::new(ProbeState::Armed);
        let after = probe.read(ticket(99), Seen::Nothing, email(), |_| true);
        assert_eq!(after, AfterRead::GiveUp);
    }
}
