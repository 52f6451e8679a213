//! Answers that show other values than were sent.

use super::*;
use crate::contract::{CountryNames, Echo, Field, FieldSet, ShownFields};

/// An answer that shows another e-mail address than was sent.
fn shows_another_email() -> Answer {
    let email: FieldSet = [Field::Email].into_iter().collect();
    shows_echo(Echo {
        compared: email,
        differs: email,
        ..Echo::default()
    })
}

fn shows_echo(echo: Echo) -> Answer {
    Answer::Response(Response {
        status: 200,
        body: Body::APPLIED,
        echo: Some(echo),
        ..Response::default()
    })
}

fn checked(echo: EchoCheck) -> Rules {
    Rules {
        echo,
        error_limit: ErrorLimit::Count(0),
        ..rules()
    }
}

#[test]
fn twenty_rows_in_a_row_that_differ_stop_a_run_that_rejects_them() {
    let run = Run::new(checked(EchoCheck::Reject), 30).run_on(|_| shows_another_email());
    let stop = run.schedule.stopped().expect("a stop");
    assert_eq!(
        stop.to_string(),
        "20 rows in a row were applied, and the API shows other values than were sent: email (--echo reject; --echo warn goes on)"
    );
    assert_eq!((run.sent.len(), run.ended.len()), (20, 20));
    run.ends(20, "updated 200", 1);
}

#[test]
fn rows_that_are_shown_as_sent_in_between_let_a_run_go_on() {
    let run = Run::new(checked(EchoCheck::Reject), 60).run_on(|sent| {
        if sent.row % 20 == 0 {
            shows_echo(Echo {
                compared: FieldSet::ALL,
                spelling: FieldSet::ALL,
                ..Echo::default()
            })
        } else {
            shows_another_email()
        }
    });
    run.all_updated(60);
}

#[test]
fn a_warning_stops_nothing_and_names_the_field() {
    let run = Run::new(checked(EchoCheck::Warn), 60).run_on(|_| shows_another_email());
    run.all_updated(60);
    let fields = run.schedule.fields_never_as_sent();
    assert_eq!(fields.names().collect::<Vec<_>>(), ["email"]);
}

#[test]
fn countries_are_compared_by_the_users_texts() {
    let echo = |id: u64| {
        let sent = format!(r#"{{"country_id":{id}}}"#);
        let mut fields = ShownFields::default();
        fields.put(Field::CountryId, "\"LAND\"");
        shows_echo(Echo::of(sent.as_bytes(), &fields))
    };
    let mut run = Run::new(checked(EchoCheck::Reject), 30);
    let texts = [("Land", "4")];
    run.schedule = run.schedule.with_countries(CountryNames::of_texts(texts));
    let run = run.run_on(|sent| echo(if sent.row < 5 { 4 } else { 3 }));
    let stop = run.schedule.stopped().expect("a stop").to_string();
    assert!(stop.contains("country_id"), "{stop}");
    assert_eq!(run.ended.len(), 24);
    let fields = |row| match run.ended(row).ending {
        Ending::Updated {
            echo: Some(echo), ..
        } => (echo.compared, echo.differs),
        _ => panic!("{:?}", run.ended(row)),
    };
    let country: FieldSet = [Field::CountryId].into_iter().collect();
    assert_eq!(fields(1), (country, FieldSet::EMPTY));
    assert_eq!(fields(5), (country, country));
}

#[test]
fn an_ended_row_carries_what_its_last_answer_shows() {
    let mut run = Run::new(rules(), 1);
    let [sent] = run.sends(&[1])[..] else {
        panic!("one request")
    };
    run.answered(sent, api(500));
    let sent = run.leaves().expect("a retry");
    run.answered(sent, shows_another_email());
    run.step();
    let Ending::Updated {
        echo: Some(echo), ..
    } = run.ended(1).ending
    else {
        panic!("{:?}", run.ended(1));
    };
    assert_eq!(echo.differs.names().collect::<Vec<_>>(), ["email"]);
}
