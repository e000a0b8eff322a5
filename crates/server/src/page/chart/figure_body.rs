//! The body map: a front view of the body, drawn here, with each lesion where it lies.
//!
//! Never more exact than `trial::bodymap`'s regions. The figure's right is the viewer's left, as on a scan. What a lesion does
//! is told by its mark's shape and colour, its size by the mark's (not to scale with the body), its name by a label.

use std::fmt::Write;
use std::sync::LazyLock;

use maud::{Markup, html};

use super::figure::{Shape, line, linked, none, px, shape, text};
use super::lesions::{Spot, State};

/// Half the outline, from the crown down the figure's left to the crotch: distance from the middle, distance from the crown,
/// in hundredths of the height. The other half is its mirror.
const HALF: [(f64, f64); 60] = [
    (0.0, 0.4),
    (2.6, 1.0),
    (4.3, 3.2),
    (4.7, 6.2),
    (4.2, 9.0),
    (3.1, 11.4),
    (2.6, 12.8),
    (2.7, 14.4),
    (3.6, 15.9),
    (7.5, 17.2),
    (11.8, 18.1),
    (15.0, 20.0),
    (17.4, 23.6),
    (19.4, 28.4),
    (21.3, 33.0),
    (23.2, 37.0),
    (25.2, 41.4),
    (26.7, 44.8),
    (28.5, 47.4),
    (29.2, 50.2),
    (28.2, 52.5),
    (26.6, 52.3),
    (25.6, 49.8),
    (24.4, 46.4),
    (22.0, 42.6),
    (19.8, 38.4),
    (18.2, 34.8),
    (16.2, 30.4),
    (14.3, 27.2),
    (12.3, 24.9),
    (11.5, 27.6),
    (10.8, 31.6),
    (9.9, 36.0),
    (9.8, 39.0),
    (10.9, 43.4),
    (12.1, 47.8),
    (12.5, 52.0),
    (12.1, 58.0),
    (11.1, 65.0),
    (9.9, 71.0),
    (10.2, 76.0),
    (10.1, 81.0),
    (9.1, 87.0),
    (8.0, 92.4),
    (8.5, 95.0),
    (10.4, 97.6),
    (10.2, 99.3),
    (7.2, 99.6),
    (5.1, 98.7),
    (4.8, 95.6),
    (5.0, 92.6),
    (4.7, 87.5),
    (4.1, 81.5),
    (4.3, 75.5),
    (4.1, 71.0),
    (3.1, 64.0),
    (2.0, 57.5),
    (1.2, 54.0),
    (0.6, 52.6),
    (0.0, 52.2),
];

/// Where the middle of the drawing lies, and how large a hundredth of the height is.
const MIDDLE: f64 = 320.0;
const UNIT: f64 = 6.4;
const TOP: f64 = 22.0;
const SIZE: (f64, f64) = (640.0, 680.0);
/// The columns of labels end and begin so far from the middle.
const ASIDE: f64 = 198.0;
const LABEL: f64 = 26.0;

static OUTLINE: LazyLock<String> = LazyLock::new(|| {
    let left = HALF.iter().map(|(dx, y)| (MIDDLE + dx * UNIT, TOP + y * UNIT));
    let right = HALF[1..HALF.len() - 1].iter().rev().map(|(dx, y)| (MIDDLE - dx * UNIT, TOP + y * UNIT));
    smooth(&left.chain(right).collect::<Vec<_>>())
});

/// A closed curve through points: Catmull-Rom, as cubic Béziers.
fn smooth(points: &[(f64, f64)]) -> String {
    let n = points.len();
    let mut d = String::new();
    for index in 0..n {
        let [before, from, to, after] = [n - 1, 0, 1, 2].map(|step| points[(index + step) % n]);
        let (c1, c2) = (
            (from.0 + (to.0 - before.0) / 6.0, from.1 + (to.1 - before.1) / 6.0),
            (to.0 - (after.0 - from.0) / 6.0, to.1 - (after.1 - from.1) / 6.0),
        );
        if index == 0 {
            let _ = write!(d, "M{} {}", px(from.0), px(from.1)); // writing to a string cannot fail
        }
        let [x1, y1, x2, y2, x, y] = [c1.0, c1.1, c2.0, c2.1, to.0, to.1].map(px);
        let _ = write!(d, "C{x1} {y1} {x2} {y2} {x} {y}"); // writing to a string cannot fail
    }
    d.push('Z');
    d
}

