//! The state that all requests to a sandbox share: customers, window, ledger and counts.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use axum::http::{Method, StatusCode, Version};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::clock::{Clock, Elapsed};
use super::contract::{Changes, field_named, replacement};
use super::counts::Counts;
use super::customers::{Customer, Customers, Deletion};
use super::edits::{Edit, Editor};
use super::fault::{Access, Fault, FaultKind};
use super::grants::{GrantError, Grants, Login};
use super::if_match::IfMatch;
use super::ledger::Ledger;
use super::options::{Pages, Put, Reads, SandboxOptions};
use super::random::SplitMix64;
use super::refusal::Refusal;
use super::share::Share;
use super::success::Shown;
use super::window::{Admission, Meter, WindowState};

/// The shared state. Its lock is held for a look-up or a change, never across an await.
pub(super) struct Api {
    pub(super) options: SandboxOptions,
    pub(super) address: SocketAddr,
    clock: Clock,
    held: Mutex<Held>,
}

struct Held {
    customers: Customers,
    meter: Option<Meter>,
    random: SplitMix64,
    ledger: Option<Ledger>,
    grants: Grants,
    editor: Editor,
    /// Reads of customers that passed all checks, one or a page.
    reads: u64,
    counts: Counts,
    in_flight: u32,
}

/// A request that has arrived, and how it is treated.
pub(super) struct Arrival {
    pub(super) entry: Entry,
    /// The state of the window, if there is one.
    pub(super) window_state: Option<WindowState>,
    /// The latency of the answer.
    pub(super) latency: Duration,
    /// Counts the request as in flight until it is dropped.
    pub(super) seat: Seat,
}

/// Whether a request reaches the API's own checks.
pub(super) enum Entry {
    Admitted,
    Hit(Fault),
    Refused(Refusal),
}

/// An update that has passed the checks of its values.
pub(super) struct Update<'a> {
    pub(super) id: u64,
    pub(super) changes: Changes,
    /// The body as received, for the ledger.
    pub(super) body: &'a [u8],
    pub(super) condition: Option<IfMatch>,
}

/// A place among the requests in flight, given back on drop. That includes a client that leaves,
/// which drops the future of its request.
pub(super) struct Seat(Arc<Api>);

impl Drop for Seat {
    fn drop(&mut self) {
        let mut held = self.0.hold();
        held.in_flight = held.in_flight.saturating_sub(1);
    }
}

