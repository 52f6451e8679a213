//! The API of a scene: it keeps what a request leaves out, refuses what it is told to, and strikes the process that asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::scene::{Fault, Meanwhile, Process, Scene, Strike};
use crate::harness::{Reply, Request};

/// A row meets its fault so often at most while a process runs: where no other row is left, the program asks the API at growing
/// intervals whether it is back, for which no test waits.
const FAULTS_MAX: usize = 3;

/// What each customer's fields are. A field that nobody has set is not there.
pub(super) type State = BTreeMap<(u64, String), Value>;

/// Shared by the test and the server's threads.
#[derive(Debug, Clone, Default)]
pub(super) struct Api(Arc<(Mutex<Inner>, Condvar)>);

#[derive(Debug, Default)]
struct Inner {
    state: State,
    /// All that was ever applied to a customer's field, as JSON, whatever the program heard.
    applied: BTreeSet<(u64, String, String)>,
    /// The rows that have these values.
    rows: BTreeMap<(String, String), u64>,
    /// The token of the process that is listened to.
    token: String,
    faults: BTreeMap<u64, Fault>,
    /// How often rows met their faults.
    met: BTreeMap<u64, usize>,
    strike: Option<Strike>,
    pid: Option<Pid>,
    requests: usize,
    says: Vec<String>,
}

impl Api {
    /// Knows the rows of this scene by their values.
    pub(super) fn of(scene: &Scene) -> Api {
        let mut rows = BTreeMap::new();
        for row in scene.rows() {
            for (column, field) in scene
                .columns
                .iter()
                .enumerate()
                .filter(|(_, field)| **field != "gender")
            {
                let values = [
                    row.written_value(column, field),
                    row.good_value(column, field),
                ];
                for value in values
                    .into_iter()
                    .flatten()
                    .filter(|value| !value.is_null())
                {
                    rows.insert(((*field).to_owned(), value.to_string()), row.number);
                }
            }
        }
        let api = Api::default();
        api.lock().rows = rows;
        api
    }

    /// From now on answers the process with this token alone, and as it says.
    pub(super) fn answer(&self, token: &str, process: &Process) {
        let mut inner = self.lock();
        inner.token = format!("Bearer {token}");
        inner.faults = process.faults.clone();
        inner.met.clear();
        inner.strike = process.strike;
        inner.pid = None;
        inner.requests = 0;
    }

    /// The process that it answers.
    pub(super) fn know(&self, pid: Pid) {
        self.lock().pid = Some(pid);
        self.0.1.notify_all();
    }

    /// What the customers' fields are.
    pub(super) fn state(&self) -> State {
        self.lock().state.clone()
    }

    /// Whether a customer's field ever had this value.
    pub(super) fn has_applied(&self, customer: u64, field: &str, value: &Value) -> bool {
        self.lock()
            .applied
            .contains(&(customer, field.to_owned(), value.to_string()))
    }

    /// What happened since it was last asked, a line a request.
    pub(super) fn says(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().says)
    }

    /// Answers a request.
    pub(super) fn reply(&self, request: &Request) -> Reply {
        let mut inner = self.lock();
        if request.header("authorization") != Some(inner.token.as_str()) {
            return Reply::nothing();
        }
        inner.requests += 1;
        if let Some(strike) = inner
            .strike
            .filter(|strike| strike.request == inner.requests)
        {
            let mut inner = self
                .0
                .1
                .wait_while(inner, |inner| inner.pid.is_none())
                .expect("no thread panics");
            return inner.strike_at(strike, request);
        }
        inner.reply(request)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.0.lock().expect("no thread panics")
    }
}

impl Inner {
    fn strike_at(&mut self, strike: Strike, request: &Request) -> Reply {
        let pid = self.pid.expect("it was waited for");
        kill_process(pid, strike.signal).expect("the process waits for the answer");
        self.says.push(format!("  {:?}", strike.signal));
        if strike.signal != Signal::KILL {
            return self.reply(request);
        }
        // What the process had sent beside comes too late.
        self.token.clear();
        self.cut_off(strike.meanwhile, request)
    }

    fn reply(&mut self, request: &Request) -> Reply {
        let fault = self.row(request).and_then(|row| self.fault(row));
        let is_refused = request.text.contains("\"refused");
        match fault {
            Some(Fault::Status(status)) => {
                self.say(request, &status.to_string());
                Reply::error(status, "scripted")
            }
            Some(Fault::CutOff(meanwhile)) if !is_refused => self.cut_off(meanwhile, request),
            Some(Fault::CutOff(_)) | None if is_refused => {
                self.say(request, "refused");
                Reply::error(422, "refused")
            }
            Some(Fault::CutOff(_)) | None => {
                self.apply(request);
                Reply::updated()
            }
        }
    }

    /// What goes wrong with a row now.
    fn fault(&mut self, row: u64) -> Option<Fault> {
        let fault = *self.faults.get(&row)?;
        let met = self.met.entry(row).or_default();
        *met += 1;
        (*met <= FAULTS_MAX).then_some(fault)
    }

    fn cut_off(&mut self, meanwhile: Meanwhile, request: &Request) -> Reply {
        match meanwhile {
            Meanwhile::Applied if !request.text.contains("\"refused") => self.apply(request),
            Meanwhile::Applied | Meanwhile::NotApplied => self.say(request, "not applied"),
        }
        self.say(request, "cut off");
        Reply::nothing()
    }

    fn apply(&mut self, request: &Request) {
        for (field, value) in request.body.as_object().expect("a body is an object") {
            self.state
                .insert((request.id(), field.clone()), value.clone());
            self.applied
                .insert((request.id(), field.clone(), value.to_string()));
        }
        self.say(request, "applied");
    }

    /// The row that has one of the request's values.
    fn row(&self, request: &Request) -> Option<u64> {
        let fields = request.body.as_object()?;
        fields
            .iter()
            .find_map(|(field, value)| self.rows.get(&(field.clone(), value.to_string())))
            .copied()
    }

    fn say(&mut self, request: &Request, what: &str) {
        let row = self
            .row(request)
            .map_or_else(|| "?".to_owned(), |row| row.to_string());
        self.says.push(format!(
            "  row {row} of {}: {what}: {}",
            request.id(),
            request.text
        ));
    }
}
