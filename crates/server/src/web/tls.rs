//! TLS by the server itself: rustls with ring, the certificate and its key from files, read again when they change.
//!
//! Never speaks TLS 1.1 or older; rustls cannot.

use std::path::Path;
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;

use crate::options::Tls;

/// The configuration of `tls`. Errors name the file and what is wrong with it.
pub(crate) async fn configuration(tls: &Tls) -> Result<RustlsConfig, String> {
    // The error says only that another was installed before, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    for path in [&tls.certificate, &tls.key] {
        readable(path)?;
    }
    RustlsConfig::from_pem_file(&tls.certificate, &tls.key).await.map_err(|wrong| says(tls, &wrong))
}

fn readable(path: &Path) -> Result<(), String> {
    std::fs::File::open(path).map(drop).map_err(|wrong| format!("{}: {wrong}", path.display()))
}

fn says(tls: &Tls, wrong: &std::io::Error) -> String {
    format!(
        "{} and {}: {wrong}; a PEM certificate chain and its PEM private key are needed",
        tls.certificate.display(),
        tls.key.display()
    )
}

/// Reads the files again on each SIGHUP, as a renewed certificate asks for.
#[cfg(unix)]
pub(crate) fn renew_on_hangup(configuration: RustlsConfig, tls: Tls) {
    use tokio::signal::unix::{SignalKind, signal};

    let tls = Arc::new(tls);
    tokio::spawn(async move {
        let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
        while hangup.recv().await.is_some() {
            match configuration.reload_from_pem_file(&tls.certificate, &tls.key).await {
                Ok(()) => tracing::info!("the certificate was read again"),
                Err(wrong) => tracing::error!(wrong = says(&tls, &wrong), "the old certificate stays"),
            }
        }
    });
}
