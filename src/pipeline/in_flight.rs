//! Requests on their way: each is answered once, in whatever order the answers come, or given up.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};

use crate::contract::Attempt;
use crate::schedule::Ticket;

/// Requests that are not answered yet. They make their way while an answer is waited for, as parts of the sender's own task:
/// there is one thread for all of them, so a task for each would only have to be made, and its answer handed over.
#[derive(Default)]
pub(crate) struct InFlight {
    requests: FuturesUnordered<OnItsWay>,
}

struct OnItsWay {
    ticket: Ticket,
    request: LocalBoxFuture<'static, Attempt>,
}

impl Future for OnItsWay {
    type Output = (Ticket, Attempt);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<(Ticket, Attempt)> {
        let ticket = self.ticket;
        self.request
            .poll_unpin(context)
            .map(|attempt| (ticket, attempt))
    }
}

impl InFlight {
    /// Adds a request. It leaves with the next wait for an answer.
    pub(crate) fn add(&mut self, ticket: Ticket, request: impl Future<Output = Attempt> + 'static) {
        self.requests.push(OnItsWay {
            ticket,
            request: request.boxed_local(),
        });
    }

    /// Waits for an answer; nothing where no request is left. A wait that is given up loses nothing.
    pub(crate) async fn next(&mut self) -> Option<(Ticket, Attempt)> {
        self.requests.next().await
    }

    /// An answer that has come already.
    pub(crate) fn next_now(&mut self) -> Option<(Ticket, Attempt)> {
        self.requests.next().now_or_never().flatten()
    }

    /// Gives the request of a ticket up, and with it its connection. All others are looked at for that, which is rare enough.
    pub(crate) fn give_up(&mut self, ticket: Ticket) {
        let requests = std::mem::take(&mut self.requests);
        self.requests = requests
            .into_iter()
            .filter(|request| request.ticket != ticket)
            .collect();
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
