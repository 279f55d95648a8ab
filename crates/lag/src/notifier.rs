//! [`Notifier`]: tells an HTTP endpoint of groups that are not well, and when they are again.
//!
//! It is told at most what [`Incidents`] says; a notice that does not get through is due again at the next look. An endpoint that fails or
//! hangs costs time here and nothing elsewhere: each request ends in time, and after some failures in a row the rest waits for the next look.

use crate::{Evaluator, GroupStatus, Incidents, Notice, NotifierRules, Status};
use minijinja::{
    Environment, UndefinedBehavior, context,
    value::{Serde, Value},
};
use regex::Regex;
use reqwest::{Method, header::CONTENT_TYPE};
use runtime::{Randomness, Shutdown, errors::in_full};
use std::{fmt::Write, time::Duration};

/// After so many failures in a row the rest waits.
const FAILURES: usize = 5;
/// Work that a template may do: a loop that does not end would hold up the notices.
const TEMPLATE_FUEL: u64 = 1_000_000;

/// The body of a notice when no template says otherwise: JSON.
const BODY: &str = r#"{"id":{{ id|tojson }},"state":{{ state|tojson }},"cluster":{{ cluster|tojson }},"group":{{ group|tojson }},"start":{{ start }},"status":{{ result.status|tojson }},"complete":{{ result.complete }},"totallag":{{ result.totallag }},"partitions":{{ result.partitions|tojson }}}"#;

/// Where notices of one kind go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Destination {
    /// A template of the URL.
    pub url: String,
    /// `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// A template of the body; `None`: JSON.
    pub body: Option<String>,
}

/// What a notifier is told.
#[derive(Clone, Debug)]
pub struct NotifierOptions {
    /// When.
    pub rules: NotifierRules,
    /// How often groups are looked at (`interval`).
    pub interval: Duration,
    /// A request that takes longer has failed (`timeout`).
    pub timeout: Duration,
    /// Incidents (`url-open`, `method-open`, `template-open`).
    pub open: Destination,
    /// Their ends (`url-close`, `method-close`, `template-close`).
    pub close: Destination,
    /// Only groups whose names it matches (`group-allowlist`).
    pub allowed_groups: Option<String>,
    /// No groups whose names it matches (`group-denylist`).
    pub denied_groups: Option<String>,
    /// Value of the header `Authorization`.
    pub authorization: Option<String>,
}

/// What is wrong with what it was told.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("lag.notifier.http: {0}")]
pub struct NotifierError(String);

/// Tells of groups for as long as it is run.
#[derive(Debug)]
pub struct Notifier {
    options: NotifierOptions,
    allowed: Option<Regex>,
    denied: Option<Regex>,
    templates: Environment<'static>,
    client: reqwest::Client,
    incidents: Incidents,
}

/// A request, ready to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Written {
    url: String,
    method: Method,
    body: String,
}

/// Text as one part of a URL's path or query (RFC 3986: nothing but what is unreserved stays).
fn url_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(byte.into());
            }
            // Writing to a string can't fail.
            other => {
                let _ = write!(encoded, "%{other:02X}");
            }
        }
    }
    encoded
}

impl Notifier {
    /// One that has told nothing yet.
    ///
    /// # Errors
    /// A template, pattern or method is not understood.
    pub fn new(options: NotifierOptions) -> Result<Self, NotifierError> {
        let pattern = |text: &Option<String>| {
            let pattern = text.as_deref().map(Regex::new).transpose();
            pattern.map_err(|error| NotifierError(error.to_string()))
        };
        let (allowed, denied) =
            (pattern(&options.allowed_groups)?, pattern(&options.denied_groups)?);
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_fuel(Some(TEMPLATE_FUEL));
        // Jinja's own leaves slashes: a group's name could lead to another path.
        templates.add_filter("urlencode", |text: String| url_encoded(&text));
        let client = reqwest::Client::builder().timeout(options.timeout);
        let client = client.redirect(reqwest::redirect::Policy::none()).build();
        let client = client.map_err(|error| NotifierError(in_full(&error)))?;
        let incidents = Incidents::default();
        let notifier = Self { options, allowed, denied, templates, client, incidents };
        // What a template makes of a group shows itself at the start, and not at night.
        for over in [false, true] {
            let mut status = GroupStatus::not_found("cluster", "group");
            status.status = if over { Status::Ok } else { Status::Error };
            let written =
                notifier.write(&Notice { status, id: "id".to_owned(), since: 0, over })?;
            written
                .url
                .parse::<reqwest::Url>()
                .map_err(|error| NotifierError(format!("{:?} is no URL: {error}", written.url)))?;
        }
        Ok(notifier)
    }

    /// Looks at groups and tells of them, until the shutdown.
    pub async fn run(mut self, evaluator: Evaluator, randomness: Randomness, shutdown: Shutdown) {
        for kind in ["open", "close"] {
            metrics::counter!("lag_notices_failed_total", "kind" => kind).increment(0);
        }
        let tell = async {
            loop {
                tokio::time::sleep(self.options.interval).await;
                let groups = evaluator.judge_all();
                self.look(groups, &evaluator, &randomness).await;
            }
        };
        tokio::select! {
            () = shutdown.requested() => {}
            () = tell => {}
        }
    }

