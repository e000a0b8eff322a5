//! What of a page stays on the screen.
//!
//! Never decides by itself but about what has no words to set: scripts, styles, templates, ways of getting about, what is hidden.

use scraper::{ElementRef, Selector};

use crate::Fault;

/// Selectors of what is left out.
#[derive(Debug)]
pub struct Leaves {
    selectors: Vec<Selector>,
}

impl Leaves {
    /// Of CSS selectors.
    pub fn new(selectors: &[&str]) -> Result<Self, Fault> {
        let parsed = selectors
            .iter()
            .map(|text| Selector::parse(text).map_err(|_| Fault::Selector((*text).to_owned())));
        Ok(Self { selectors: parsed.collect::<Result<_, _>>()? })
    }

    /// Whether an element is left out, with all that it holds.
    pub fn out(&self, element: ElementRef<'_>) -> bool {
        matches!(element.value().name(), "script" | "style" | "template" | "nav" | "colgroup")
            || element.value().attr("hidden").is_some()
            || self.selectors.iter().any(|selector| selector.matches(&element))
    }

    /// Those children that are set, of these names.
    pub fn kept<'a>(&self, parent: ElementRef<'a>, names: &[&str]) -> Vec<ElementRef<'a>> {
        parent
            .child_elements()
            .filter(|child| names.contains(&child.value().name()) && !self.out(*child))
            .collect()
    }
}