fn place(x: f64, y: f64) -> (f64, f64) {
    (MIDDLE + (x - 50.0) * UNIT, TOP + y * UNIT)
}

/// Faint organs, for orientation: middle, half axes.
const ORGANS: [((f64, f64), (f64, f64)); 8] = [
    ((50.0, 4.4), (3.4, 2.9)),
    ((44.6, 25.4), (3.7, 6.1)),
    ((55.4, 25.4), (3.7, 6.1)),
    ((51.2, 27.4), (2.2, 2.5)),
    ((46.2, 33.2), (5.2, 2.6)),
    ((45.0, 37.6), (1.3, 2.0)),
    ((55.0, 37.6), (1.3, 2.0)),
    ((50.0, 48.6), (2.2, 1.6)),
];

/// The figure with the lesions of `spots` that have a place. `leads`: each leads to its curve, which stands on the same page.
pub(super) fn body(spots: &[Spot], leads: bool) -> Markup {
    let placed: Vec<(&Spot, f64, f64)> = spots
        .iter()
        .filter_map(|spot| spot.place.map(|place| (spot, f64::from(place.x), f64::from(place.y))))
        .map(|(spot, x, y)| (spot, place(x, y).0, place(x, y).1))
        .collect();
    let (right, left): (Vec<_>, Vec<_>) = placed.iter().copied().partition(|(_, x, _)| *x < MIDDLE);
    html! {
        svg.drawn.body viewBox={ "0 0 " (px(SIZE.0)) " " (px(SIZE.1)) } role=(if leads { "group" } else { "img" }) aria-label=(words(spots)) {
            path.skin d=(OUTLINE.as_str()) {}
            @for ((x, y), (rx, ry)) in ORGANS {
                @let (cx, cy) = place(x, y);
                ellipse.organ cx=(px(cx)) cy=(px(cy)) rx=(px(rx * UNIT)) ry=(px(ry * UNIT)) {}
            }
            (line("spine", place(50.0, 13.5), place(50.0, 46.5)))
            (text("side m", MIDDLE - ASIDE + 70.0, 40.0, "R"))
            (text("side m", MIDDLE + ASIDE - 70.0, 40.0, "L"))
            @for (spot, x, y, label) in labelled(&right).into_iter().chain(labelled(&left)) {
                (lesion(spot, x, y, label, leads))
            }
        }
    }
}

/// Each with the height of its label: labels of one column stand apart, near their lesions.
fn labelled<'s>(column: &[(&'s Spot, f64, f64)]) -> Vec<(&'s Spot, f64, f64, f64)> {
    let mut column = column.to_vec();
    column.sort_by(|a, b| a.2.total_cmp(&b.2));
    let room = SIZE.1 - 40.0;
    let gap = LABEL.min(room / column.len().max(1) as f64);
    let mut heights: Vec<f64> = Vec::with_capacity(column.len());
    for (_, _, y) in &column {
        let least = heights.last().map_or(30.0, |last| last + gap);
        heights.push(y.max(least));
    }
    // Where they ran over the foot, they are pushed up again.
    let mut most = SIZE.1 - 10.0;
    for height in heights.iter_mut().rev() {
        *height = height.min(most);
        most = *height - gap;
    }
    column.into_iter().zip(heights).map(|((spot, x, y), label)| (spot, x, y, label)).collect()
}

