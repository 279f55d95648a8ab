//! The REST API: routes, queries and answers as Confluent's clients expect them.

mod answers;
mod forward;
mod permission;
mod request;

use crate::{
    access::{Access, Anybody, Deed, Visitor},
    error::RegistryError,
    registry::{Registry, Selector, WriteError},
    state::Body as SchemaBody,
    subject::Subject,
};
use answers::Answer;
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, DefaultBodyLimit, Extension, State},
    http::{HeaderMap, Method, Uri, header},
    response::Response,
    serve::ListenerExt,
};
use forward::{FORWARDED, READ_TO};
use request::Request;
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
};
use tokio::net::TcpListener;

/// Largest request, in bytes: a schema of the largest size, as a JSON string.
const MAX_REQUEST_BYTES: usize = 4 << 20;

/// What requests are answered by.
#[derive(Clone)]
struct Served {
    registry: Registry,
    access: Option<Arc<dyn Access>>,
}

/// Every route. Without `access` everybody may do everything.
pub fn routes(registry: Registry, access: Option<Arc<dyn Access>>) -> Router {
    Router::new()
        .fallback(handle)
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(Served { registry, access })
}

/// Serves until `end`. Without `access` everybody may do everything.
///
/// # Errors
/// The listener's own.
pub async fn serve(
    listener: TcpListener,
    registry: Registry,
    access: Option<Arc<dyn Access>>,
    end: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let routes = routes(registry, access).into_make_service_with_connect_info::<SocketAddr>();
    // An answer that waits for the client's acknowledgement of the one before it takes 40 ms.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, routes).with_graceful_shutdown(end).await
}

type Peer = Option<Extension<ConnectInfo<SocketAddr>>>;

impl Served {
    async fn visitor(
        &self,
        headers: &HeaderMap,
        peer: Peer,
    ) -> Result<Box<dyn Visitor>, RegistryError> {
        let Some(access) = &self.access else { return Ok(Box::new(Anybody)) };
        let authorization = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
        let unknown = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        let host = peer.map_or(unknown, |Extension(ConnectInfo(peer))| peer.ip());
        access.enter(authorization, host).await
    }
}

async fn handle(
    State(served): State<Served>,
    peer: Peer,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if content_type.is_some_and(|kind| !kind.contains("json") && !kind.contains("octet-stream")) {
        return answers::failed(&RegistryError::new(415, "HTTP 415 Unsupported Media Type"));
    }
    let visitor = match served.visitor(&headers, peer).await {
        Ok(visitor) => visitor,
        Err(refused) => return answers::failed(&refused),
    };
    let registry = served.registry;
    let Ok(body) = axum::body::to_bytes(body, MAX_REQUEST_BYTES).await else {
        return answers::failed(&RegistryError::new(413, "HTTP 413 Request Entity Too Large"));
    };
    let request = Request::read(visitor, method.clone(), &uri, &body);
    let allowed = request.and_then(|request| permission::check(&request).map(|()| request));
    let answered = match allowed {
        Ok(request) => answer(&registry, request).await,
        Err(refused) => Err(refused.into()),
    };
    match answered {
        Ok(answer) => {
            let mut response = answer.response();
            if headers.contains_key(FORWARDED) {
                response.headers_mut().insert(READ_TO, registry.position().into());
            }
            response
        }
        Err(WriteError::Refused(refused)) => answers::failed(&refused),
        Err(WriteError::Elsewhere(address)) if !headers.contains_key(FORWARDED) => {
            match forward::forward(&address, &method, &uri, &headers, body).await {
                Ok((response, read_to)) => {
                    // What is not read in time is written all the same.
                    let _read = registry.until_read(read_to.unwrap_or(0)).await;
                    response
                }
                Err(why) => {
                    let message = format!("Error while forwarding the request to {address}: {why}");
                    answers::failed(&RegistryError::new(50003, message))
                }
            }
        }
        // It was forwarded here by somebody who knew less than this broker does.
        Err(WriteError::Elsewhere(_)) => {
            answers::failed(&RegistryError::new(50004, "Another broker leads _schemas now"))
        }
    }
}

