//! Requests on their way: each is answered once, in whatever order the answers come.

use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};

use crate::contract::Attempt;
use crate::schedule::Ticket;

/// Requests that are not answered yet. They make their way while somebody waits for an answer, as parts of the sender's own
/// task: there is one thread for all of them, so a task for each would only have to be made, and its answer handed over.
#[derive(Default)]
pub(crate) struct InFlight {
    requests: FuturesUnordered<LocalBoxFuture<'static, (Ticket, Attempt)>>,
}

impl InFlight {
    /// Adds a request. It leaves with the next wait for an answer.
    pub(crate) fn add(&mut self, ticket: Ticket, request: impl Future<Output = Attempt> + 'static) {
        self.requests.push(request.map(move |attempt| (ticket, attempt)).boxed_local());
    }

    /// Waits for an answer; nothing where no request is left. A wait that is given up loses nothing.
    pub(crate) async fn next(&mut self) -> Option<(Ticket, Attempt)> {
        self.requests.next().await
    }

    /// An answer that has come already.
    pub(crate) fn next_now(&mut self) -> Option<(Ticket, Attempt)> {
        self.requests.next().now_or_never().flatten()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.requests.len()
    }

    /// Gives all of them up.
    pub(crate) fn clear(&mut self) {
        self.requests.clear();
    }
}
