//! Lesions of a virtual patient: how each grows, shrinks and answers, and what a reader writes of it.
//!
//! Never judges a response: a reader reports what is seen, `trial::recist` says what it means. Growth is exponential in the
//! diameter; a controlled lesion shrinks towards a rest. Days count from randomisation.

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::profile::{Organ, Profile};

/// A day on which nothing happens any more.
const NEVER: i64 = i64::MAX / 4;

/// Under this size nothing is seen, mm.
const VISIBLE_MM: f64 = 6.0;
/// A new node is called one from here on.
const NODE_MM: f64 = 11.0;
/// Nobody lives with more, mm.
const MOST_MM: f64 = 220.0;

/// What a lesion was first named as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// Target.
    Target,
    /// Non-target.
    NonTarget,
    /// New; or not seen yet.
    New,
}

/// A lesion.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools)] // each is a fact of its own, in any combination
pub struct Lesion {
    /// As readings name it; empty while it was not seen.
    pub id: String,
    /// Where it is.
    pub organ: String,
    /// A lymph node.
    pub nodal: bool,
    /// Inside the skull.
    pub brain: bool,
    /// Its role.
    pub named: Named,
    /// It progressed when the patient was screened.
    pub opd: bool,
    /// SABR can treat it.
    pub amenable: bool,
    /// It was irradiated with success.
    pub ablated: bool,
    measurable: bool,
    /// It is none: a shadow that the next scan does not show.
    shadow: bool,
    pub doubtful: bool,
    gone: bool,
    /// Smallest size seen, mm.
    nadir: f64,
    size: f64,
    since: i64,
    rest: f64,
    shrinks: f64,
    grows_from: i64,
    grows: f64,
}

impl Lesion {
    fn new(organ: &Organ, size: f64, day: i64, chance: &mut Chance) -> Self {
        Self {
            id: String::new(),
            organ: organ.name.clone(),
            nodal: organ.nodal,
            brain: false,
            named: Named::New,
            opd: false,
            amenable: chance.happens(0.9),
            ablated: false,
            measurable: chance.happens(organ.measurable),
            shadow: false,
            doubtful: false,
            gone: false,
            nadir: f64::MAX,
            size,
            since: day,
            rest: size * chance.between(0.35, 0.8),
            shrinks: chance.between(0.000_2, 0.001_2),
            grows_from: NEVER,
            grows: chance.between(0.002_2, 0.006_0),
        }
    }

    /// A lesion that the therapy under way controls.
    pub fn controlled(profile: &Profile, day: i64, chance: &mut Chance) -> Self {
        let size = chance.between(9.0, 34.0);
        Self::new(profile.organ(chance), size, day, chance)
    }

    /// A lesion that grows in spite of it, at screening.
    pub fn oligoprogressive(profile: &Profile, day: i64, chance: &mut Chance) -> Self {
        let size = chance.between(12.0, 36.0);
        let mut lesion = Self::new(profile.organ(chance), size, day, chance);
        lesion.opd = true;
        lesion.grows_from = day;
        lesion.grows = chance.between(0.000_3, 0.002_8);
        lesion
    }

    /// A lesion that appears.
    pub fn appearing(profile: &Profile, day: i64, chance: &mut Chance) -> Self {
        let size = chance.between(6.5, 11.0);
        let mut lesion = Self::new(profile.organ(chance), size, day, chance);
        lesion.grows_from = day;
        lesion.grows *= profile.pace.growth;
        lesion.doubtful = chance.happens(0.1);
        lesion
    }

    /// A metastasis that appears inside the skull.
    pub fn appearing_in_brain(day: i64, chance: &mut Chance) -> Self {
        let organ = Organ { name: "BRAIN".into(), weight: 0.0, measurable: 0.7, nodal: false };
        let size = chance.between(6.5, 12.0);
        let mut lesion = Self::new(&organ, size, day, chance);
        (lesion.brain, lesion.grows_from) = (true, day);
        lesion
    }

    /// A shadow that looks like a new lesion once.
    pub fn shadow(profile: &Profile, day: i64, chance: &mut Chance) -> Self {
        let mut lesion = Self::appearing(profile, day, chance);
        (lesion.shadow, lesion.doubtful, lesion.grows_from) = (true, true, NEVER);
        lesion
    }