type Answered = Result<Answer, WriteError>;

async fn answer(registry: &Registry, request: Request) -> Answered {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        [] => Ok(Answer::new(json!({}))),
        ["v1", "metadata", "id"] => {
            Ok(Answer::new(json!({ "id": "", "scope": { "path": [], "clusters": {} } })))
        }
        ["v1", "metadata", "version"] => {
            Ok(Answer::new(json!({ "version": env!("CARGO_PKG_VERSION"), "commitId": "" })))
        }
        ["contexts"] => {
            request.only(&Method::GET)?;
            Ok(Answer::new(json!(registry.state()?.contexts())))
        }
        ["schemas", rest @ ..] => {
            request.only(&Method::GET)?;
            schemas(registry, &request, rest)
        }
        ["subjects"] => {
            request.only(&Method::GET)?;
            subjects(registry, &request)
        }
        ["subjects", subject, rest @ ..] => {
            let subject = request.subject(subject)?;
            match rest {
                [] => whole_subject(registry, &request, &subject).await,
                ["versions"] => versions(registry, &request, &subject).await,
                ["versions", version, rest @ ..] => {
                    let selector = Selector::read(version)?;
                    one_version(registry, &request, &subject, selector, rest).await
                }
                _ => Err(Request::not_found()),
            }
        }
        ["compatibility", "subjects", subject, "versions", rest @ ..] if rest.len() <= 1 => {
            request.only(&Method::POST)?;
            let selector = rest.first().map(|version| Selector::read(version)).transpose()?;
            let subject = request.subject(subject)?;
            compatibility(registry, &request, subject, selector).await
        }
        ["config", rest @ ..] if rest.len() <= 1 => {
            let subject = rest.first().map(|subject| request.subject(subject)).transpose()?;
            config(registry, &request, subject.as_ref()).await
        }
        ["mode", rest @ ..] if rest.len() <= 1 => {
            let subject = rest.first().map(|subject| request.subject(subject)).transpose()?;
            mode(registry, &request, subject.as_ref()).await
        }
        _ => Err(Request::not_found()),
    }
}

fn schemas(registry: &Registry, request: &Request, path: &[&str]) -> Answered {
    match path {
        [] => all_schemas(registry, request),
        ["types"] => Ok(Answer::new(json!(["JSON", "PROTOBUF", "AVRO"]))),
        ["ids", id, rest @ ..] => {
            let id: u32 = id.parse().map_err(|_| Request::not_found())?;
            let subject = request.subject_of_ids()?;
            let body = registry.body(&subject, id)?;
            if !may_see(registry, request, &body, id)? {
                // As if it were not there.
                return Err(RegistryError::new(40403, format!("Schema {id} not found")).into());
            }
            let format = request.query("format").unwrap_or_default();
            match rest {
                [] => {
                    let text = registry.formatted(subject.context(), &body, format)?;
                    let mut answer = answers::schema(&body, &text);
                    if request.flag("fetchMaxId")
                        && let Some(members) = answer.as_object_mut()
                    {
                        let highest = registry.state()?.highest_id(subject.context());
                        members.insert("maxId".to_owned(), highest.into());
                    }
                    Ok(Answer::new(answer))
                }
                ["schema"] => {
                    Ok(Answer::text(registry.formatted(subject.context(), &body, format)?))
                }
                ["subjects" | "versions"] => {
                    let state = registry.state()?;
                    let deleted = request.flag("deleted");
                    let only = request.query("subject").filter(|name| !name.is_empty());
                    let uses = state.uses(subject.context(), id).filter(|(name, _, is_deleted)| {
                        (deleted || !is_deleted)
                            && request.shows(name)
                            && only.is_none_or(|_| Subject::read(name) == subject)
                    });
                    Ok(Answer::new(if rest == ["versions"] {
                        let of = |(subject, version, _)| json!({ "subject": subject, "version": version });
                        Value::Array(request.page(uses.map(of)))
                    } else {
                        let mut names: Vec<_> = uses.map(|(subject, ..)| subject).collect();
                        names.dedup();
                        json!(request.page(names.into_iter()))
                    }))
                }
                _ => Err(Request::not_found()),
            }
        }
        _ => Err(Request::not_found()),
    }
}

