//! The customers of a sandbox, generated from its seed until they are changed.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::contract::Changes;
use super::old_data::age;
use super::random::SplitMix64;
use super::share::Share;

/// All customers of a sandbox. Only changed ones take memory.
#[derive(Debug)]
pub(super) struct Customers {
    count: u64,
    seed: u64,
    /// The share of customers that have old data at first.
    old_data: Share,
    /// The customer that moving pages have inserted before all others, if it is there now.
    newcomer: Option<u64>,
    /// The customers that moving pages have inserted so far.
    newcomers: u64,
    changed: HashMap<u64, Customer>,
    /// The deleted customers that are on no page.
    unlisted: BTreeSet<u64>,
}

/// The reads that still show a deleted customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// Pages, and reads of the one customer.
    Listed,
    /// Reads of the one customer alone.
    Unlisted,
}

/// A customer as the API stores it.
#[derive(Debug, Clone)]
pub(super) struct Customer {
    id: u64,
    /// All twelve fields of the request, by name.
    values: Changes,
    /// The number of changes so far.
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    deleted_at: Option<Timestamp>,
}

/// A customer as the API shows it, the `CustomerResource` of its pages. It has `country_name`
/// instead of the request's `country_id`, and `related_user` instead of `user_id`.
#[derive(Debug, Serialize)]
pub(super) struct CustomerResource<'a> {
    id: u64,
    first_name: &'a Value,
    last_name: &'a Value,
    phone_number: &'a Value,
    email: &'a Value,
    date_of_birth: &'a Value,
    gender: &'a Value,
    country_name: Option<String>,
    identity_number: &'a Value,
    job: &'a Value,
    address: &'a Value,
    default_channel_id: &'a Value,
    avatar_url: Option<&'a str>,
    related_user: Option<RelatedUser>,
    created_at: String,
    updated_at: String,
    deleted_at: Option<String>,
}

#[derive(Debug, Serialize)]
struct RelatedUser {
    id: i64,
    name: String,
}

impl Customers {
    pub(super) fn new(count: u64, seed: u64, old_data: Share) -> Customers {
        Customers {
            count,
            seed,
            old_data,
            newcomer: None,
            newcomers: 0,
            changed: HashMap::new(),
            unlisted: BTreeSet::new(),
        }
    }

    /// The number of customers on all pages.
    pub(super) fn count(&self) -> u64 {
        self.count
            .saturating_add(u64::from(self.newcomer.is_some()))
            .saturating_sub(self.unlisted.len() as u64)
    }

    pub(super) fn exists(&self, id: u64) -> bool {
        (1..=self.count).contains(&id) || self.newcomer == Some(id)
    }

    /// The customer at a place on the pages, counted from 0.
    pub(super) fn at(&self, place: u64) -> Option<u64> {
        let mut id = match self.newcomer {
            Some(newcomer) if place == 0 => return Some(newcomer),
            Some(_) => place,
            None => place.checked_add(1)?,
        };
        // They ascend, so that each makes room for all that follow.
        for unlisted in &self.unlisted {
            if *unlisted <= id {
                id = id.checked_add(1)?;
            }
        }
        (1..=self.count).contains(&id).then_some(id)
    }

    /// Inserts a customer before all others, or removes the one that was inserted last.
    pub(super) fn move_pages(&mut self) {
        self.newcomer = if self.newcomer.is_some() {
            None
        } else {
            self.newcomers += 1;
            self.count.checked_add(self.newcomers)
        };
    }

    /// Whether the customer was deleted.
    pub(super) fn is_deleted(&self, id: u64) -> bool {
        (self.changed.get(&id)).is_some_and(|customer| customer.deleted_at.is_some())
    }

    /// Deletes a customer. `None` if there is no such customer.
    pub(super) fn delete(&mut self, id: u64, deletion: Deletion, now: Timestamp) -> Option<()> {
        let mut customer = self.get(id)?.into_owned();
        customer.version += 1;
        (customer.updated_at, customer.deleted_at) = (now, Some(now));
        self.changed.insert(id, customer);
        match deletion {
            Deletion::Listed => self.unlisted.remove(&id),
            Deletion::Unlisted => self.unlisted.insert(id),
        };
        Some(())
    }