    /// A lesion that appears where nothing hides it: a reader who looks sees it.
    pub fn plain(profile: &Profile, day: i64, chance: &mut Chance) -> Self {
        let mut lesion = Self::appearing(profile, day, chance);
        lesion.nodal = false;
        if lesion.organ == "LYMPH NODE" {
            lesion.organ = "LIVER".into();
        }
        lesion
    }

    /// Nothing of it grows from `day` on, until it escapes.
    pub fn hold(&mut self, day: i64) {
        self.rebase(day);
        self.grows_from = NEVER;
    }

    /// The day on which a reader who sees all would call it progressing: it can be seen for the first time, or has grown by a
    /// fifth and by 5 mm (RECIST 1.1) since nothing holds it; none while something does.
    pub fn worse_on(&self) -> Option<i64> {
        if self.shadow || self.grows_from >= NEVER {
            return None;
        }
        let from = self.grows_from.max(self.since);
        let start = self.size_on(from);
        let worse = if self.known() { (1.2 * start).max(start + 5.0) } else { self.least() };
        if worse <= start {
            return Some(from);
        }
        Some(from + 1 + crate::chance::days(libm::log(worse / start) / self.grows))
    }

    /// Puts it elsewhere.
    pub fn move_to(&mut self, organ: &Organ) {
        (self.organ, self.nodal) = (organ.name.clone(), organ.nodal);
        self.measurable &= organ.measurable > 0.5;
    }

    /// Puts it inside the skull.
    pub fn move_to_brain(&mut self) {
        (self.organ, self.nodal, self.brain) = ("BRAIN".into(), false, true);
    }

    /// True where SABR or a reader could find it.
    pub fn known(&self) -> bool {
        !self.id.is_empty()
    }

    /// True where it is known, real and there.
    pub fn stands(&self) -> bool {
        self.known() && !self.gone && !self.shadow
    }

    /// True where nothing holds it on `day`.
    pub fn growing(&self, day: i64) -> bool {
        self.grows_from <= day && !self.shadow && !self.gone
    }

    /// Diameter on `day`, mm.
    pub fn size_on(&self, day: i64) -> f64 {
        let held = (day.min(self.grows_from) - self.since).max(0) as f64;
        let free = (day - self.grows_from.max(self.since)).max(0) as f64;
        let shrunk = (self.size * libm::exp(-self.shrinks * held)).max(self.rest.min(self.size));
        (shrunk * libm::exp(self.grows * free)).min(MOST_MM)
    }

    fn rebase(&mut self, day: i64) {
        (self.size, self.since) = (self.size_on(day), day);
    }

    /// It stops answering on `day`.
    pub fn escapes(&mut self, day: i64, chance: &mut Chance) {
        self.rebase(day);
        (self.grows_from, self.grows) = (day, chance.between(0.003_0, 0.007_0));
        self.ablated = false;
    }

    /// SABR ended on `day`; gives the day it is found to have failed, where it does.
    pub fn irradiated(&mut self, day: i64, local_failure: f64, chance: &mut Chance) -> Option<i64> {
        self.rebase(day);
        self.shrinks = chance.between(0.002, 0.006);
        self.rest = self.size * chance.between(0.25, 0.7);
        self.grows_from = NEVER;
        self.ablated = true;
        if chance.happens(local_failure) {
            self.grows_from = day + chance.whole(90, 420);
            self.grows = chance.between(0.002_5, 0.005_0);
        }
        self.worse_on()
    }

    /// A new line of systemic therapy began on `day`; with probability `answers` it holds the lesion.
    pub fn treated(&mut self, day: i64, answers: f64, chance: &mut Chance) {
        let (holds, shrinks, rest) =
            (chance.happens(answers), chance.between(0.001_0, 0.005_0), chance.between(0.3, 0.8));
        if self.ablated && !self.growing(day) {
            return;
        }
        self.rebase(day);
        if holds {
            (self.shrinks, self.rest, self.grows_from) = (shrinks, self.size * rest, NEVER);
        } else {
            self.grows *= 0.8;
        }
    }

    /// A lesion fit for a target: measurable by RECIST 1.1, 10 mm or more, a node 15 mm or more.
    pub fn fit_for_target(&self, day: i64) -> bool {
        self.measurable && self.size_on(day) >= if self.nodal { 15.5 } else { 10.5 }
    }

