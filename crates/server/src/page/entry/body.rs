//! A small front view of the body with the lesions of one assessment, for orientation beside the form.
//!
//! Never more exact than `trial::bodymap`; what has no place there is named below the figure.

use maud::{Markup, html};
use trial::bodymap::place;
use trial::recist::LesionPoint;

/// The figure; nothing where no lesion has a place.
pub(super) fn figure(lesions: &[LesionPoint]) -> Markup {
    let placed: Vec<_> =
        lesions.iter().filter_map(|point| Some((point, place(&point.location, None)?))).collect();
    let mut taken: Vec<(f32, f32)> = Vec::new();
    // Lesions of one place stand side by side.
    let marks: Vec<_> = placed
        .iter()
        .map(|(point, place)| {
            let before = taken.iter().filter(|at| **at == (place.x, place.y)).count();
            taken.push((place.x, place.y));
            #[allow(clippy::cast_precision_loss)] // a handful of lesions
            let aside = before as f32 * 5.0;
            (*point, place.x + aside, place.y)
        })
        .collect();
    let words: Vec<String> = placed
        .iter()
        .map(|(point, place)| format!("{} in the region {}", point.lesion, place.region))
        .collect();
    html! {
        @if !marks.is_empty() {
            svg.body-small viewBox="20 -1 60 102" role="img" aria-label={ "Front view: " (words.join(", ")) } {
                title { "Where the lesions lie" }
                path.figure d=(FIGURE) {}
                @for (point, x, y) in &marks {
                    @if point.progressing {
                        rect.lesion.grows x=(x - 2.0) y=(y - 2.0) width="4" height="4" {}
                    } @else {
                        circle.lesion cx=(x) cy=(y) r="1.9" {}
                    }
                    text x=(x + 2.8) y=(y + 1.2) { (point.lesion) }
                }
            }
            p.soft.small { "Squares progress, circles do not. The subject's right is on your left." }
        }
    }
}

/// A standing figure from 0 (crown) to 100 (soles), 50 its middle.
const FIGURE: &str = "M50 0C46 0 44.5 3 44.7 6.5 44.9 9.5 46.3 11.5 47.3 12.4L47.2 15.3C44 16.6 38.5 17 36 19.5 33.6 22 33.3 26 \
    32.6 30 31.6 35.500 28.600 41 26.500 46.500 25.800 48.500 27.500 50 28.600 48.300 30.800 44.500 34.400 37.500 35.600 33.500L36.800 27.500C37.600 \
    32 38.300 36 37.900 40 37.300 45 37.200 49 38 55 38.800 61 40.200 66 40.500 71 40.800 77 41 86 42 93 41.600 95.500 39.500 97.500 39.300 99.300 41 \
    100 45 99.700 46 98.500 46.400 95.500 46 92 46.500 87 47.300 79 48.300 72 48.700 66 49 61 49.400 57 50 54 50.600 57 51 61 51.300 66 51.700 72 \
    52.700 79 53.500 87 54 92 53.600 95.500 54 98.500 55 99.700 59 100 60.700 99.300 60.500 97.500 58.400 95.500 58 93 59 86 59.200 77 59.500 71 \
    59.800 66 61.200 61 62 55 62.800 49 62.700 45 62.100 40 61.700 36 62.400 32 63.200 27.500L64.400 33.500C65.600 37.500 69.200 44.500 71.400 48.300 \
    72.500 50 74.200 48.500 73.500 46.500 71.400 41 68.400 35.500 67.400 30 66.700 26 66.400 22 64 19.500 61.500 17 56 16.600 52.800 15.300L52.700 12.400C53.700 \
    11.500 55.100 9.500 55.300 6.500 55.500 3 54 0 50 0Z";
