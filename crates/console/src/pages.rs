//! The page's files, as they are: no build step, nothing from elsewhere. They hold no data, so no token is wanted for them.

use axum::{
    Router,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    routing::get,
};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const ICON: &str = "image/svg+xml";

struct File {
    path: &'static str,
    kind: &'static str,
    content: &'static str,
}

macro_rules! files {
    ($($kind:ident $path:literal from $source:literal;)*) => {
        [$(File { path: $path, kind: $kind, content: include_str!(concat!("../static/", $source)) }),*]
    };
}

static FILES: &[File] = &files! {
    HTML "/" from "index.html";
    CSS "/console/style.css" from "style.css";
    ICON "/console/icon.svg" from "icon.svg";
    SCRIPT "/console/main.js" from "main.js";
    SCRIPT "/console/api.js" from "api.js";
    SCRIPT "/console/bytes.js" from "bytes.js";
    SCRIPT "/console/change.js" from "change.js";
    SCRIPT "/console/dom.js" from "dom.js";
    SCRIPT "/console/views/access.js" from "views/access.js";
    SCRIPT "/console/views/broker.js" from "views/broker.js";
    SCRIPT "/console/views/configs.js" from "views/configs.js";
    SCRIPT "/console/views/group.js" from "views/group.js";
    SCRIPT "/console/views/groups.js" from "views/groups.js";
    SCRIPT "/console/views/messages.js" from "views/messages.js";
    SCRIPT "/console/views/overview.js" from "views/overview.js";
    SCRIPT "/console/views/plot.js" from "views/plot.js";
    SCRIPT "/console/views/record.js" from "views/record.js";
    SCRIPT "/console/views/schemas.js" from "views/schemas.js";
    SCRIPT "/console/views/seek.js" from "views/seek.js";
    SCRIPT "/console/views/topic.js" from "views/topic.js";
    SCRIPT "/console/views/topics.js" from "views/topics.js";
};

pub(crate) fn routes() -> Router {
    FILES.iter().fold(Router::new(), |router, file| {
        let serve = async move || {
            // A broker of another version brings other files under the same names.
            ([(CONTENT_TYPE, file.kind), (CACHE_CONTROL, "no-cache")], file.content)
        };
        router.route(file.path, get(serve))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_makes_markup_of_data_or_asks_elsewhere() {
        for file in FILES {
            for never in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
                "https://",
            ] {
                assert!(!file.content.contains(never), "{}: {never}", file.path);
            }
        }
    }

    #[test]
    fn every_module_that_is_imported_is_served() {
        for file in FILES.iter().filter(|file| file.kind == SCRIPT) {
            let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            for import in file.content.lines().filter_map(|line| line.split_once(" from \"./")) {
                let name = import.1.trim_end_matches("\";");
                let path = format!("{folder}/{name}");
                assert!(FILES.iter().any(|file| file.path == path), "{}: {path}", file.path);
            }
            for import in file.content.lines().filter_map(|line| line.split_once(" from \"../")) {
                let path = format!("/console/{}", import.1.trim_end_matches("\";"));
                assert!(FILES.iter().any(|file| file.path == path), "{}: {path}", file.path);
            }
        }
    }
}
