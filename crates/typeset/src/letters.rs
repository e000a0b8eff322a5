//! The letters that a page can be set in: the fonts of this house, what they hold and how wide it runs.
//!
//! Never drops a letter that the fonts lack: it is spelt by its number, as `[U+4E2D]`. The fonts' licence stands beside them.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use ttf_parser::Face;

/// Liberation Sans, since journals ask for Arial and this has its measures; Liberation Mono for code.
pub const FILES: [&[u8]; 5] = [
    include_bytes!("../fonts/LiberationSans-Regular.ttf"),
    include_bytes!("../fonts/LiberationSans-Bold.ttf"),
    include_bytes!("../fonts/LiberationSans-Italic.ttf"),
    include_bytes!("../fonts/LiberationSans-BoldItalic.ttf"),
    include_bytes!("../fonts/LiberationMono-Regular.ttf"),
];

static REGULAR: LazyLock<Option<Face<'static>>> = LazyLock::new(|| Face::parse(FILES[0], 0).ok());
static BOLD: LazyLock<Option<Face<'static>>> = LazyLock::new(|| Face::parse(FILES[1], 0).ok());
static MONO: LazyLock<Option<Face<'static>>> = LazyLock::new(|| Face::parse(FILES[4], 0).ok());

/// How a text is set, as far as its width goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cut {
    #[default]
    Regular,
    Bold,
    Mono,
}

/// Whether the fonts hold a letter.
pub fn held(letter: char) -> bool {
    // These have no shape and no place in a PDF's text.
    let shapeless = letter.is_control()
        || matches!(letter, '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}' | '\u{2028}' | '\u{2029}');
    letter.is_ascii_graphic()
        || letter == ' '
        || (!shapeless
            && REGULAR
                .as_ref()
                .is_some_and(|face| face.glyph_index(letter).is_some_and(|glyph| glyph.0 != 0)))
}

/// `text` in letters that the fonts hold.
pub fn spelt(text: &str) -> Cow<'_, str> {
    if text.chars().all(held) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if held(letter) {
            out.push(letter);
        } else {
            // Writing into a String cannot fail.
            let _ = write!(out, "[U+{:04X}]", u32::from(letter));
        }
    }
    Cow::Owned(out)
}

/// `text` in letters that the fonts hold, each run of blanks as one, as a browser does.
pub fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if !matches!(letter, ' ' | '\n' | '\t' | '\r' | '\u{c}') {
            out.push(letter);
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    spelt(&out).into_owned()
}

/// How wide `text` runs, in em.
pub fn width(text: &str, cut: Cut) -> f64 {
    let face = match cut {
        Cut::Regular => &REGULAR,
        Cut::Bold => &BOLD,
        Cut::Mono => &MONO,
    };
    let Some(face) = face.as_ref() else { return 0.6 * text.chars().count() as f64 };
    let em = f64::from(face.units_per_em());
    let advance = |letter: char| face.glyph_index(letter).and_then(|glyph| face.glyph_hor_advance(glyph));
    text.chars().map(|letter| advance(letter).map_or(0.6, |units| f64::from(units) / em)).sum()
}

/// `text` as a string literal of typst: the only way by which words enter the markup.
pub fn literal(text: &str) -> String {
    let text = spelt(text);
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            out.push('\\');
        }
        out.push(letter);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cuts_hold_the_same_letters_as_far_as_a_report_needs_them() {
        let needed = "äöüßéèçñøåÆłŁžŠő–—−≥≤±×·µα²³½€£→…‘’“”«»°Жд";
        for file in FILES {
            let face = Face::parse(file, 0).unwrap();
            let lacking: String =
                needed.chars().filter(|letter| face.glyph_index(*letter).is_none()).collect();
            assert_eq!(lacking, "");
        }
    }

    #[test]
    fn a_letter_that_no_font_holds_is_spelt_by_its_number() {
        assert_eq!(spelt("Site 中 \u{7}x"), "Site [U+4E2D] [U+0007]x");
        assert_eq!(spelt("Köln ≥ 2 %"), "Köln ≥ 2 %");
    }

    #[test]
    fn widths_are_those_of_arial() {
        // Adobe's font metrics of Helvetica, whose widths Arial and Liberation Sans share, in thousandths of an em.
        for (text, cut, thousandths) in [
            ("i", Cut::Regular, 222.0),
            ("W", Cut::Regular, 944.0),
            ("W", Cut::Bold, 944.0),
            ("a", Cut::Bold, 556.0),
            ("iW", Cut::Mono, 1200.0),
        ] {
            assert!(
                (width(text, cut) * 1000.0 - thousandths).abs() < 1.5,
                "{text} {cut:?}: {}",
                width(text, cut)
            );
        }
    }
}