/// Whether whoever asks may see one of the subjects that have this schema. One that no subject has any more is the registry's own.
fn may_see(
    registry: &Registry,
    request: &Request,
    body: &Arc<SchemaBody>,
    id: u32,
) -> Result<bool, RegistryError> {
    let users = registry.users(body, id)?;
    let is_of_nobody = users.is_empty() && request.visitor.may(Deed::ReadConfig, None, false);
    Ok(is_of_nobody || users.iter().any(|user| request.shows(user)))
}

fn all_schemas(registry: &Registry, request: &Request) -> Answered {
    let state = registry.state()?;
    let (deleted, latest) = (request.flag("deleted"), request.flag("latestOnly"));
    let mut found = Vec::new();
    for (subject, versions) in state.subjects().filter(|(subject, _)| request.matches(subject)) {
        let shown = versions.iter().filter(|(_, version)| deleted || !version.deleted);
        let mut shown = shown.map(|(number, version)| {
            answers::version(&version.body.value(subject, *number, version.deleted))
        });
        if latest {
            found.extend(shown.next_back());
        } else {
            found.extend(shown);
        }
    }
    Ok(Answer::new(Value::Array(request.page(found.into_iter()))))
}

fn subjects(registry: &Registry, request: &Request) -> Answered {
    let state = registry.state()?;
    let (deleted, only) = (request.flag("deleted"), request.flag("deletedOnly"));
    let names = state.subjects().filter(|(subject, versions)| {
        let live = versions.values().any(|version| !version.deleted);
        request.matches(subject) && (if only { !live } else { live || deleted })
    });
    Ok(Answer::new(json!(request.page(names.map(|(subject, _)| subject)))))
}

async fn whole_subject(registry: &Registry, request: &Request, subject: &Subject) -> Answered {
    match request.method {
        Method::POST => {
            let (registry, subject) = (registry.clone(), subject.clone());
            let (registration, normalize) = (request.registration()?, request.flag("normalize"));
            let (deleted, format) =
                (request.flag("deleted"), request.query("format").unwrap_or_default());
            let format = format.to_owned();
            blocking(move || {
                let mut found = registry.lookup(&subject, &registration, normalize, deleted)?;
                if !format.is_empty() {
                    let body = registry.body(&subject, found.id)?;
                    found.schema = registry.formatted(subject.context(), &body, &format)?;
                }
                Ok(Answer::new(answers::version(&found)))
            })
            .await
        }
        Method::DELETE => {
            let deleted = registry.delete_subject(subject, request.flag("permanent")).await?;
            Ok(Answer::new(json!(deleted)))
        }
        _ => Err(Request::not_allowed()),
    }
}

async fn versions(registry: &Registry, request: &Request, subject: &Subject) -> Answered {
    match request.method {
        Method::GET => {
            let state = registry.state()?;
            let (deleted, only) = (request.flag("deleted"), request.flag("deletedOnly"));
            let name = subject.to_string();
            let shown = state.versions(&name).filter(|(_, version)| {
                if only { version.deleted } else { deleted || !version.deleted }
            });
            let shown: Vec<_> = shown.map(|(number, _)| number).collect();
            if shown.is_empty() {
                return Err(RegistryError::subject_not_found(&name).into());
            }
            Ok(Answer::new(json!(request.page(shown.into_iter()))))
        }
        Method::POST => {
            let registration = request.registration()?;
            let normalize = request.flag("normalize");
            let registered = registry.register(subject, &registration, normalize).await?;
            Ok(Answer::new(json!({ "id": registered.id })))
        }
        _ => Err(Request::not_allowed()),
    }
}

