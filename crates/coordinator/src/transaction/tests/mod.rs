//! Transactions: the state machine by tables and random events, then the coordinator over a store that loses answers.

mod coordinating;
mod deciding;
mod events;
mod state_topic;
