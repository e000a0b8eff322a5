//! The files that pages load: the style, the script, htmx. They are part of the binary and loaded from nowhere else.
//!
//! Never serves a file of the disk. A file's address carries its hash, so a browser may keep it for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

struct Asset {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

const ASSETS: [Asset; 7] = [
    Asset { name: "app.css", kind: "text/css; charset=utf-8", bytes: include_bytes!("../../assets/app.css") },
    Asset { name: "app.js", kind: JS, bytes: include_bytes!("../../assets/app.js") },
    Asset { name: "htmx.min.js", kind: JS, bytes: include_bytes!("../../assets/htmx.min.js") },
    Asset { name: "figure.css", kind: "text/css; charset=utf-8", bytes: report::FIGURE_STYLE.as_bytes() },
    Asset {
        name: "epro.css",
        kind: "text/css; charset=utf-8",
        bytes: include_bytes!("../../assets/epro.css"),
    },
    Asset { name: "epro.js", kind: JS, bytes: include_bytes!("../../assets/epro.js") },
    Asset { name: "icon.svg", kind: "image/svg+xml", bytes: include_bytes!("../../assets/icon.svg") },
];
const JS: &str = "text/javascript; charset=utf-8";

static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = blake3::Hasher::new();
    for asset in &ASSETS {
        hasher.update(asset.bytes);
    }
    hasher.finalize().to_hex()[..12].to_owned()
});

/// The address of a file.
pub(crate) fn address(name: &str) -> String {
    format!("/assets/{}/{name}", *HASH)
}

/// `GET /assets/{hash}/{name}`
pub(crate) async fn asset(Path((_, name)): Path<(String, String)>) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return (StatusCode::NOT_FOUND, "There is no such file.").into_response();
    };
    let kept = "public, max-age=31536000, immutable";
    ([(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, kept)], asset.bytes).into_response()
}
