//! The findings of a preview in words.

use std::fmt::Write as _;

use crate::contract::Field;
use crate::preview::{FieldFindings, Findings};
use crate::text::{self, counted, grouped};

/// Returns the verdict on the customers of a preview that read all of them, or a sample.
pub(super) fn verdict(findings: &Findings) -> String {
    let among = match findings.not_read {
        0 => counted(findings.customers, "customer"),
        _ => format!("the {} read", counted(findings.read(), "customer")),
    };
    if findings.knows_none() {
        return match (findings.not_found, findings.not_read) {
            (1, 0) => "The customer was not found.".to_owned(),
            (1, _) => "The customer read was not found.".to_owned(),
            (_, 0) => format!("None of the {among} was found."),
            _ => format!("None of {among} was found."),
        };
    }
    let (changed, uncertain) = (findings.changed, findings.uncertain);
    let first = match (changed, uncertain) {
        (0, 0) => format!("Nothing would change for {among}"),
        (0, uncertain) => format!(
            "{} of {among} may change: a field cannot be compared",
            grouped(uncertain)
        ),
        (changed, _) => format!("{} of {among} would change", grouped(changed)),
    };
    // The first words say all about customers of whom nothing, or nothing for certain, changes.
    let others = [
        (
            if changed > 0 { uncertain } else { 0 },
            "may change",
            "may change",
        ),
        (
            if findings.may_change() {
                findings.unchanged
            } else {
                0
            },
            "have their values already",
            "has its values already",
        ),
        (findings.not_found, "were not found", "was not found"),
        (findings.deleted, "are deleted", "is deleted"),
        (
            findings.not_readable,
            "could not be read",
            "could not be read",
        ),
        (findings.not_sent, "would not be sent", "would not be sent"),
        (findings.conflict, "are in conflict", "is in conflict"),
    ];
    let others = others.into_iter().filter(|(count, ..)| *count > 0);
    let others: Vec<_> = others
        .map(|(count, several, one)| {
            let verb = if count == 1 { one } else { several };
            format!("{} {verb}", grouped(count))
        })
        .collect();
    if others.is_empty() {
        format!("{first}.")
    } else {
        format!("{first}; {}.", others.join(", "))
    }
}

/// Returns how far the reading of customers came.
pub(super) fn reading(findings: &Findings) -> String {
    let read = findings.read();
    let verb = if read == 1 { "was" } else { "were" };
    format!(
        "{} of {} {verb} read",
        grouped(read),
        counted(findings.customers, "customer")
    )
}

