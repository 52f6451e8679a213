//! Fields that are sent only where the API has none (`--fill`).
//!
//! A field counts as empty if the customer had none before the run: a later row of the run may set
//! again what an earlier row has filled. So each image in which an update fills a field is durable
//! before the update leaves, and tells later processes of the run.

use std::collections::BTreeMap;

use rapidhash::RapidHashMap;
use roaring::RoaringTreemap;

use crate::contract::{CustomerId, Field, FieldSet, FillRule, Image, SentFields, body_of_fields};
use crate::journal::ImageEntry;
use crate::row::RowRequest;

/// The fields that are sent only where the API has none, and the customers of whom this run has
/// filled them.
#[derive(Debug, Default)]
pub(crate) struct Fill {
    rule: FillRule,
    /// The ids take at most 51 bytes each, and usually less than 5.
    filled: BTreeMap<Field, RoaringTreemap>,
    /// The rows without a good end whose updates may have been applied by an earlier process.
    in_doubt: RoaringTreemap,
}

/// The last image of each customer among those that are taken up: its row, and the fields that the
/// row's update has filled and that no earlier one did.
#[derive(Debug, Default)]
pub(crate) struct KeptFills(RapidHashMap<CustomerId, (u64, FieldSet)>);

/// The part of a row's request that may be sent.
#[derive(Debug)]
pub(super) struct Filling {
    /// The request; none if no field is left.
    pub(super) request: Option<RowRequest>,
    /// The fields that it fills and that no earlier update of the run did.
    pub(super) fills: FieldSet,
}

impl Fill {
    /// Fields that no update of the run has filled yet.
    pub(crate) fn new(fields: FieldSet) -> Fill {
        Fill {
            rule: FillRule::new(fields),
            filled: BTreeMap::new(),
            in_doubt: RoaringTreemap::new(),
        }
    }

    /// Takes up an image that an earlier process kept. They come in the order in which they were
    /// kept.
    ///
    /// A row that was decided anew has several. A field that its later update left out has got a
    /// value of another since, and its earlier update was refused for that.
    pub(crate) fn kept(&mut self, entry: &ImageEntry, last: &mut KeptFills) {
        let sent = entry.sent.get().as_bytes();
        let of_row = match last.0.get(&entry.id) {
            Some((row, filled)) if *row == entry.row => *filled,
            Some(_) | None => FieldSet::EMPTY,
        };
        let left_out = of_row.without(fields_of(sent));
        self.forget(entry.id, left_out);
        let filled = self.filled_by(sent, &entry.image);
        let new = filled.without(self.filled(entry.id));
        self.remember(entry.id, new);
        let of_row = of_row.without(left_out).union(new);
        last.0.insert(entry.id, (entry.row, of_row));
    }

    /// Notes that the update of this row may have been applied by an earlier process, which did not
    /// record a good end. The row is sent again even if the customer has its values: that it was
    /// `unchanged` would tell later processes that the run has filled nothing.
    pub(crate) fn may_be_applied(&mut self, row: u64) {
        self.in_doubt.insert(row);
    }

    /// Whether an earlier process may have applied the update of this row.
    pub(super) fn is_in_doubt(&self, row: u64) -> bool {
        self.in_doubt.contains(row)
    }

    /// Whether there are any such fields.
    pub(super) fn is_none(&self) -> bool {
        self.rule.is_none()
    }

    /// Returns the part of a request that may be sent to the customer with this image.
    pub(super) fn of(&self, customer: CustomerId, own: &RowRequest, image: &Image) -> Filling {
        let filled = self.filled(customer);
        let fields = self.rule.sent(own.fields, image, filled);
        let request = if fields.is_empty() {
            None
        } else if fields == own.fields {
            Some(own.clone())
        } else {
            let body = body_of_fields(&own.body, fields).into();
            Some(RowRequest { body, fields })
        };
        let body = request.as_ref().map(|request| &*request.body);
        let fills = self.filled_by(body.unwrap_or_default(), image);
        Filling {
            fills: fills.without(filled),
            request,
        }
    }

    /// Notes that an update fills these fields of a customer.
    pub(super) fn remember(&mut self, customer: CustomerId, fields: FieldSet) {
        for field in fields.iter() {
            let filled = self.filled.entry(field).or_default();
            filled.insert(customer.get());
        }
    }

    /// Notes that an update that was to fill these fields of a customer was not applied.
    pub(super) fn forget(&mut self, customer: CustomerId, fields: FieldSet) {
        for field in fields.iter() {
            if let Some(filled) = self.filled.get_mut(&field) {
                filled.remove(customer.get());
            }
        }
    }

    /// The fields of a customer that this run has filled.
    fn filled(&self, customer: CustomerId) -> FieldSet {
        let filled = self.filled.iter();
        let filled = filled.filter(|(_, customers)| customers.contains(customer.get()));
        filled.map(|(field, _)| *field).collect()
    }

    /// The fields that are empty in the image and that the request fills.
    fn filled_by(&self, body: &[u8], image: &Image) -> FieldSet {
        let sent = SentFields::of_request(body).unwrap_or_default();
        self.rule.filled_by(&sent, image)
    }
}