impl Api {
    pub(super) fn new(options: SandboxOptions, address: SocketAddr, ledger: Option<Ledger>) -> Api {
        let held = Held {
            customers: Customers::new(options.customers, options.seed, options.old_data),
            meter: options
                .window
                .map(|window| Meter::new(window, SystemTime::now())),
            random: SplitMix64::new(options.seed),
            ledger,
            grants: Grants::new(options.token_lifetime),
            editor: Editor::new(options.seed),
            reads: 0,
            counts: Counts::default(),
            in_flight: 0,
        };
        Api {
            options,
            address,
            clock: Clock::start(Instant::now()),
            held: Mutex::new(held),
        }
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    pub(super) fn counts(&self) -> Counts {
        self.hold().counts.clone()
    }

    /// Whether a request with this bearer token is authorized.
    pub(super) fn accepts(&self, token: &str) -> bool {
        token == self.options.token
            || self
                .hold()
                .grants
                .accepts(token, self.elapsed().since_start)
    }

    pub(super) fn log_in(&self) -> Login {
        self.hold().grants.issue(self.elapsed().since_start)
    }

    /// An authorization code for one exchange.
    pub(super) fn authorize(&self, redirect_uri: &str, challenge: Option<String>) -> String {
        self.hold().grants.authorize(redirect_uri, challenge)
    }

    pub(super) fn exchange(
        &self,
        code: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
    ) -> Result<Login, GrantError> {
        let mut held = self.hold();
        let login =
            held.grants
                .exchange(code, redirect_uri, verifier, self.elapsed().since_start)?;
        held.counts.logins += 1;
        Ok(login)
    }

    pub(super) fn refresh(&self, refresh_token: &str) -> Result<Login, GrantError> {
        let mut held = self.hold();
        let refreshed = held
            .grants
            .refresh(refresh_token, self.elapsed().since_start);
        match refreshed {
            Ok(_) => held.counts.refreshes += 1,
            Err(GrantError::Spent) => held.counts.spent_refresh_tokens += 1,
            Err(GrantError::Unknown | GrantError::Mismatch) => {}
        }
        refreshed
    }

    /// Notes a request on any route: the spans of faults count from the first one.
    pub(super) fn note_request(&self) {
        self.clock.note_request(Instant::now());
    }

    /// The time that has passed since the start and since the first request.
    pub(super) fn elapsed(&self) -> Elapsed {
        self.clock.elapsed(Instant::now())
    }

    /// Whether an outage is injected now.
    pub(super) fn is_out(&self) -> bool {
        self.options
            .faults
            .is_out(self.elapsed().since_first_request)
    }

    /// Admits a request: first overload and outage, then the window, then the other faults.
    pub(super) fn arrive(self: &Arc<Api>, version: Version, method: &Method) -> Arrival {
        let access = Access::of(method);
        let elapsed = self.elapsed();
        let mut held = self.hold();
        held.counts.requests += 1;
        held.counts.reads += u64::from(access == Access::Read);
        held.counts.http2_requests += u64::from(version == Version::HTTP_2);
        held.in_flight += 1;
        held.counts.in_flight_max = held.counts.in_flight_max.max(held.in_flight);
        let (entry, window_state) = held.admit(&self.options, elapsed, access);
        let latency = self.options.latency.draw(&mut held.random);
        drop(held);
        Arrival {
            entry,
            window_state,
            latency,
            seat: Seat(Arc::clone(self)),
        }
    }

    /// The fault that this customer's updates always meet, if any.
    pub(super) fn fault_of(&self, id: u64) -> Option<Fault> {
        let kind = self.options.answers.get(&id)?;
        Some(Fault::draw(*kind, &mut self.hold().random))
    }

    /// Counts a connection that was accepted.
    pub(super) fn count_connection(&self) {
        self.hold().counts.connections += 1;
    }

    /// Counts an answer before it is sent.
    pub(super) fn count_answer(&self, status: StatusCode) {
        *self
            .hold()
            .counts
            .by_status
            .entry(status.as_u16())
            .or_default() += 1;
    }

    /// Whether a customer can be updated.
    pub(super) fn knows(&self, id: u64) -> bool {
        let held = self.hold();
        held.customers.exists(id) && !held.customers.is_deleted(id)
    }

    /// Counts a read of customers, and returns how it is answered.
    pub(super) fn next_read(&self) -> Reads {
        let mut held = self.hold();
        held.reads += 1;
        if held.reads > self.options.reads_after {
            self.options.reads
        } else {
            Reads::Allowed
        }
    }

    /// A customer as a read shows it, with the edits before and after the read.
    pub(super) fn customer(&self, id: u64, reads: Reads) -> Result<Shown, Refusal> {
        let mut held = self.hold();
        if !held.customers.exists(id) {
            return Err(Refusal::not_found());
        }
        held.edit_by_chance(id, self.options.edits.before);
        let shown = held
            .read(id, reads)
            .map(|customer| Shown::new(&customer, self.options.etags))
            .ok_or_else(Refusal::not_found);
        held.edit_by_chance(id, self.options.edits.after);
        shown
    }

    /// The values of a customer's fields by the names of the request, whatever reads show; null if
    /// there is no such customer.
    pub(super) fn values(&self, id: u64) -> Value {
        let held = self.hold();
        json!(held.customers.get(id).as_deref().map(Customer::values))
    }

    pub(super) fn changed_ids(&self) -> Vec<u64> {
        self.hold().customers.changed_ids()
    }

    /// Edits a customer as a third party. `None` if there is no such customer or field.
    pub(super) fn edit(&self, id: u64, field: &str, value: Value) -> Option<Edit> {
        let (field, _) = field_named(field)?;
        self.hold().edit(id, field, value)
    }

    /// Deletes a customer as a third party. `None` if there is no such customer.
    pub(super) fn delete(&self, id: u64, deletion: Deletion) -> Option<()> {
        self.hold().customers.delete(id, deletion, Timestamp::now())
    }

    pub(super) fn edits(&self) -> Vec<Edit> {
        self.hold().editor.edits().to_vec()
    }

    /// Any other customer in the API's representation.
    pub(super) fn other_customer(&self, id: u64) -> Value {
        json!(self.hold().customers.other_than(id).resource())
    }

    /// The customers of a page (counted from 1), and the number of customers on all pages.
    pub(super) fn customers(&self, page: u64, per_page: u64, reads: Reads) -> (Vec<Value>, u64) {
        let mut held = self.hold();
        let first = (page - 1).saturating_mul(per_page);
        let customers = (first..first.saturating_add(per_page))
            .map_while(|place| held.customers.at(place))
            .map_while(|id| held.read(id, reads))
            .map(|customer| json!(customer.resource()))
            .collect();
        let total = held.customers.count();
        match self.options.pages {
            Pages::Still => {}
            Pages::Moving => held.customers.move_pages(),
        }
        (customers, total)
    }

    /// Applies an update. The ledger is written first, so that every applied update is in it.
    pub(super) fn apply(&self, update: Update<'_>) -> Result<Shown, Refusal> {
        let Update {
            id,
            changes,
            body,
            condition,
        } = update;
        let mut held = self.hold();
        let now = Timestamp::now();
        if !held.customers.exists(id) || held.customers.is_deleted(id) {
            return Err(Refusal::not_found());
        }
        if let Some(condition) = condition
            && !held
                .customers
                .get(id)
                .is_some_and(|customer| condition.holds_for(&customer.tag()))
        {
            return Err(Refusal::precondition_failed());
        }
        if let Some(ledger) = &mut held.ledger
            && let Err(error) = ledger.append(now, id, body)
        {
            tracing::error!(%error, "cannot write the sandbox's ledger");
            let message = "The ledger cannot be written.";
            return Err(Refusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "ledger",
                message,
            ));
        }
        held.counts.applied += 1;
        let changes = match self.options.put {
            Put::Merge => changes,
            Put::Replace => replacement(changes),
        };
        let changes = self.options.echo.alter(changes);
        let customer = held
            .customers
            .change(id, changes, now)
            .ok_or_else(Refusal::not_found)?;
        Ok(Shown::new(&customer, self.options.etags))
    }

