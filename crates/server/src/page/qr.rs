//! A QR code as a drawing: an address that a phone can read off the screen or off paper.
//!
//! Never loads or sends anything: the code is drawn here, so that no other service learns of the address.

use std::fmt::Write as _;

use maud::{Markup, html};
use qrcode::{Color, EcLevel, QrCode};

/// The quiet zone of ISO/IEC 18004, in modules.
const QUIET: usize = 4;

/// The code of a text; nothing where the text is too long for one (over some 2,300 bytes).
pub(crate) fn qr(text: &str, title: &str) -> Markup {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else { return html! {} };
    let width = code.width();
    let size = width + 2 * QUIET;
    let path = path(&code.to_colors(), width);
    html! {
        div.qr {
            svg role="img" viewBox=(format!("0 0 {size} {size}")) shape-rendering="crispEdges" xmlns="http://www.w3.org/2000/svg" {
                title { (title) }
                rect width=(size) height=(size) fill="#fff" {}
                path d=(path) fill="#000" {}
            }
        }
    }
}

/// The dark modules, a bar for each run of a row.
fn path(modules: &[Color], width: usize) -> String {
    let mut path = String::new();
    for (y, row) in modules.chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|one, next| one == next) {
            if run.first() == Some(&Color::Dark) {
                let (left, top, length) = (x + QUIET, y + QUIET, run.len());
                let _ = write!(path, "M{left} {top}h{length}v1h-{length}z"); // writing to a string cannot fail
            }
            x += run.len();
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_cover_the_dark_modules_and_nothing_else() {
        let code = QrCode::new("otpauth://totp/Trialwright:anna?secret=JBSWY3DPEHPK3PXP").unwrap();
        let (modules, width) = (code.to_colors(), code.width());
        let mut drawn = vec![Color::Light; modules.len()];
        for bar in path(&modules, width).split('M').skip(1) {
            let numbers: Vec<usize> =
                bar.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
            let [left, top, length, ..] = numbers[..] else { panic!("{bar}") };
            for x in left..left + length {
                drawn[(top - QUIET) * width + x - QUIET] = Color::Dark;
            }
        }
        assert!(drawn == modules);
    }
}