async fn one_version(
    registry: &Registry,
    request: &Request,
    subject: &Subject,
    selector: Selector,
    rest: &[&str],
) -> Answered {
    let deleted = request.flag("deleted");
    match (&request.method, rest) {
        (&Method::GET, [] | ["schema"]) => {
            let mut found = registry.find(subject, selector, deleted)?;
            let format = request.query("format").unwrap_or_default();
            if !format.is_empty() {
                let body = registry.body(subject, found.id)?;
                found.schema = registry.formatted(subject.context(), &body, format)?;
            }
            Ok(match rest {
                [] => Answer::new(answers::version(&found)),
                _ => Answer::text(found.schema),
            })
        }
        (&Method::GET, ["referencedby"]) => {
            let found = registry.find(subject, selector, true)?;
            let ids = registry.state()?.referenced_by(&subject.to_string(), found.version);
            Ok(Answer::new(json!(request.page(ids.into_iter()))))
        }
        (&Method::DELETE, []) => {
            let permanent = request.flag("permanent");
            let version = registry.delete_version(subject, selector, permanent).await?;
            Ok(Answer::new(json!(version)))
        }
        (_, [] | ["schema" | "referencedby"]) => Err(Request::not_allowed()),
        _ => Err(Request::not_found()),
    }
}

async fn compatibility(
    registry: &Registry,
    request: &Request,
    subject: Subject,
    selector: Option<Selector>,
) -> Answered {
    let (registry, registration) = (registry.clone(), request.registration()?);
    let (normalize, verbose) = (request.flag("normalize"), request.flag("verbose"));
    blocking(move || {
        let messages = match registry.check(&subject, selector, &registration, normalize) {
            Ok(messages) => messages,
            // Who asks to be told why hears of what is wrong with the schema itself in the same place.
            Err(refused) if verbose && refused.code == 42201 => vec![refused.message],
            Err(refused) => return Err(refused.into()),
        };
        let mut answer = json!({ "is_compatible": messages.is_empty() });
        if verbose && let Some(members) = answer.as_object_mut() {
            members.insert("messages".to_owned(), json!(messages));
        }
        Ok(Answer::new(answer))
    })
    .await
}

async fn config(registry: &Registry, request: &Request, subject: Option<&Subject>) -> Answered {
    match request.method {
        Method::GET => {
            let config = registry.config_json(subject, request.flag("defaultToGlobal"))?;
            Ok(Answer::new(config))
        }
        Method::PUT => {
            let given = request.object()?;
            registry.set_config(subject, given.clone()).await?;
            Ok(Answer::new(Value::Object(given)))
        }
        Method::DELETE => {
            let mut config = json!(registry.delete_config(subject).await?);
            if let Some(members) = config.as_object_mut() {
                members.remove("subject");
                members.entry("compatibilityLevel").or_insert_with(|| "BACKWARD".into());
            }
            Ok(Answer::new(config))
        }
        _ => Err(Request::not_allowed()),
    }
}

async fn mode(registry: &Registry, request: &Request, subject: Option<&Subject>) -> Answered {
    let mode = match request.method {
        Method::GET => registry.mode_of(subject, request.flag("defaultToGlobal"))?,
        Method::PUT => {
            let given = request.object()?;
            let mode = given.get("mode").and_then(Value::as_str).unwrap_or_default().to_owned();
            registry.set_mode(subject, &mode, request.flag("force")).await?;
            mode
        }
        Method::DELETE => registry.delete_mode(subject).await?,
        _ => return Err(Request::not_allowed()),
    };
    Ok(Answer::new(json!({ "mode": mode })))
}

/// Reading and comparing schemas takes its time, which other connections must not wait for.
async fn blocking(work: impl FnOnce() -> Answered + Send + 'static) -> Answered {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(RegistryError::new(500, error.to_string()).into()))
}