    /// True where a scan on `day` shows it for the first time. A node under 10 mm in short axis is a normal one (RECIST 1.1);
    /// a reader calls it a lesion when it clearly is more.
    pub fn appears(&self, day: i64) -> bool {
        !self.known() && self.since <= day && self.size_on(day) >= self.least()
    }

    fn least(&self) -> f64 {
        if self.nodal { NODE_MM } else { VISIBLE_MM }
    }

    /// Measured size: whole millimetres, as calipers on a screen give.
    fn measured(&self, day: i64, chance: &mut Chance) -> f64 {
        libm::round((self.size_on(day) * chance.normal(1.0, 0.025)).max(0.0))
    }

    /// What a reader writes of it at baseline.
    pub fn baseline_row(
        &mut self,
        day: i64,
        prior_radiotherapy: bool,
        chance: &mut Chance,
    ) -> Vec<(&'static str, Value)> {
        let least = if self.named == Named::Target { if self.nodal { 15.0 } else { 10.0 } } else { 0.0 };
        let size = self.measured(day, chance).max(least);
        self.nadir = size;
        let yes_no = |yes: bool| json!(if yes { "Y" } else { "N" });
        let mut row = self.head();
        if self.named == Named::Target {
            row.push(("DIAMETER", json!(size)));
        } else {
            row.push(("TUMSTATE", json!("PRESENT")));
        }
        row.push(("OPD", yes_no(self.opd)));
        if self.opd {
            row.push(("AMENABLE", yes_no(self.amenable)));
            row.push(("PRIORRT", yes_no(prior_radiotherapy)));
        }
        row
    }

    fn head(&self) -> Vec<(&'static str, Value)> {
        let role = match self.named {
            Named::Target => "TARGET",
            Named::NonTarget => "NON-TARGET",
            Named::New => "NEW",
        };
        let mut row = Vec::with_capacity(6);
        row.extend([("TULNKID", json!(self.id)), ("TUORRES", json!(role)), ("TULOC", json!(self.organ))]);
        row
    }

    /// What a reader writes of it at follow-up, having named it before or, where it is new, naming it now.
    pub fn follow_up_row(
        &mut self,
        day: i64,
        first: bool,
        chance: &mut Chance,
    ) -> Vec<(&'static str, Value)> {
        let size = self.measured(day, chance);
        let missed = !first && chance.happens(0.012);
        let mut row = self.head();
        if missed {
            row.push(("TRSTAT", json!("NOT DONE")));
            row.push(("TRREASND", json!("outside the field of view")));
            return row;
        }
        match self.named {
            Named::Target => row.push(match size {
                s if s < 2.0 => ("DIAMETER", json!(0.0)),
                s if s < 5.0 => ("TUMSTATE", json!("TOO SMALL")),
                s => ("DIAMETER", json!(s)),
            }),
            Named::NonTarget => row.push(("TUMSTATE", json!(self.state(day, size)))),
            Named::New => self.new_row(day, size, first, &mut row),
        }
        if (first && !self.shadow) || self.growing(day) {
            row.push(("AMENABLE", json!(if self.amenable { "Y" } else { "N" })));
        }
        self.nadir = self.nadir.min(size);
        row
    }

    fn state(&mut self, day: i64, size: f64) -> &'static str {
        let worse = self.growing(day) && size >= 1.35 * self.nadir && size - self.nadir >= 6.0;
        if worse {
            // From here on it is this worse size that a further worsening is held against.
            self.nadir = size;
            "UNEQUIVOCAL"
        } else if size < 3.0 && self.organ != "BONE" {
            "ABSENT"
        } else {
            "PRESENT"
        }
    }

    fn new_row(&mut self, day: i64, size: f64, first: bool, row: &mut Vec<(&'static str, Value)>) {
        if first {
            self.nadir = size;
            row.push(("TUMSTATE", json!(if self.doubtful { "EQUIVOCAL" } else { "UNEQUIVOCAL" })));
            if !self.doubtful && self.measurable {
                row.push(("DIAMETER", json!(size)));
            }
        } else if self.shadow || size < 2.0 {
            self.gone = true;
            row.push(("TUMSTATE", json!("ABSENT")));
        } else if self.doubtful {
            // Seen again and larger: it was there all along.
            self.doubtful = false;
            row.push(("TUMSTATE", json!("UNEQUIVOCAL")));
            if self.measurable {
                row.push(("DIAMETER", json!(size)));
            }
        } else {
            let state = self.state(day, size);
            if state != "PRESENT" || !self.measurable {
                row.push(("TUMSTATE", json!(state)));
            }
            if self.measurable && state != "ABSENT" {
                row.push(("DIAMETER", json!(size)));
            }
        }
    }

    /// True where it was reported as gone for good.
    pub fn dismissed(&self) -> bool {
        self.gone
    }
}