    pub(super) fn get(&self, id: u64) -> Option<Cow<'_, Customer>> {
        if !self.exists(id) {
            return None;
        }
        let known = self.changed.get(&id).map(Cow::Borrowed);
        Some(known.unwrap_or_else(|| Cow::Owned(self.made_up(id))))
    }

    /// A customer before any change.
    pub(super) fn first(&self, id: u64) -> Option<Customer> {
        self.exists(id).then(|| self.made_up(id))
    }

    /// The ids of the customers that were ever changed or deleted, in ascending order.
    pub(super) fn changed_ids(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = self.changed.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// Any other customer; one is made up if none exists.
    pub(super) fn other_than(&self, id: u64) -> Cow<'_, Customer> {
        let other = if id > 1 { id - 1 } else { 2 };
        self.get(other)
            .unwrap_or_else(|| Cow::Owned(self.made_up(other)))
    }

    /// A customer at first. It depends on the seed and the id alone.
    fn made_up(&self, id: u64) -> Customer {
        /// Separates the draws of old data from those of the values.
        const OLD_DATA: u64 = 0x6f6c_6420_6461_7461;

        let mut customer = Customer::made_up(id, self.seed);
        let mut random = SplitMix64::new(self.seed ^ id.rotate_left(32) ^ OLD_DATA);
        if self.old_data.hits(&mut random) {
            age(&mut customer.values, id, &mut random);
        }
        customer
    }

    /// Changes a customer. Fields that are left out keep their values, and without changes the
    /// customer stays as it was. `None` if there is no such customer.
    pub(super) fn change(
        &mut self,
        id: u64,
        changes: Changes,
        now: Timestamp,
    ) -> Option<Cow<'_, Customer>> {
        if !changes.is_empty() {
            let mut customer = self.get(id)?.into_owned();
            customer.values.extend(changes);
            customer.version += 1;
            customer.updated_at = now;
            self.changed.insert(id, customer);
        }
        self.get(id)
    }
}

impl Customer {
    fn made_up(id: u64, seed: u64) -> Customer {
        const FIRST_NAMES: [&str; 6] = ["Ada", "Björn", "Chiara", "Dmitri", "Elif", "Farah"];
        const LAST_NAMES: [&str; 6] = [
            "Andersen", "Brandt", "Costa", "Dubois", "Eriksson", "Fischer",
        ];
        const JOBS: [&str; 4] = ["Clerk", "Engineer", "Nurse", "Teacher"];
        const GENDERS: [&str; 3] = ["male", "female", "other"];
        /// 2020-01-01T00:00:00Z, in Unix seconds.
        const YEAR_2020: u64 = 1_577_836_800;
        const FIVE_YEARS_SECONDS: u64 = 5 * 365 * 86_400;

        let mut random = SplitMix64::new(seed ^ id.rotate_left(32));
        let birth_year = 1940 + random.below(65);
        let birth_month = 1 + random.below(12);
        let values = Changes::from([
            ("first_name", pick(&FIRST_NAMES, &mut random)),
            ("last_name", pick(&LAST_NAMES, &mut random)),
            (
                "phone_number",
                json!(format!("+4930{:07}", random.below(10_000_000))),
            ),
            ("email", json!(format!("customer{id}@example.com"))),
            (
                "date_of_birth",
                json!(format!("{birth_year}-{birth_month:02}-15T00:00:00Z")),
            ),
            ("gender", pick(&GENDERS, &mut random)),
            ("country_id", json!(1 + random.below(195))),
            (
                "identity_number",
                json!(format!("ID-{:08}", random.below(100_000_000))),
            ),
            ("job", pick(&JOBS, &mut random)),
            (
                "address",
                json!(format!("{} Example Street", 1 + random.below(300))),
            ),
            ("default_channel_id", json!(1 + random.below(5))),
            ("user_id", json!(1 + random.below(50))),
        ]);
        let created_second = i64::try_from(YEAR_2020 + random.below(FIVE_YEARS_SECONDS));
        let created_at = created_second
            .ok()
            .and_then(|second| Timestamp::from_second(second).ok())
            .expect("a second of the years 2020 to 2024 is in range");
        Customer {
            id,
            values,
            version: 0,
            created_at,
            updated_at: created_at,
            deleted_at: None,
        }
    }

    /// The strong entity tag of this state (RFC 9110 §8.8.3).
    pub(super) fn tag(&self) -> String {
        format!("\"{}-{}\"", self.id, self.version)
    }

    /// The twelve fields of the request, by name.
    pub(super) fn values(&self) -> &Changes {
        &self.values
    }

    pub(super) fn resource(&self) -> CustomerResource<'_> {
        CustomerResource {
            id: self.id,
            first_name: self.value("first_name"),
            last_name: self.value("last_name"),
            phone_number: self.value("phone_number"),
            email: self.value("email"),
            date_of_birth: self.value("date_of_birth"),
            gender: self.value("gender"),
            country_name: self
                .value("country_id")
                .as_i64()
                .map(|id| format!("Country {id}")),
            identity_number: self.value("identity_number"),
            job: self.value("job"),
            address: self.value("address"),
            default_channel_id: self.value("default_channel_id"),
            avatar_url: None,
            related_user: self.value("user_id").as_i64().map(|id| RelatedUser {
                id,
                name: format!("User {id}"),
            }),
            created_at: format!("{:.0}", self.created_at),
            updated_at: format!("{:.0}", self.updated_at),
            deleted_at: self.deleted_at.map(|at| format!("{at:.0}")),
        }
    }

    fn value(&self, field: &str) -> &Value {
        self.values
            .get(field)
            .expect("a customer is made up with all fields, and none is ever removed")
    }
}

