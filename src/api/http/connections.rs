//! Counts the connections that a client opens, to tell new connections from kept ones.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    /// Whether a connection was opened for the request of this task.
    pub(crate) static HAS_OPENED: Cell<bool>;
}

/// Counts the connections that a client opens, and marks the request that a connection was opened
/// for.
///
/// The client polls the connector in the request's own task. If another connection becomes free
/// first, the request takes that one, and the new connection is completed in a task of its own,
/// where no request is marked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Opened(pub(crate) Arc<AtomicUsize>);

/// A connector that counts its connections.
///
/// The HTTP library copies its connector several times for each request, and most requests open no
/// connection. So copies share the connector below, and each connection is opened by a copy of its
/// own.
#[derive(Debug)]
pub(crate) struct CountedConnector<S> {
    connector: Arc<S>,
    opened: Opened,
}

impl<S> Clone for CountedConnector<S> {
    fn clone(&self) -> Self {
        CountedConnector {
            connector: Arc::clone(&self.connector),
            opened: self.opened.clone(),
        }
    }
}

impl<S> Layer<S> for Opened {
    type Service = CountedConnector<S>;

    fn layer(&self, connector: S) -> CountedConnector<S> {
        CountedConnector {
            connector: Arc::new(connector),
            opened: self.clone(),
        }
    }
}

impl<S, R> Service<R> for CountedConnector<S>
where
    S: Service<R> + Clone + Send + 'static,
    S::Future: Send + 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    /// Each call waits until its own copy is ready.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: R) -> Self::Future {
        let (mut connector, opened) = (S::clone(&self.connector), self.opened.clone());
        Box::pin(async move {
            poll_fn(|task| connector.poll_ready(task)).await?;
            let connection = connector.call(target).await?;
            opened.0.fetch_add(1, Ordering::Relaxed);
            // Completed apart from any request, so there is no request to mark.
            HAS_OPENED.try_with(|has_opened| has_opened.set(true)).ok();
            Ok(connection)
        })
    }
}