/// Names the targets among `lesions`, at most `most` and `most_an_organ`, nodes being one organ; the rest are non-targets.
pub fn name_at_baseline(lesions: &mut [Lesion], day: i64, most: u32, most_an_organ: u32) {
    let mut order: Vec<usize> = (0..lesions.len()).collect();
    // The largest first, as RECIST asks; oligoprogressive ones are what the trial looks at.
    order.sort_by(|a, b| {
        let key = |i: &usize| (lesions[*i].opd, lesions[*i].size_on(day));
        key(b).0.cmp(&key(a).0).then(key(b).1.total_cmp(&key(a).1))
    });
    let mut targets: Vec<String> = Vec::new();
    for index in order {
        let lesion = &mut lesions[index];
        let organ = if lesion.nodal { "LYMPH NODE".to_owned() } else { lesion.organ.clone() };
        let in_organ = targets.iter().filter(|taken| **taken == organ).count();
        if lesion.fit_for_target(day) && targets.len() < most as usize && in_organ < most_an_organ as usize {
            lesion.named = Named::Target;
            targets.push(organ);
        } else {
            lesion.named = Named::NonTarget;
        }
    }
    let (mut target, mut other) = (0, 0);
    for lesion in lesions {
        let (prefix, count) =
            if lesion.named == Named::Target { ("T", &mut target) } else { ("NT", &mut other) };
        *count += 1;
        lesion.id = format!("{prefix}{count:02}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn organ() -> Organ {
        Organ { name: "LIVER".into(), weight: 1.0, measurable: 1.0, nodal: false }
    }

    #[test]
    fn a_controlled_lesion_shrinks_to_its_rest_and_an_escaped_one_grows() {
        let mut chance = Chance::new(1, "lesion");
        let mut lesion = Lesion::new(&organ(), 20.0, 0, &mut chance);
        let sizes: Vec<f64> = (0..40).map(|week| lesion.size_on(week * 84)).collect();
        assert!(sizes.windows(2).all(|pair| pair[1] <= pair[0]));
        assert!(sizes[39] >= lesion.rest);
        lesion.escapes(100, &mut chance);
        assert!(lesion.size_on(100) <= 20.0);
        assert!(lesion.size_on(184) > 1.2 * lesion.size_on(100));
        assert!(lesion.size_on(1_000_000) <= MOST_MM);
    }

    #[test]
    fn an_ablated_lesion_shrinks_and_stays_out_of_later_therapy() {
        let mut chance = Chance::new(2, "lesion");
        let mut lesion = Lesion::new(&organ(), 20.0, 0, &mut chance);
        lesion.escapes(0, &mut chance);
        lesion.irradiated(30, 0.0, &mut chance);
        let before = lesion.size_on(300);
        lesion.treated(100, 1.0, &mut chance);
        assert_eq!(lesion.size_on(300), before);
        assert!(before < lesion.size_on(30));
    }

    #[test]
    fn a_shadow_is_seen_once() {
        let mut chance = Chance::new(3, "lesion");
        let mut lesion = Lesion::new(&organ(), 8.0, 0, &mut chance);
        (lesion.shadow, lesion.doubtful) = (true, true);
        let state =
            |row: &[(&str, Value)]| row.iter().find(|(item, _)| *item == "TUMSTATE").map(|(_, v)| v.clone());
        assert_eq!(state(&lesion.follow_up_row(10, true, &mut chance)), Some(json!("EQUIVOCAL")));
        lesion.id = "N01".into();
        let mut row = lesion.follow_up_row(94, false, &mut chance);
        if state(&row).is_none() {
            row = lesion.follow_up_row(178, false, &mut chance);
        }
        assert_eq!(state(&row), Some(json!("ABSENT")));
        assert!(lesion.dismissed() && !lesion.stands());
    }
}