    async fn look(
        &mut self,
        mut groups: Vec<GroupStatus>,
        evaluator: &Evaluator,
        randomness: &Randomness,
    ) {
        groups.retain(|status| self.is_wanted(&status.group));
        for status in &mut groups {
            status.partitions.retain(|partition| partition.status > Status::Ok);
        }
        let name = || {
            let unique = uuid::Builder::from_random_bytes(randomness.bytes16());
            unique.into_uuid().to_string()
        };
        let due = self.incidents.judge(groups, evaluator.now(), &self.options.rules, name);
        let mut failures = 0;
        for notice in due {
            let kind = if notice.over { "close" } else { "open" };
            match self.send(&notice).await {
                Ok(()) => {
                    failures = 0;
                    self.incidents.sent(&notice, evaluator.now());
                    metrics::counter!("lag_notices_sent_total", "kind" => kind).increment(1);
                }
                Err(reason) => {
                    failures += 1;
                    metrics::counter!("lag_notices_failed_total", "kind" => kind).increment(1);
                    if failures == 1 {
                        tracing::warn!(
                            group = notice.status.group,
                            reason,
                            "a notice of a group's lag did not get through; it is tried again at the next look. See that lag.notifier.http.url.open answers"
                        );
                    }
                    if failures >= FAILURES {
                        return;
                    }
                }
            }
        }
    }

    fn is_wanted(&self, group: &str) -> bool {
        self.allowed.as_ref().is_none_or(|it| it.is_match(group))
            && !self.denied.as_ref().is_some_and(|it| it.is_match(group))
    }

    fn write(&self, notice: &Notice) -> Result<Written, NotifierError> {
        let destination = if notice.over { &self.options.close } else { &self.options.open };
        let variables = context! {
            id => notice.id.as_str(),
            state => if notice.over { "close" } else { "open" },
            cluster => notice.status.cluster.as_str(),
            group => notice.status.group.as_str(),
            start => notice.since,
            result => Value::from(Serde(&notice.status)),
        };
        let render = |template: &str| {
            let rendered = self.templates.render_str(template, &variables);
            rendered.map_err(|error| NotifierError(format!("{template:?}: {error}")))
        };
        let method = Method::from_bytes(destination.method.as_bytes());
        Ok(Written {
            url: render(&destination.url)?,
            method: method.map_err(|error| NotifierError(error.to_string()))?,
            body: render(destination.body.as_deref().unwrap_or(BODY))?,
        })
    }

    async fn send(&self, notice: &Notice) -> Result<(), String> {
        let Written { url, method, body } = self.write(notice).map_err(|it| it.to_string())?;
        let mut request = self.client.request(method, url);
        if let Some(authorization) = &self.options.authorization {
            request = request.header(reqwest::header::AUTHORIZATION, authorization);
        }
        let request = request.header(CONTENT_TYPE, "application/json").body(body);
        // The body of the answer is of no interest, and may be of any length.
        let answer = request.send().await.map_err(|error| in_full(&error.without_url()))?;
        match answer.status() {
            code if code.is_success() => Ok(()),
            code => Err(format!("the answer is {code}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notifier(options: NotifierOptions) -> Result<Notifier, NotifierError> {
        // An error means that another test has installed it.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Notifier::new(options)
    }

    fn options(url: &str, body: Option<&str>) -> NotifierOptions {
        let destination = Destination {
            url: url.to_owned(),
            method: "POST".to_owned(),
            body: body.map(str::to_owned),
        };
        NotifierOptions {
            rules: NotifierRules {
                threshold: Status::Warning,
                send_once: false,
                send_interval: Duration::ZERO,
                send_close: true,
            },
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            open: destination.clone(),
            close: destination,
            allowed_groups: Some("^team-".to_owned()),
            denied_groups: Some("-test$".to_owned()),
            authorization: None,
        }
    }

    fn notice() -> Notice {
        let mut status = GroupStatus::not_found("c", "g\"/\n?");
        status.status = Status::Error;
        Notice { status, id: "7".to_owned(), since: 5, over: false }
    }

    #[test]
    fn names_of_groups_stay_what_they_are_in_url_and_body() {
        let url = "http://localhost/{{ group|urlencode }}/{{ state }}";
        let notifier = notifier(options(url, None)).expect("good options");
        let written = notifier.write(&notice()).expect("it renders");
        assert_eq!(written.url, "http://localhost/g%22%2F%0A%3F/open");
        let body: serde_json::Value = serde_json::from_str(&written.body).expect("JSON");
        assert_eq!(body["group"], "g\"/\n?");
        assert_eq!((&body["status"], &body["start"]), (&"ERR".into(), &5.into()));
    }

    #[test]
    fn what_a_template_gets_wrong_is_told_at_the_start() {
        for body in [
            "{{ grop }}",
            "{{ group",
            "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        ] {
            assert!(notifier(options("http://localhost/", Some(body))).is_err(), "{body}");
        }
        assert!(notifier(options("nowhere", None)).is_err());
    }

    #[test]
    fn groups_are_told_of_that_are_allowed_and_not_denied() {
        let notifier = notifier(options("http://localhost/", None)).expect("good options");
        let wanted = ["team-a", "a", "team-test"].map(|group| notifier.is_wanted(group));
        assert_eq!(wanted, [true, false, false]);
    }
}
