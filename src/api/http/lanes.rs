//! Distributes requests over connections.
//!
//! With HTTP/1.1 a client has one connection per request in flight. With HTTP/2 a client has one
//! connection, so there are several clients, called lanes, and a request takes the first one that
//! has room.
//!
//! Servers close a connection after a number of requests with GOAWAY: nginx after 1,000. Requests
//! beyond it come back unprocessed. Two rules keep that rare. First, a lane whose connection is
//! closing takes no request until those in flight have ended. Second, the number of requests that a
//! connection served is remembered, and a lane takes no more than that before it starts over. A
//! connection that serves more disproves the number, which is then forgotten.

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::{Client, Request, Response};

use crate::api::http::clients::Clients;
use crate::api::http::connections::{HAS_OPENED, Opened};
use crate::api::http::options::{HttpError, Protocol};

/// The most requests that share a connection at a time: the limit that RFC 9113 §6.5.2 asks servers
/// not to go below.
const STREAMS_PER_CONNECTION: usize = 100;

/// The connection that carried a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connection {
    /// Opened for this request.
    New,
    /// Already open, so the server may have closed it in the meantime.
    Kept,
}

/// Whether the server has processed a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Processed {
    Yes,
    /// The server says that it has not.
    No,
    /// Unknown.
    Unknown,
}

/// The lanes of one server.
#[derive(Debug)]
pub(crate) struct Lanes {
    clients: Clients,
    state: Mutex<LaneState>,
}

#[derive(Debug)]
struct LaneState {
    lanes: Vec<Lane>,
    /// The requests that a connection serves, once a server has closed one after that many.
    taken_max: Option<usize>,
}

/// One client. With HTTP/2 it has one connection.
#[derive(Debug)]
struct Lane {
    client: Client,
    in_flight: usize,
    /// Requests sent by its connection.
    taken: usize,
    /// Those of them that were not processed: the connection is closing.
    refused: usize,
    /// Those of them of which it is unknown whether they were processed.
    unknown: usize,
    /// Whether the connection has served as many requests as it may, and a new one is expected.
    is_used_up: bool,
    opened: Opened,
    /// The number of opened connections when it was last read.
    opened_seen: usize,
}

/// A request's place on a lane, given back on drop.
#[derive(Debug)]
pub(crate) struct LanePlace<'a> {
    lanes: &'a Lanes,
    lane: usize,
    processed: Processed,
}

impl Lanes {
    /// Lanes of these clients. Connections are opened by the first requests.
    pub(crate) fn new(clients: Clients) -> Result<Lanes, HttpError> {
        let lanes = vec![Lane::new(&clients)?];
        Ok(Lanes {
            clients,
            state: Mutex::new(LaneState {
                lanes,
                taken_max: None,
            }),
        })
    }

    /// Reserves a place for a request, and returns the client to send it by.
    pub(crate) fn take_place(&self) -> (LanePlace<'_>, Client) {
        let mut state = self.state();
        let taken_max = state.taken_max;
        let lane = match self.clients.protocol() {
            Protocol::Http1 => 0,
            Protocol::Http2 => self.free_lane(&mut state),
        };
        let taken = state.lanes.get_mut(lane).expect("the lane was just chosen");
        taken.look(taken_max);
        (taken.in_flight, taken.taken) = (taken.in_flight + 1, taken.taken + 1);
        (
            LanePlace {
                lanes: self,
                lane,
                processed: Processed::Unknown,
            },
            taken.client.clone(),
        )
    }

    /// The first lane that has room, or else a new one.
    fn free_lane(&self, state: &mut LaneState) -> usize {
        let taken_max = state.taken_max;
        if let Some(free) = state
            .lanes
            .iter_mut()
            .position(|lane| lane.has_room(taken_max))
        {
            return free;
        }
        match Lane::new(&self.clients) {
            Ok(lane) => {
                state.lanes.push(lane);
                state.lanes.len() - 1
            }
            // The first client was built with the same settings, so this is unexpected. The request
            // may come back unprocessed.
            Err(_) => 0,
        }
    }

    fn state(&self) -> MutexGuard<'_, LaneState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    fn new(clients: &Clients) -> Result<Lane, HttpError> {
        let opened = Opened::default();
        let client = clients.client(&opened)?;
        Ok(Lane {
            client,
            in_flight: 0,
            taken: 0,
            refused: 0,
            unknown: 0,
            is_used_up: false,
            opened,
            opened_seen: 0,
        })
    }

    fn has_room(&mut self, taken_max: Option<usize>) -> bool {
        self.look(taken_max);
        let is_closing = self.refused > 0 || taken_max.is_some_and(|max| self.taken >= max);
        self.in_flight == 0 || (!is_closing && self.in_flight < STREAMS_PER_CONNECTION)
    }

    /// Detects a new connection, whose first requests are those in flight. One is expected if the
    /// last one has served as many requests as it may.
    fn look(&mut self, taken_max: Option<usize>) {
        let opened = self.opened.0.load(Ordering::Relaxed);
        if opened != self.opened_seen {
            self.opened_seen = opened;
            self.begin_anew();
        }
        if self.in_flight == 0 && taken_max.is_some_and(|max| self.taken >= max) {
            self.begin_anew();
            self.is_used_up = true;
        }
    }

    fn begin_anew(&mut self) {
        (self.taken, self.refused, self.unknown) = (self.in_flight, 0, 0);
        self.is_used_up = false;
    }

    /// Takes in the end of a request, and learns how many requests a connection serves.
    fn ends(&mut self, processed: Processed, taken_max: &mut Option<usize>) {
        self.look(*taken_max);
        self.in_flight -= 1;
        match processed {
            Processed::Yes if self.is_used_up => (*taken_max, self.is_used_up) = (None, false),
            Processed::Yes => {}
            Processed::No => self.refused += 1,
            Processed::Unknown => self.unknown += 1,
        }
        if self.in_flight == 0 && self.refused > 0 {
            if self.unknown == 0 {
                *taken_max = Some(self.taken.saturating_sub(self.refused).max(1));
            }
            self.begin_anew();
        }
    }
}