fn pick(choices: &[&str], random: &mut SplitMix64) -> Value {
    let index = usize::try_from(random.below(choices.len() as u64)).unwrap_or(0);
    json!(choices.get(index))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::super::contract::{Changes, Violation, validate};
    use super::super::share::Share;
    use super::{Customers, Deletion};

    fn well_kept(count: u64, seed: u64) -> Customers {
        Customers::new(count, seed, Share::default())
    }

    /// The judgement on a customer's values, if they were sent.
    fn judged(customers: &Customers, id: u64) -> Result<Changes, Vec<Violation>> {
        let values = &customers.get(id).unwrap().values;
        let body = values
            .iter()
            .map(|(field, value)| ((*field).to_owned(), value.clone()))
            .collect();
        validate(body)
    }

    fn shown(customers: &Customers, id: u64) -> Value {
        serde_json::to_value(customers.get(id).unwrap().resource()).unwrap()
    }

    #[test]
    fn made_up_customers_are_stable_differ_and_keep_the_contract() {
        let customers = well_kept(1_000_000, 7);
        assert_eq!(shown(&customers, 3), shown(&well_kept(5, 7), 3));
        assert_ne!(
            shown(&customers, 3)["phone_number"],
            shown(&customers, 4)["phone_number"]
        );
        assert_ne!(shown(&customers, 3), shown(&well_kept(5, 8), 3));
        for id in [1, 3, 1_000_000] {
            let values = customers.get(id).unwrap().values.clone();
            assert_eq!(judged(&customers, id), Ok(values));
        }
        assert!(customers.get(0).is_none());
        assert!(customers.get(1_000_001).is_none());
    }

    #[test]
    fn fields_that_are_left_out_keep_their_values() {
        let mut customers = well_kept(5, 7);
        let before = shown(&customers, 3);
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let changes = Changes::from([
            ("email", json!(null)),
            ("country_id", json!(84)),
            ("user_id", json!(null)),
        ]);
        customers.change(3, changes, now).unwrap();
        let mut want = before;
        want["email"] = json!(null);
        want["country_name"] = json!("Country 84");
        want["related_user"] = json!(null);
        want["updated_at"] = json!("2027-01-15T08:00:00Z");
        assert_eq!(shown(&customers, 3), want);

        customers.change(3, Changes::new(), Timestamp::MAX).unwrap();
        assert_eq!(shown(&customers, 3), want);
        assert!(customers.change(6, Changes::new(), now).is_none());
    }

    #[test]
    fn a_deleted_customer_is_shown_with_the_time_of_it() {
        let mut customers = well_kept(5, 7);
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        customers.delete(2, Deletion::Unlisted, now).unwrap();
        customers.delete(3, Deletion::Unlisted, now).unwrap();
        customers.delete(4, Deletion::Listed, now).unwrap();
        assert!(customers.delete(6, Deletion::Listed, now).is_none());
        for id in 1..=5 {
            let is_deleted = (2..=4).contains(&id);
            assert_eq!(customers.is_deleted(id), is_deleted);
            let want = is_deleted.then_some("2027-01-15T08:00:00Z");
            assert_eq!(shown(&customers, id)["deleted_at"], json!(want));
        }
        let listed = |customers: &Customers| -> Vec<u64> {
            (0..).map_while(|place| customers.at(place)).collect()
        };
        assert_eq!((listed(&customers), customers.count()), (vec![1, 4, 5], 3));
        customers.move_pages();
        assert_eq!(listed(&customers), [6, 1, 4, 5]);
        assert_eq!(customers.count(), 4);
    }

    #[test]
    fn old_data_breaks_the_contract_for_a_share_of_the_customers() {
        let customers = Customers::new(2_000, 7, "20%".parse().unwrap());
        let mut breaches: BTreeMap<(String, String), u32> = BTreeMap::new();
        let mut old = 0;
        for id in 1..=2_000 {
            let values = &customers.get(id).unwrap().values;
            let kept = &well_kept(2_000, 7).get(id).unwrap().values.clone();
            assert_eq!(values["identity_number"], kept["identity_number"]);
            match judged(&customers, id) {
                Ok(judged) => assert_eq!(judged, *kept),
                Err(violations) => {
                    old += 1;
                    for Violation { field, breach } in violations {
                        *breaches.entry((field, breach.to_string())).or_default() += 1;
                    }
                }
            }
        }
        assert!((360..=440).contains(&old), "{old}");
        let found: Vec<(&str, &str)> = breaches
            .keys()
            .map(|(field, breach)| (field.as_str(), breach.as_str()))
            .collect();
        let want = [
            ("date_of_birth", "must be a valid date-time"),
            ("email", "must be a valid email address"),
            ("first_name", "must have a value"),
            ("gender", "must be one of male, female, other"),
            ("job", "must not be greater than 255 characters"),
            ("last_name", "must have a value"),
            ("phone_number", "must have a value"),
            ("phone_number", "must not be greater than 20 characters"),
        ];
        assert_eq!(found, want);
        let again = Customers::new(5, 7, "20%".parse().unwrap());
        for id in 1..=5 {
            assert_eq!(shown(&again, id), shown(&customers, id));
        }
    }
}
