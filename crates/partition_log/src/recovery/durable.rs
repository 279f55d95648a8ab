//! Reading logs of other brokers: what metadata and objects say, without a WAL.

use super::{
    assemble::{Assembled, assemble},
    history::History,
};
use crate::{Claim, LogError, engine::Engine, sequencer::OpenedLog};
use model::SessionId;
use std::collections::BTreeMap;

/// The durable part of logs, whoever owns them; results in the order of the claims. Each session's history is read once.
pub(crate) async fn read_durable(
    engine: &Engine,
    claims: &[Claim],
) -> Vec<Result<OpenedLog, LogError>> {
    let mut by_session: BTreeMap<SessionId, Vec<Claim>> = BTreeMap::new();
    for claim in claims {
        if let Some(owner) = session_of(claim) {
            by_session.entry(owner).or_default().push(claim.clone());
        }
    }
    let recent = engine.recent_reads.share();
    let mut histories = BTreeMap::new();
    for (owner, claims) in by_session {
        let read = History::read(&engine.parts.stores(), &recent, owner, &claims).await;
        histories.insert(owner, read);
    }
    let read = |claim: &Claim| {
        let damaged = || LogError::Inconsistent("the owner record names no session".to_owned());
        let owner = session_of(claim).ok_or_else(damaged)?;
        match histories.get(&owner) {
            Some(Ok(history)) => {
                assemble(claim, owner, history).map(opened).map_err(LogError::Inconsistent)
            }
            Some(Err(error)) => Err(error.clone()),
            None => Err(damaged()),
        }
    };
    claims.iter().map(read).collect()
}

fn session_of(claim: &Claim) -> Option<SessionId> {
    SessionId::from_slice(&claim.owner.session)
}

fn opened(assembled: Assembled) -> OpenedLog {
    let mut log = assembled.into_log();
    log.epochs.truncate_before(log.log_start);
    log
}
