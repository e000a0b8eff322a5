//! A figure as a file of its own: PDF with its letters as letters, PNG at the resolution that journals ask for.
//!
//! Never changes what is drawn, but for letters that the fonts lack, which are spelt by their numbers.

use std::sync::{Arc, LazyLock};

use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};
use resvg::{tiny_skia, usvg};

use crate::{Fault, desk, letters};

/// Width of a figure over two columns of a journal, in millimetres.
const WIDE: f64 = 180.0;
/// Dots per inch.
const RESOLUTION: f64 = 300.0;
/// A figure taller than this in dots is drawn with fewer to the inch: a whole page of A4 has 3,508.
const MOST_DOTS: f64 = 12_000.0;

/// A drawing that a `<figure id="fig-NAME">` of the page shows.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// The id of the `<figure>` it belongs to.
    pub id: String,
    /// A complete SVG file with its own style.
    pub svg: String,
    /// What it shows, for who cannot see it.
    pub alt: String,
}

static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    for file in letters::FILES {
        fonts.load_font_data(file.to_vec());
    }
    fonts.set_sans_serif_family("Liberation Sans");
    fonts.set_monospace_family("Liberation Mono");
    Arc::new(fonts)
});

impl Drawing {
    /// Width and height, in units of the drawing.
    pub(crate) fn size(&self) -> Option<(f64, f64)> {
        let (_, after) = self.svg.split_once("viewBox=\"")?;
        let (numbers, _) = after.split_once('"')?;
        let mut numbers = numbers.split([' ', ',']).filter_map(|number| number.parse::<f64>().ok()).skip(2);
        let (width, height) = (numbers.next()?, numbers.next()?);
        (width > 0.0 && height > 0.0 && width.is_finite() && height.is_finite()).then_some((width, height))
    }

    /// The SVG in letters that the fonts hold.
    pub(crate) fn spelt(&self) -> String {
        self.svg.chars().fold(String::with_capacity(self.svg.len()), |mut out, letter| {
            match letter {
                '\n' | '\t' | '\r' => out.push(letter),
                letter if letters::held(letter) => out.push(letter),
                letter => out.push_str(&letters::spelt(&letter.to_string())),
            }
            out
        })
    }

    /// A tagged PDF of the drawing alone, 180 mm wide.
    ///
    /// # Errors
    /// Where it is no SVG.
    pub fn pdf(&self, title: &str, author: &str) -> Result<Vec<u8>, Fault> {
        desk::drawing(self, title, author, WIDE)
    }

    /// A PNG of the drawing, 180 mm wide at 300 dots per inch.
    ///
    /// # Errors
    /// Where it is no SVG.
    pub fn png(&self) -> Result<Vec<u8>, Fault> {
        let fault = |why: String| Fault::Drawing { id: self.id.clone(), why };
        let options =
            Options { font_family: "Liberation Sans".into(), fontdb: FONTS.clone(), ..Options::default() };
        let tree = Tree::from_str(&self.spelt(), &options).map_err(|why| fault(why.to_string()))?;
        let (width, height) = (f64::from(tree.size().width()), f64::from(tree.size().height()));
        let dots = (WIDE / 25.4 * RESOLUTION).round();
        let scale = (dots / width).min(MOST_DOTS / height);
        let most = |value: f64| -> Option<u32> {
            let value = value.round().clamp(1.0, MOST_DOTS);
            // Whole and at most 12,000.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            (value.is_finite()).then_some(value as u32)
        };
        let (across, down) =
            most(width * scale).zip(most(height * scale)).ok_or_else(|| fault("it has no size".into()))?;
        let mut sheet = tiny_skia::Pixmap::new(across, down).ok_or_else(|| fault("it has no size".into()))?;
        sheet.fill(tiny_skia::Color::WHITE);
        #[allow(clippy::cast_possible_truncation)]
        let scale = scale as f32;
        resvg::render(&tree, usvg::Transform::from_scale(scale, scale), &mut sheet.as_mut());
        packed(&sheet, RESOLUTION * f64::from(across) / dots).map_err(|why| fault(why.to_string()))
    }
}

/// As a PNG that knows how large it is: opaque, so that no reader shows it on black.
fn packed(sheet: &tiny_skia::Pixmap, per_inch: f64) -> Result<Vec<u8>, png::EncodingError> {
    let opaque: Vec<u8> = sheet.data().chunks_exact(4).flat_map(|dot| [dot[0], dot[1], dot[2]]).collect();
    // Some 11,811 for 300 to the inch.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let per_metre = (per_inch / 0.0254).round() as u32;
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, sheet.width(), sheet.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&opaque)?;
    writer.finish()?;
    Ok(out)
}
