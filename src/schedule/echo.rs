//! The echo check over the rows of a run: whether rows in a row differ (`--echo reject`), and which
//! fields the API has never shown as they were sent.

use super::stop::StopReason;
use crate::contract::{CountryNames, Echo, EchoCheck, FIELDS, Field, FieldSet};

/// The rows in a row that stop a run with `--echo reject`.
const ROWS_IN_A_ROW_MAX: u32 = 20;
/// The first answers that show a field, by which it is told at once that it always differs.
const FIRST_ANSWERS: u8 = 20;

/// The echoes of the rows that were applied.
#[derive(Debug)]
pub(super) struct Echoes {
    check: EchoCheck,
    countries: CountryNames,
    in_a_row: InARow,
    /// The first answers that showed each field that differed in all of them, so far.
    first: [u8; FIELDS.len()],
    /// The fields that an early answer showed as they were sent.
    shown_as_sent: FieldSet,
    /// The fields that differed in all first answers.
    never_as_sent: FieldSet,
}

/// The applied rows in a row that differ.
#[derive(Debug, Default)]
struct InARow {
    rows: u32,
    /// The fields that differ in at least one of them.
    fields: FieldSet,
}

impl Echoes {
    pub(super) fn new(check: EchoCheck) -> Echoes {
        Echoes {
            check,
            countries: CountryNames::default(),
            in_a_row: InARow::default(),
            first: [0; FIELDS.len()],
            shown_as_sent: FieldSet::EMPTY,
            never_as_sent: FieldSet::EMPTY,
        }
    }

    pub(super) fn set_countries(&mut self, countries: CountryNames) {
        self.countries = countries;
    }

    /// Returns the echo with its country compared, and learns the country's name.
    pub(super) fn completed(&mut self, mut echo: Echo) -> Echo {
        self.countries.complete(&mut echo);
        echo
    }

    /// Takes in an applied row, whose answer may show nothing. Returns the reason to stop, if there
    /// is one.
    pub(super) fn applied(&mut self, echo: Option<Echo>) -> Option<StopReason> {
        let echo = echo.filter(|echo| !echo.compared.is_empty())?;
        self.count_first(echo);
        if echo.differs.is_empty() {
            self.in_a_row = InARow::default();
            return None;
        }
        self.in_a_row.rows += 1;
        self.in_a_row.fields = self.in_a_row.fields.union(echo.differs);
        let is_too_many =
            self.check == EchoCheck::Reject && self.in_a_row.rows >= ROWS_IN_A_ROW_MAX;
        is_too_many.then_some(StopReason::EchoDiffers {
            rows: self.in_a_row.rows,
            fields: self.in_a_row.fields,
        })
    }

    /// The fields that differ in all of the first 20 answers that show them.
    pub(super) fn never_as_sent(&self) -> FieldSet {
        self.never_as_sent
    }

    fn count_first(&mut self, echo: Echo) {
        let as_sent = echo.compared.without(echo.differs);
        self.shown_as_sent = self
            .shown_as_sent
            .union(as_sent.without(self.never_as_sent));
        let decided = self.shown_as_sent.union(self.never_as_sent);
        for field in echo.differs.without(decided).iter() {
            self.count_differing(field);
        }
    }

    fn count_differing(&mut self, field: Field) {
        if let Some(answers) = self.first.get_mut(field.index()) {
            *answers += 1;
            if *answers >= FIRST_ANSWERS {
                self.never_as_sent.insert(field);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(fields: &[Field]) -> FieldSet {
        fields.iter().copied().collect()
    }

    /// An answer that shows these fields with another value, and those as they were sent.
    fn echo(differs: &[Field], as_sent: &[Field]) -> Echo {
        Echo {
            compared: set(differs).union(set(as_sent)),
            differs: set(differs),
            ..Echo::default()
        }
    }

    #[test]
    fn only_rows_in_a_row_that_differ_stop_a_run() {
        const EMAIL: &[Field] = &[Field::Email];
        let spelling = Some(Echo {
            compared: set(EMAIL),
            spelling: set(EMAIL),
            ..Echo::default()
        });
        let check = |check: EchoCheck, between: Option<Echo>, want: Option<u32>| {
            let mut echoes = Echoes::new(check);
            for _ in 1..ROWS_IN_A_ROW_MAX {
                assert_eq!(echoes.applied(Some(echo(EMAIL, &[]))), None);
            }
            assert_eq!(echoes.applied(between), None, "{between:?}");
            let stop = echoes.applied(Some(echo(&[Field::Job], EMAIL)));
            let want = want.map(|rows| StopReason::EchoDiffers {
                rows,
                fields: set(&[Field::Email, Field::Job]),
            });
            assert_eq!(stop, want, "{between:?}");
        };
        // An answer that shows nothing says nothing.
        for nothing in [None, Some(Echo::default())] {
            check(EchoCheck::Reject, nothing, Some(ROWS_IN_A_ROW_MAX));
            check(EchoCheck::Warn, nothing, None);
        }
        for good in [Some(echo(&[], &[Field::Job])), spelling] {
            check(EchoCheck::Reject, good, None);
        }
    }

    #[test]
    fn a_field_is_told_once_the_first_answers_that_show_it_all_differ() {
        let (email, job) = (Field::Email, Field::Job);
        let mut echoes = Echoes::new(EchoCheck::Warn);
        echoes.applied(Some(echo(&[], &[job])));
        for _ in 1..FIRST_ANSWERS {
            echoes.applied(Some(echo(&[email, job], &[])));
            echoes.applied(Some(echo(&[], &[Field::Gender])));
            echoes.applied(None);
        }
        assert_eq!(echoes.never_as_sent(), FieldSet::EMPTY);
        echoes.applied(Some(echo(&[email, job], &[])));
        assert_eq!(echoes.never_as_sent(), set(&[email]));
        // It stays told, whatever comes later.
        for _ in 0..100 {
            echoes.applied(Some(echo(&[job], &[email])));
        }
        assert_eq!(echoes.never_as_sent(), set(&[email]));
    }
}