impl LanePlace<'_> {
    /// Sends the request of this place.
    pub(crate) async fn send(
        &self,
        client: Client,
        request: Request,
    ) -> (reqwest::Result<Response>, Connection) {
        HAS_OPENED
            .scope(Cell::new(false), async {
                let answer = client.execute(request).await;
                let connection = if HAS_OPENED.with(Cell::get) {
                    Connection::New
                } else {
                    Connection::Kept
                };
                (answer, connection)
            })
            .await
    }

    /// Records the end of the request.
    pub(crate) fn ended(mut self, processed: Processed) {
        self.processed = processed;
    }
}

impl Drop for LanePlace<'_> {
    fn drop(&mut self) {
        let mut state = self.lanes.state();
        let LaneState { lanes, taken_max } = &mut *state;
        if let Some(lane) = lanes.get_mut(self.lane) {
            lane.ends(self.processed, taken_max);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    use crate::api::HttpOptions;

    fn lanes(protocol: Protocol) -> Lanes {
        let http = HttpOptions::plain(protocol, 64);
        let server = Url::parse("http://127.0.0.1:1/").expect("a URL");
        let (clients, _) = Clients::new(&http, &server, "--base-url").expect("good options");
        Lanes::new(clients).expect("a client")
    }

    fn take<const N: usize>(lanes: &Lanes) -> [LanePlace<'_>; N] {
        [(); N].map(|()| lanes.take_place().0)
    }

    fn lanes_of(places: &[LanePlace<'_>]) -> Vec<usize> {
        places.iter().map(|place| place.lane).collect()
    }

    /// Sends N requests together, of which all but the last `refused` are processed.
    fn round<const N: usize>(lanes: &Lanes, refused: usize) -> Vec<usize> {
        let places = take::<N>(lanes);
        let taken = lanes_of(&places);
        for (index, place) in places.into_iter().enumerate() {
            place.ended(if index < N - refused {
                Processed::Yes
            } else {
                Processed::No
            });
        }
        taken
    }

    fn connects(lanes: &Lanes, lane: usize) {
        lanes.state().lanes[lane]
            .opened
            .0
            .fetch_add(1, Ordering::Relaxed);
    }

    fn taken_max(lanes: &Lanes) -> Option<usize> {
        lanes.state().taken_max
    }

    #[test]
    fn http_1_has_one_client_and_http_2_one_for_a_hundred_requests() {
        let http1 = lanes(Protocol::Http1);
        assert_eq!(lanes_of(&take::<150>(&http1)), [0; 150]);
        let http2 = lanes(Protocol::Http2);
        let places = take::<150>(&http2);
        assert_eq!(lanes_of(&places), [vec![0; 100], vec![1; 50]].concat());
        drop(places);
        assert_eq!(
            lanes_of(&take::<2>(&http2)),
            [0, 0],
            "the first one has room again"
        );
        assert_eq!(taken_max(&http2), None);
    }

    #[test]
    fn a_lane_whose_connection_is_being_closed_takes_nothing() {
        let lanes = lanes(Protocol::Http2);
        connects(&lanes, 0);
        let [first, second, third] = take(&lanes);
        third.ended(Processed::No);
        assert_eq!(round::<2>(&lanes, 0), [1, 1]);
        first.ended(Processed::Yes);
        assert_eq!(taken_max(&lanes), None);
        second.ended(Processed::Yes);
        assert_eq!(taken_max(&lanes), Some(2));
        assert_eq!(round::<5>(&lanes, 0), [0, 0, 1, 1, 2]);
    }

    #[test]
    fn a_number_of_requests_is_kept_while_connections_end_with_it() {
        let lanes = lanes(Protocol::Http2);
        round::<10>(&lanes, 4);
        assert_eq!(taken_max(&lanes), Some(6));
        for _ in 0..3 {
            connects(&lanes, 0);
            assert_eq!(round::<6>(&lanes, 0), [0; 6]);
            assert_eq!(taken_max(&lanes), Some(6));
        }
        // No new connection is needed this time.
        round::<6>(&lanes, 0);
        assert_eq!(taken_max(&lanes), None);
    }

    #[test]
    fn a_connection_that_was_opened_for_a_request_begins_with_it() {
        let lanes = lanes(Protocol::Http2);
        round::<10>(&lanes, 4);
        let [first] = take(&lanes);
        connects(&lanes, 0);
        let places = take::<6>(&lanes);
        assert_eq!(lanes_of(&places), [0, 0, 0, 0, 0, 1]);
        first.ended(Processed::Yes);
        assert_eq!(taken_max(&lanes), Some(6));
    }

    #[test]
    fn nothing_is_learnt_where_nobody_knows_what_was_processed() {
        let lanes = lanes(Protocol::Http2);
        let [lost, first, second] = take(&lanes);
        drop(lost);
        first.ended(Processed::Yes);
        second.ended(Processed::No);
        assert_eq!(taken_max(&lanes), None);
    }

    #[test]
    fn a_connection_that_takes_nothing_counts_as_one_that_takes_one() {
        let lanes = lanes(Protocol::Http2);
        round::<3>(&lanes, 3);
        assert_eq!(taken_max(&lanes), Some(1));
    }
}
