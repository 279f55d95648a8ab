//! [`Line`]: the queue of what one address is to be told, and the tasks that empty it.

use super::Door;
use kafka_client::{Connection, ConnectionError};
use kafka_protocol::protocol::Request;
use runtime::Tasks;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    time::timeout,
};

/// Requests to one broker that are under way at the same time, each on a connection of its own.
const REQUESTS_AT_ONCE: usize = 4;
/// Letters in one request at most.
const LETTERS_PER_REQUEST: usize = 1_000;
/// Letters that wait for their turn at most.
const WAITING_MAX: usize = 4_000;
/// A connection that had nothing to send for so long is closed.
const IDLE: Duration = Duration::from_secs(60);

/// Something to tell another broker. What gathers shares a request.
pub(super) trait Letter: Send + Sync + Sized + 'static {
    /// What comes back.
    type Answer: Send + 'static;
    /// The request that carries them, …
    type Request: Request<Response: Send> + Send + Sync;
    /// … and its version.
    const VERSION: i16;

    /// One request for all of them.
    fn request(letters: &[&Self]) -> Self::Request;

    /// The answer to each, in their order.
    fn answers(
        letters: &[&Self],
        response: &<Self::Request as Request>::Response,
    ) -> Vec<Self::Answer>;

    /// The answer when none came: whether the letter was read is not known.
    fn unanswered(reason: String) -> Self::Answer;
}

/// A letter on its way.
#[derive(Debug)]
pub(super) struct Posted<L: Letter> {
    letter: L,
    answer: oneshot::Sender<L::Answer>,
}

type Waiting<L> = Arc<Mutex<mpsc::Receiver<Posted<L>>>>;

/// The way into the queue. Cheap to clone.
#[derive(Debug)]
pub(super) struct Line<L: Letter>(mpsc::Sender<Posted<L>>);

impl<L: Letter> Clone for Line<L> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<L: Letter> Line<L> {
    pub(super) fn open(address: &Arc<str>, door: &Arc<Door>, tasks: &Tasks) -> Self {
        let (sender, waiting) = mpsc::channel(WAITING_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..REQUESTS_AT_ONCE {
            let (address, door) = (Arc::clone(address), Arc::clone(door));
            let (waiting, shutdown) = (Arc::clone(&waiting), tasks.shutdown());
            tasks.spawn("peer_line", async move {
                tokio::select! {
                    () = shutdown.requested() => {}
                    () = empty::<L>(&door, &address, &waiting) => {}
                }
            });
        }
        Self(sender)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Sends a letter and waits for its answer.
    pub(super) async fn send(&self, letter: L) -> L::Answer {
        let (answer, answered) = oneshot::channel();
        let closed = || L::unanswered("the connection is being closed".to_owned());
        if self.0.send(Posted { letter, answer }).await.is_err() {
            return closed();
        }
        answered.await.unwrap_or_else(|_| closed())
    }
}

/// Sends what is in the queue, until there was nothing for a while.
async fn empty<L: Letter>(door: &Door, address: &str, waiting: &Waiting<L>) {
    let mut connection = None;
    loop {
        let posted = take(waiting).await;
        if posted.is_empty() {
            return;
        }
        let letters: Vec<_> = posted.iter().map(|posted| &posted.letter).collect();
        let answers = match call::<L>(door, address, &mut connection, &letters).await {
            Ok(response) => L::answers(&letters, &response),
            Err(error) => {
                connection = None;
                letters.iter().map(|_| L::unanswered(error.to_string())).collect()
            }
        };
        for (posted, answer) in posted.into_iter().zip(answers) {
            // Whoever gave up waiting does not care.
            let _ = posted.answer.send(answer);
        }
    }
}

async fn take<L: Letter>(waiting: &Waiting<L>) -> Vec<Posted<L>> {
    let mut waiting = waiting.lock().await;
    let mut taken = Vec::new();
    // Nothing is lost when time is up: `recv_many` is cancel safe.
    let _ = timeout(IDLE, waiting.recv_many(&mut taken, LETTERS_PER_REQUEST)).await;
    taken
}

async fn call<L: Letter>(
    door: &Door,
    address: &str,
    connection: &mut Option<Connection>,
    letters: &[&L],
) -> Result<<L::Request as Request>::Response, ConnectionError> {
    let open = match connection {
        Some(open) => open,
        None => connection.insert(door.open(address).await?),
    };
    open.call(&L::request(letters), L::VERSION).await
}