/// Returns the findings as lines: the fields first, then what looks odd.
pub(super) fn lines(findings: &Findings) -> String {
    let mut lines = String::new();
    let changing = findings.fields.iter().filter(|field| field.changes() > 0);
    let changing: Vec<_> = changing
        .map(|field| {
            [
                text::safe(&field.field),
                counted(field.changes(), "customer"),
                kinds(field),
            ]
        })
        .collect();
    if !changing.is_empty() {
        let width = |column: usize| {
            let cells = changing.iter().filter_map(|cells| cells.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let (names, counts) = (width(0), width(1));
        lines.push('\n');
        for [name, count, kinds] in &changing {
            writeln!(lines, "{name:<names$}  {count:>counts$}  {kinds}").expect(MEMORY);
        }
        lines.push('\n');
    }
    for sign in &findings.odd {
        writeln!(lines, "odd      {sign}").expect(MEMORY);
    }
    for note in notes(findings) {
        writeln!(lines, "note     {note}").expect(MEMORY);
    }
    lines
}

const MEMORY: &str = "writing to a String cannot fail";

/// Returns the changes of a field by kind, as in "371 replaced, 12 filled".
fn kinds(field: &FieldFindings) -> String {
    let kinds = [
        (field.replaced, "replaced"),
        (field.next_day, "moved by one day (a time zone?)"),
        (field.filled, "filled"),
        (field.cleared, "cleared"),
        (field.spelling, "spelled otherwise"),
        (field.unknown, "not comparable"),
    ];
    let kinds = kinds.into_iter().filter(|(count, _)| *count > 0);
    let kinds: Vec<_> = kinds
        .map(|(count, kind)| format!("{} {kind}", grouped(count)))
        .collect();
    kinds.join(", ")
}

fn notes(findings: &Findings) -> Vec<String> {
    let mut notes = Vec::new();
    let left_out = findings.fields.iter().filter(|field| field.left_out > 0);
    let left_out: Vec<_> = left_out
        .map(|field| format!("{} {}", field.field, grouped(field.left_out)))
        .collect();
    if !left_out.is_empty() {
        notes.push(format!(
            "filled fields that requests leave out, which are lost if the API clears them (custsync help fields-left-out): {}",
            left_out.join(", ")
        ));
    }
    let unknown = findings.fields.iter().filter(|field| field.unknown > 0);
    notes.extend(unknown.map(|field| {
        let why = if field.field == Field::CountryId.name() {
            "the API shows the name of a country, and [values.country_id] tells its id (custsync help mapping)"
        } else {
            "the API does not show it"
        };
        format!(
            "{} of {} cannot be compared: {why}",
            field.field,
            counted(field.unknown, "customer")
        )
    }));
    if findings.rows_not_sent > 0 {
        notes.push(format!(
            "{} would not be sent: a value of the customer would be lost, and cannot be sent again",
            counted(findings.rows_not_sent, "row")
        ));
    }
    if findings.rows_conflict > 0 {
        let (rows, whose) = match findings.rows_conflict {
            1 => ("1 row".to_owned(), "its customer was"),
            rows => (counted(rows, "row"), "their customers were"),
        };
        notes.push(format!(
            "{rows} would be in conflict: {whose} changed after the time in --unless-changed-since"
        ));
    }
    if findings.not_read > 0 {
        let verb = if findings.not_read == 1 {
            "was"
        } else {
            "were"
        };
        notes.push(format!(
            "{} {verb} not read",
            counted(findings.not_read, "customer")
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings() -> Findings {
        Findings {
            rows: 1_200,
            customers: 1_000,
            changed: 402,
            unchanged: 597,
            not_found: 1,
            fields: vec![
                FieldFindings {
                    field: "email".to_owned(),
                    replaced: 371,
                    filled: 12,
                    cleared: 19,
                    ..FieldFindings::default()
                },
                FieldFindings {
                    field: "job".to_owned(),
                    unknown: 1,
                    left_out: 7,
                    ..FieldFindings::default()
                },
            ],
            odd: vec!["Something is odd.".to_owned()],
            ..Findings::default()
        }
    }

    #[test]
    fn fields_come_first_and_then_what_is_odd() {
        assert_eq!(
            lines(&findings()),
            "\nemail  402 customers  371 replaced, 12 filled, 19 cleared\njob       1 customer  1 not comparable\n\n\
             odd      Something is odd.\n\
             note     filled fields that requests leave out, which are lost if the API clears them (custsync help fields-left-out): job 7\n\
             note     job of 1 customer cannot be compared: the API does not show it\n"
        );
        assert_eq!(lines(&Findings::default()), "");
    }

    #[test]
    fn a_verdict_counts_all_customers() {
        assert_eq!(
            verdict(&findings()),
            "402 of 1,000 customers would change; 597 have their values already, 1 was not found."
        );
        let deleted = Findings {
            changed: 400,
            deleted: 2,
            ..findings()
        };
        assert_eq!(
            verdict(&deleted),
            "400 of 1,000 customers would change; 597 have their values already, 1 was not found, 2 are deleted."
        );
        let conflict = Findings {
            customers: 3,
            unchanged: 1,
            conflict: 2,
            rows_conflict: 3,
            ..Findings::default()
        };
        assert_eq!(
            verdict(&conflict),
            "Nothing would change for 3 customers; 2 are in conflict."
        );
        assert_eq!(
            lines(&conflict),
            "note     3 rows would be in conflict: their customers were changed after the time in --unless-changed-since\n"
        );
        let equal = Findings {
            customers: 1,
            unchanged: 1,
            ..Findings::default()
        };
        assert_eq!(verdict(&equal), "Nothing would change for 1 customer.");
        let uncertain = Findings {
            customers: 3,
            uncertain: 2,
            unchanged: 1,
            ..Findings::default()
        };
        assert_eq!(
            verdict(&uncertain),
            "2 of 3 customers may change: a field cannot be compared; 1 has its values already."
        );
        let both = Findings {
            changed: 4,
            customers: 7,
            ..uncertain
        };
        assert_eq!(
            verdict(&both),
            "4 of 7 customers would change; 2 may change, 1 has its values already."
        );
        let check = |not_found: u64, not_read: u64, want: &str| {
            let unknown = Findings {
                customers: not_found + not_read,
                not_found,
                not_read,
                ..Findings::default()
            };
            assert_eq!(verdict(&unknown), want);
        };
        check(400, 0, "None of the 400 customers was found.");
        check(20, 7, "None of the 20 customers read was found.");
        check(1, 0, "The customer was not found.");
        check(1, 7, "The customer read was not found.");
        let sample = Findings {
            customers: 1_000,
            not_read: 900,
            changed: 100,
            ..Findings::default()
        };
        assert_eq!(
            verdict(&sample),
            "100 of the 100 customers read would change."
        );
    }
}
