//! The API of a scene: it keeps fields that a request leaves out, refuses on demand, and sends
//! signals to the process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::scene::{Fault, Meanwhile, Process, Scene, Strike};
use crate::harness::{Reply, Request};

/// The most faults that a row meets per process. If no other row is left, the program probes the
/// API at growing intervals, which would make a test slow.
const FAULTS_MAX: usize = 3;

/// The fields of each customer. A field that was never set is absent.
pub(super) type State = BTreeMap<(u64, String), Value>;

/// Shared by the test and the server's threads.
#[derive(Debug, Clone, Default)]
pub(super) struct Api(Arc<(Mutex<Inner>, Condvar)>);

#[derive(Debug, Default)]
struct Inner {
    state: State,
    /// Every value that was ever applied to a customer's field, as JSON, whether or not the program
    /// received the answer.
    applied: BTreeSet<(u64, String, String)>,
    /// The rows by their values.
    rows: BTreeMap<(String, String), u64>,
    /// The token of the process that is answered.
    token: String,
    faults: BTreeMap<u64, Fault>,
    /// The number of faults that each row met.
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

    /// From now on answers only the process with this token, with its faults.
    pub(super) fn answer(&self, token: &str, process: &Process) {
        let mut inner = self.lock();
        inner.token = format!("Bearer {token}");
        inner.faults = process.faults.clone();
        inner.met.clear();
        inner.strike = process.strike;
        inner.pid = None;
        inner.requests = 0;
    }

    /// The process id of that process.
    pub(super) fn know(&self, pid: Pid) {
        self.lock().pid = Some(pid);
        self.0.1.notify_all();
    }

    /// The fields of the customers.
    pub(super) fn state(&self) -> State {
        self.lock().state.clone()
    }

    /// Whether a customer's field ever had this value.
    pub(super) fn has_applied(&self, customer: u64, field: &str, value: &Value) -> bool {
        self.lock()
            .applied
            .contains(&(customer, field.to_owned(), value.to_string()))
    }

    /// The requests since the last call, one line each.
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
        // Other requests of the process come too late.
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

    /// The fault that a row meets now.
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