    /// Takes the lock, even if it is poisoned: no panic can leave a customer half-changed.
    fn hold(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Admits a request and returns the state of the window. A request that an overload or an
    /// outage refuses does not count against it.
    fn admit(
        &mut self,
        options: &SandboxOptions,
        elapsed: Elapsed,
        access: Access,
    ) -> (Entry, Option<WindowState>) {
        if options
            .in_flight_max
            .is_some_and(|max| self.in_flight > max)
        {
            return (
                Entry::Refused(Refusal::unavailable()),
                self.window_state(elapsed.since_start),
            );
        }
        let fault = options
            .faults
            .draw(elapsed.since_first_request, access, &mut self.random);
        let window_state = match &mut self.meter {
            Some(_) if fault.is_some_and(|fault| fault.kind == FaultKind::Outage) => {
                self.window_state(elapsed.since_start)
            }
            Some(meter) => match meter.admit(elapsed.since_start) {
                Admission::Admitted(window_state) => Some(window_state),
                Admission::Refused(window_state) => {
                    let refusal = Refusal::too_many_requests()
                        .retry_after(options.retry_after.value(window_state));
                    return (Entry::Refused(refusal), Some(window_state));
                }
            },
            None => None,
        };
        let entry = match fault {
            Some(fault) => {
                *self.counts.faults.entry(fault.kind).or_default() += 1;
                Entry::Hit(fault)
            }
            None => Entry::Admitted,
        };
        (entry, window_state)
    }

    /// Edits a customer if this share is drawn.
    fn edit_by_chance(&mut self, id: u64, share: Share) {
        if let Some((field, value)) = self.editor.draw(share) {
            self.edit(id, field, value);
        }
    }

    /// Edits a field of the contract. `None` if there is no such customer.
    fn edit(&mut self, id: u64, field: &'static str, value: Value) -> Option<Edit> {
        let at = Timestamp::now();
        self.customers
            .change(id, Changes::from([(field, value.clone())]), at)?;
        let edit = Edit {
            customer: id,
            field,
            value,
            at,
            updates_before: self.counts.applied,
        };
        self.editor.remember(edit.clone());
        Some(edit)
    }

    /// The state of the window, without counting a request.
    fn window_state(&mut self, running_for: Duration) -> Option<WindowState> {
        self.meter
            .as_mut()
            .map(|meter| meter.window_state(running_for))
    }

    /// A customer as a read shows it.
    fn read(&self, id: u64, reads: Reads) -> Option<Cow<'_, Customer>> {
        match reads {
            Reads::Allowed | Reads::Forbidden | Reads::Missing => self.customers.get(id),
            Reads::Stale => self.customers.first(id).map(Cow::Owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use axum::http::{Method, Version};

    use super::{Api, Clock, Entry, SandboxOptions};

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn a_late_client_meets_the_faults_of_its_first_hour() {
        let check = |since_first_request: Duration, want_fault: bool| {
            let options = SandboxOptions {
                faults: "outage@0s..1h".parse().unwrap(),
                ..SandboxOptions::default()
            };
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let mut api = Api::new(options, address, None);
            let now = Instant::now();
            api.clock = Clock::start(now.checked_sub(2 * HOUR).unwrap());
            api.clock
                .note_request(now.checked_sub(since_first_request).unwrap());
            api.note_request();
            assert_eq!(api.is_out(), want_fault, "{since_first_request:?}");
            let arrival = Arc::new(api).arrive(Version::HTTP_11, &Method::PUT);
            let is_hit = matches!(arrival.entry, Entry::Hit(_));
            assert_eq!(is_hit, want_fault, "{since_first_request:?}");
        };
        check(Duration::ZERO, true);
        check(HOUR / 2, true);
        check(HOUR, false);
    }
}
