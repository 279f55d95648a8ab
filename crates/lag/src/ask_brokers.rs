//! Asking the other brokers of this cluster, over their HTTP ports: for groups that they coordinate.

use crate::OtherBroker;
use futures::future::join_all;
use runtime::errors::in_full;
use serde_json::Value;
use std::{sync::OnceLock, time::Duration};

/// A broker that does not answer for so long has no answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Longest answer that is read, in bytes.
const MAX_BYTES: usize = 64 << 20;

/// Asks for what a broker knows by itself: it asks nobody in turn.
const ALONE: &str = "?local=true";

/// Whether a query asks for that.
pub(crate) fn is_alone(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|it| it == "local=true"))
}

/// The way to other brokers. Made at first use: one broker alone needs none.
#[derive(Debug, Default)]
pub(crate) struct OtherBrokers(OnceLock<reqwest::Client>);

impl OtherBrokers {
    /// Status and body of another broker's answer to a GET of `path`, which is encoded as it came.
    ///
    /// # Errors
    /// Why there is none, in one line.
    pub(crate) async fn ask(
        &self,
        broker: &OtherBroker,
        path: &str,
    ) -> Result<(u16, Vec<u8>), String> {
        let Some(http) = &broker.http else {
            return Err(format!("broker {} has no HTTP port that others could ask", broker.id));
        };
        let failed = |reason: String| format!("broker {} at {http}: {reason}", broker.id);
        let asked = self.client()?.get(format!("http://{http}{path}{ALONE}")).send().await;
        let mut answer = asked.map_err(|error| failed(in_full(&error)))?;
        let mut body = Vec::new();
        while let Some(more) = answer.chunk().await.map_err(|error| failed(in_full(&error)))? {
            if body.len() + more.len() > MAX_BYTES {
                return Err(failed("its answer is too long".to_owned()));
            }
            body.extend_from_slice(&more);
        }
        Ok((answer.status().as_u16(), body))
    }

    /// What all of these brokers list under `name`, as one list.
    ///
    /// # Errors
    /// One did not answer: the list would lack what it knows.
    pub(crate) async fn gather(
        &self,
        brokers: &[OtherBroker],
        path: &str,
        name: &str,
    ) -> Result<Vec<String>, String> {
        let mut all = Vec::new();
        let answers = join_all(brokers.iter().map(|broker| self.ask(broker, path))).await;
        for (broker, answer) in brokers.iter().zip(answers) {
            let (code, body) = answer?;
            let value: Value = serde_json::from_slice(&body).unwrap_or_default();
            let list = value.get(name).and_then(Value::as_array);
            let list = list.ok_or_else(|| format!("broker {} answered {code}", broker.id))?;
            all.extend(list.iter().filter_map(|it| it.as_str().map(str::to_owned)));
        }
        Ok(all)
    }

    fn client(&self) -> Result<&reqwest::Client, String> {
        if let Some(client) = self.0.get() {
            return Ok(client);
        }
        let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy();
        let client = client.redirect(reqwest::redirect::Policy::none()).build();
        let client = client.map_err(|error| in_full(&error))?;
        Ok(self.0.get_or_init(|| client))
    }
}