/// The fields that a request sets.
fn fields_of(body: &[u8]) -> FieldSet {
    let sent = SentFields::of_request(body).unwrap_or_default();
    sent.fields().map(|(field, _)| field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> CustomerId {
        CustomerId::new(7).expect("an id")
    }

    fn image(members: &str) -> Image {
        let body = format!(r#"{{"data":{{"id":7,{members}}}}}"#);
        Image::of_answer(body.as_bytes(), id()).expect("the customer is shown")
    }

    fn request(body: &'static str) -> RowRequest {
        let sent = SentFields::of_request(body.as_bytes()).expect("an object");
        RowRequest {
            fields: sent.fields().map(|(field, _)| field).collect(),
            body: body.as_bytes().into(),
        }
    }

    #[test]
    fn a_field_is_sent_where_the_customer_had_none_before_the_run() {
        let mut fill = Fill::new([Field::Job, Field::CountryId].into_iter().collect());
        let row = request(r#"{"email":"a@b.example","country_id":4,"job":"Nurse"}"#);
        let body = |fill: &Fill, members: &str| {
            let filling = fill.of(id(), &row, &image(members));
            let body = filling.request.expect("the e-mail address is left").body;
            let fills: Vec<_> = filling.fills.names().collect();
            let body = String::from_utf8(body.to_vec()).expect("JSON is UTF-8");
            (body, fills.join(" "))
        };
        let check = |fill: &Fill, members: &str, want: &str, fills: &str| {
            assert_eq!(
                body(fill, members),
                (want.to_owned(), fills.to_owned()),
                "{members}"
            );
        };
        let all = r#"{"email":"a@b.example","country_id":4,"job":"Nurse"}"#;
        check(
            &fill,
            r#""job":"","country_name":null"#,
            all,
            "country_id job",
        );
        let one = r#"{"email":"a@b.example","job":"Nurse"}"#;
        check(
            &fill,
            r#""job":null,"country_name":"Country 9""#,
            one,
            "job",
        );
        // What is not shown may have a value.
        let none = r#"{"email":"a@b.example"}"#;
        check(&fill, r#""email":null"#, none, "");
        check(
            &fill,
            r#""job":"Clerk","country_name":"Country 9""#,
            none,
            "",
        );
        fill.remember(id(), [Field::Job].into_iter().collect());
        check(
            &fill,
            r#""job":"Clerk","country_name":"Country 9""#,
            one,
            "",
        );
        check(&fill, r#""job":null,"country_name":"Country 9""#, one, "");
        fill.forget(id(), [Field::Job].into_iter().collect());
        check(
            &fill,
            r#""job":"Clerk","country_name":"Country 9""#,
            none,
            "",
        );
        let only = request(r#"{"job":"Nurse"}"#);
        let filling = fill.of(id(), &only, &image(r#""job":"Clerk""#));
        assert!(filling.request.is_none() && filling.fills.is_empty());
    }

    #[test]
    fn an_image_tells_what_an_earlier_process_filled() {
        let check = |sent: &[u8], members: &str, want: bool| {
            let mut fill = Fill::new([Field::Job].into_iter().collect());
            let at = jiff::Timestamp::UNIX_EPOCH;
            let entry = ImageEntry::new(1, id(), image(members), sent, at);
            fill.kept(&entry, &mut KeptFills::default());
            let filled = fill.filled(id());
            assert_eq!(filled.contains(Field::Job), want, "{members}");
        };
        check(br#"{"job":"Nurse"}"#, r#""job":null"#, true);
        check(br#"{"job":"Nurse"}"#, r#""job":"Clerk""#, false);
        check(br#"{"job":null}"#, r#""job":null"#, false);
        check(br#"{"email":null}"#, r#""job":null"#, false);
    }

    #[test]
    fn the_last_image_of_a_row_tells_what_it_has_filled() {
        let none = r#""job":null,"address":null"#;
        let of_others = r#""job":"Clerk","address":null"#;
        let own = r#""job":"Nurse","address":null"#;
        let both: &[u8] = br#"{"job":"Nurse","address":"Street"}"#;
        let address: &[u8] = br#"{"address":"Street"}"#;
        let check = |images: &[(u64, &str, &[u8])], want: &str| {
            let mut fill = Fill::new([Field::Job, Field::Address].into_iter().collect());
            let mut last = KeptFills::default();
            for (row, members, sent) in images {
                let at = jiff::Timestamp::UNIX_EPOCH;
                let entry = ImageEntry::new(*row, id(), image(members), sent, at);
                fill.kept(&entry, &mut last);
            }
            assert_eq!(
                fill.filled(id()).names().collect::<Vec<_>>().join(" "),
                want,
                "{images:?}"
            );
        };
        check(&[(1, none, both)], "job address");
        // Another client has set the job before the first update came.
        check(&[(1, none, both), (1, of_others, address)], "address");
        // The first update may have been applied, so the second one sets the job again.
        check(&[(1, none, both), (1, own, both)], "job address");
        // Another row leaves it out.
        check(&[(1, none, both), (2, own, address)], "job address");
        check(
            &[(1, none, both), (2, own, both), (2, of_others, address)],
            "job address",
        );
    }
}