fn lesion(spot: &Spot, x: f64, y: f64, label: f64, leads: bool) -> Markup {
    let on_right = x < MIDDLE;
    let (column, class) = if on_right { (MIDDLE - ASIDE, "label e") } else { (MIDDLE + ASIDE, "label") };
    let (edge, knee) = if on_right { (column + 4.0, column + 22.0) } else { (column - 4.0, column - 22.0) };
    let r = radius(spot.size);
    let mark = html! {
        path.leader d=(super::figure::path(&[(edge, label - 5.0), (knee, label - 5.0), (x, y)])) {}
        @if spot.treated.is_some() { (shape(Shape::Circle, "halo", x, y, r + 5.0)) } @else { (none()) }
        (shape(spot.state.shape(), &format!("lesion {}", spot.state.class()), x, y, r))
        (text(class, column, label, &spot.label()))
    };
    if leads {
        linked(&format!("#lesion-{}", spot.number), &spot.says(), &mark)
    } else {
        html! { g { title { (spot.says()) } (mark) } }
    }
}

/// Half the width of a mark: it grows with the diameter, and a lesion without one has a small mark.
fn radius(size: Option<f64>) -> f64 {
    size.map_or(6.5, |mm| 5.5 + mm.clamp(0.0, 100.0) * 0.17)
}

fn words(spots: &[Spot]) -> String {
    let count = |state: State| spots.iter().filter(|spot| spot.state == state).count();
    let parts: Vec<String> = State::ALL
        .into_iter()
        .filter(|state| count(*state) > 0)
        .map(|state| format!("{} {}", count(state), state.words()))
        .collect();
    format!("Body map of {} lesions: {}", spots.len(), parts.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::page::chart::lesions::spot_for_tests;

    proptest! {
        #[test]
        fn labels_of_a_column_stand_apart_and_within(heights in proptest::collection::vec(20.0..660.0_f64, 0..60)) {
            let spots: Vec<Spot> = heights.iter().enumerate().map(|(n, _)| spot_for_tests(n)).collect();
            let column: Vec<(&Spot, f64, f64)> = spots.iter().zip(&heights).map(|(s, y)| (s, 100.0, *y)).collect();
            let labels: Vec<f64> = labelled(&column).iter().map(|placed| placed.3).collect();
            let gap = LABEL.min((SIZE.1 - 40.0) / labels.len().max(1) as f64);
            prop_assert!(labels.windows(2).all(|pair| pair[1] - pair[0] >= gap - 1e-6));
            prop_assert!(labels.iter().all(|y| (0.0..=SIZE.1).contains(y)));
        }
    }

    #[test]
    fn the_outline_is_closed_and_the_mirror_of_itself() {
        assert!(OUTLINE.starts_with('M') && OUTLINE.ends_with('Z'));
        assert_eq!(OUTLINE.matches('C').count(), 2 * HALF.len() - 2);
    }

    /// Every place of the table lies on the figure, give or take a mark's width.
    #[test]
    fn the_figure_holds_what_the_table_places() {
        for location in
            ["BRAIN", "LIVER", "LUNG", "BREAST", "FEMUR", "FOOT", "HUMERUS", "HAND", "LYMPH NODE, AXILLARY"]
        {
            for side in ["LEFT", "RIGHT"] {
                let found = trial::bodymap::place(location, Some(side));
                let Some(found) = found else { panic!("{location} has no place") };
                assert!(inside(f64::from(found.x), f64::from(found.y)), "{side} {location}: {found:?}");
            }
        }
    }

    /// Whether a point is inside the outline's polygon, or within a hundredth and a half of it (even-odd rule).
    fn inside(x: f64, y: f64) -> bool {
        let outline: Vec<(f64, f64)> = HALF
            .iter()
            .map(|(dx, y)| (50.0 + dx, *y))
            .chain(HALF.iter().rev().map(|(dx, y)| (50.0 - dx, *y)))
            .collect();
        let near = outline.iter().any(|(px, py)| (px - x).hypot(py - y) < 1.5);
        let mut odd = false;
        for (index, (x1, y1)) in outline.iter().enumerate() {
            let (x2, y2) = outline[(index + 1) % outline.len()];
            if (y1 > &y) != (y2 > y) && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1 {
                odd = !odd;
            }
        }
        odd || near
    }
}
