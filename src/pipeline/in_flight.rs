//! The requests in flight. Each is answered once, in any order, or given up.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};

use crate::contract::{Answered, PageAnswered};
use crate::schedule::{Request, Ticket};

/// The answer to a request, by the kind of the request.
pub(crate) enum Landed {
    /// The request was for a row.
    Row(Answered),
    /// It was for a page of customers.
    Page(PageAnswered),
    /// It was for the customer that a page is compared with.
    Check(Answered),
}

/// Requests without an answer yet. They run inside the sender's own task while it waits for an
/// answer: with one thread for all of them, a task per request would only add the cost of spawning
/// it and passing its answer on.
#[derive(Default)]
pub(crate) struct InFlight {
    requests: FuturesUnordered<OnItsWay>,
}

struct OnItsWay {
    ticket: Ticket,
    kind: Request,
    request: LocalBoxFuture<'static, Landed>,
}

impl Future for OnItsWay {
    type Output = (Ticket, Landed);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<(Ticket, Landed)> {
        let ticket = self.ticket;
        self.request
            .poll_unpin(context)
            .map(|landed| (ticket, landed))
    }
}

impl InFlight {
    /// Adds a request. It is sent at the next wait for an answer.
    pub(crate) fn add(
        &mut self,
        ticket: Ticket,
        kind: Request,
        request: impl Future<Output = Landed> + 'static,
    ) {
        self.requests.push(OnItsWay {
            ticket,
            kind,
            request: request.boxed_local(),
        });
    }

    /// Waits for an answer; `None` if no request is in flight. Cancel-safe: a dropped wait loses
    /// nothing.
    pub(crate) async fn next(&mut self) -> Option<(Ticket, Landed)> {
        self.requests.next().await
    }

    /// Returns an answer that has already come.
    pub(crate) fn next_now(&mut self) -> Option<(Ticket, Landed)> {
        self.requests.next().now_or_never().flatten()
    }

    /// Gives up the request of a ticket, and with it its connection. This polls all other requests,
    /// which is rare enough. Returns the request's kind.
    pub(crate) fn give_up(&mut self, ticket: Ticket) -> Option<Request> {
        let requests = std::mem::take(&mut self.requests);
        let mut given_up = None;
        self.requests = requests
            .into_iter()
            .filter(|request| {
                let is_kept = request.ticket != ticket;
                if !is_kept {
                    given_up = Some(request.kind);
                }
                is_kept
            })
            .collect();
        given_up
    }

    /// The number of requests in flight.
    pub(crate) fn len(&self) -> usize {
        self.requests.len()
    }

    /// Gives up all requests. Returns their kinds.
    pub(crate) fn clear(&mut self) -> Vec<Request> {
        let requests = std::mem::take(&mut self.requests);
        requests.into_iter().map(|request| request.kind).collect()
    }
}
