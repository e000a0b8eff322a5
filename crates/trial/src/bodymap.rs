//! Where a lesion lies on a front view of the human body, by its `TULOC`.
//!
//! A small table of CDISC LOC terms and what clinics write for them; what is not in it has no place and is listed beside the
//! figure. Never more exact than its region: a picture for orientation, not an atlas.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::event::Seq;
use crate::form::layout::row_of;
use crate::id::LesionId;
use crate::progression::of_reader;
use crate::record::{LesionRole, Record};

/// A place on the figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Place {
    /// 0 (the viewer's left, the subject's right) to 100.
    pub x: f32,
    /// 0 (the crown of the head) to 100 (the soles).
    pub y: f32,
    /// The region, in words.
    pub region: &'static str,
}

/// A row of the table: words that must all stand in the location, the place of the middle, and how far to the side it lies
/// where a side is said.
struct Row {
    words: &'static [&'static str],
    region: &'static str,
    x: f32,
    y: f32,
    aside: f32,
}

const fn row(words: &'static [&'static str], region: &'static str, x: f32, y: f32, aside: f32) -> Row {
    Row { words, region, x, y, aside }
}

/// First fitting row first, so the narrower stand before the wider.
const TABLE: &[Row] = &[
    row(&["LEPTOMENING"], "brain", 50.0, 2.5, 0.0),
    row(&["MENINGES"], "brain", 50.0, 2.5, 0.0),
    row(&["SKULL"], "skull", 50.0, 2.0, 2.0),
    row(&["BRAIN"], "brain", 50.0, 4.0, 2.0),
    row(&["INTRACRANIAL"], "brain", 50.0, 4.0, 2.0),
    row(&["CENTRAL NERVOUS SYSTEM"], "brain", 50.0, 4.0, 2.0),
    row(&["EYE"], "eye", 50.0, 6.5, 2.0),
    row(&["ORBIT"], "orbit", 50.0, 6.5, 2.0),
    row(&["JAW"], "jaw", 50.0, 10.5, 2.0),
    row(&["MANDIBLE"], "jaw", 50.0, 10.5, 2.0),
    row(&["NODE", "CERVICAL"], "neck nodes", 50.0, 14.0, 3.5),
    row(&["NODE", "NECK"], "neck nodes", 50.0, 14.0, 3.5),
    row(&["NODE", "SUPRACLAVICULAR"], "supraclavicular nodes", 50.0, 17.0, 7.0),
    row(&["NODE", "INFRACLAVICULAR"], "infraclavicular nodes", 50.0, 19.5, 8.0),
    row(&["NODE", "AXILLA"], "axillary nodes", 50.0, 24.0, 13.0),
    row(&["NODE", "MEDIASTIN"], "mediastinal nodes", 50.0, 24.0, 0.0),
    row(&["NODE", "HILAR"], "hilar nodes", 50.0, 25.0, 4.0),
    row(&["NODE", "MAMMARY"], "internal mammary nodes", 50.0, 24.0, 3.0),
    row(&["NODE", "RETROPERITON"], "retroperitoneal nodes", 50.0, 39.0, 2.0),
    row(&["NODE", "AORTIC"], "para-aortic nodes", 50.0, 39.0, 2.0),
    row(&["NODE", "ABDOM"], "abdominal nodes", 50.0, 38.0, 2.0),
    row(&["NODE", "ILIAC"], "iliac nodes", 50.0, 46.0, 5.0),
    row(&["NODE", "PELVI"], "pelvic nodes", 50.0, 47.0, 5.0),
    row(&["NODE", "INGUIN"], "inguinal nodes", 50.0, 50.0, 6.0),
    row(&["NODE"], "lymph nodes", 50.0, 17.0, 7.0),
    row(&["CERVICAL", "SPINE"], "cervical spine", 50.0, 14.0, 0.0),
    row(&["THORACIC", "SPINE"], "thoracic spine", 50.0, 26.0, 0.0),
    row(&["LUMBAR"], "lumbar spine", 50.0, 39.0, 0.0),
    row(&["SACR"], "sacrum", 50.0, 46.0, 0.0),
    row(&["SPINE"], "spine", 50.0, 32.0, 0.0),
    row(&["VERTEBRA"], "spine", 50.0, 32.0, 0.0),
    row(&["CLAVICLE"], "clavicle", 50.0, 17.5, 8.0),
    row(&["SCAPULA"], "scapula", 50.0, 22.0, 11.0),
    row(&["STERNUM"], "sternum", 50.0, 24.0, 0.0),
    row(&["RIB"], "ribs", 50.0, 28.0, 9.0),
    row(&["HUMERUS"], "humerus", 50.0, 27.0, 18.0),
    row(&["RADIUS"], "forearm", 50.0, 39.0, 23.0),
    row(&["ULNA"], "forearm", 50.0, 39.0, 22.0),
    row(&["HAND"], "hand", 50.0, 49.0, 27.0),
    row(&["ACETABULUM"], "acetabulum", 50.0, 48.5, 8.0),
    row(&["ILIUM"], "ilium", 50.0, 44.5, 8.0),
    row(&["ISCHIUM"], "ischium", 50.0, 50.5, 5.0),
    row(&["PUBI"], "pubis", 50.0, 50.0, 2.0),
    row(&["FEMUR"], "femur", 50.0, 61.0, 8.0),
    row(&["TIBIA"], "tibia", 50.0, 82.0, 7.0),
    row(&["FIBULA"], "fibula", 50.0, 82.0, 9.0),
    row(&["FOOT"], "foot", 50.0, 97.0, 8.0),
    row(&["BONE", "PELVI"], "pelvis", 50.0, 47.0, 7.0),
    row(&["PELVIS"], "pelvis", 50.0, 47.0, 7.0),
    row(&["BONE"], "bone", 50.0, 42.0, 6.0),
    row(&["THYROID"], "thyroid", 50.0, 15.0, 1.5),
    row(&["LARYNX"], "larynx", 50.0, 13.5, 0.0),
    row(&["TRACHEA"], "trachea", 50.0, 19.0, 0.0),
    row(&["ESOPHAGUS"], "oesophagus", 50.0, 23.0, 0.0),
    row(&["OESOPHAGUS"], "oesophagus", 50.0, 23.0, 0.0),
    row(&["MEDIASTINUM"], "mediastinum", 50.0, 23.0, 0.0),
    row(&["PERICARDIUM"], "pericardium", 51.5, 27.0, 0.0),
    row(&["HEART"], "heart", 51.5, 27.0, 0.0),
    row(&["PLEURA"], "pleura", 50.0, 28.0, 9.5),
    row(&["LUNG"], "lung", 50.0, 25.5, 6.5),
    row(&["CHEST WALL"], "chest wall", 50.0, 25.0, 9.0),
    row(&["BREAST"], "breast", 50.0, 26.5, 7.5),
    row(&["LIVER"], "liver", 45.0, 33.0, 0.0),
    row(&["GALLBLADDER"], "gallbladder", 46.0, 35.5, 0.0),
    row(&["SPLEEN"], "spleen", 57.0, 33.0, 0.0),
    row(&["STOMACH"], "stomach", 53.0, 34.0, 0.0),
    row(&["PANCREAS"], "pancreas", 51.0, 36.0, 0.0),
    row(&["ADRENAL"], "adrenal gland", 50.0, 34.5, 4.0),
    row(&["KIDNEY"], "kidney", 50.0, 37.5, 6.0),
    row(&["PERITONEUM"], "peritoneum", 50.0, 40.0, 0.0),
    row(&["OMENTUM"], "omentum", 50.0, 40.0, 0.0),
    row(&["ASCITES"], "peritoneum", 50.0, 40.0, 0.0),
    row(&["COLON"], "colon", 50.0, 40.5, 6.0),
    row(&["INTESTINE"], "intestine", 50.0, 41.5, 0.0),
    row(&["ABDOM"], "abdomen", 50.0, 38.0, 5.0),
    row(&["OVARY"], "ovary", 50.0, 46.0, 4.0),
    row(&["UTERUS"], "uterus", 50.0, 47.5, 0.0),
    row(&["BLADDER"], "bladder", 50.0, 48.5, 0.0),
    row(&["PROSTATE"], "prostate", 50.0, 50.0, 0.0),
    row(&["RECTUM"], "rectum", 50.0, 49.5, 0.0),
    row(&["ARM"], "arm", 50.0, 32.0, 20.0),
    row(&["LEG"], "leg", 50.0, 70.0, 8.0),
    row(&["THIGH"], "thigh", 50.0, 60.0, 8.0),
    row(&["NECK"], "neck", 50.0, 13.5, 3.0),
    row(&["HEAD"], "head", 50.0, 6.0, 2.0),
];

/// Where a lesion in `location` lies, on the side that `laterality`, or the location itself, says; without a side in the
/// middle. None where the table does not know the place, or the place is all over (the skin, soft tissue).
pub fn place(location: &str, laterality: Option<&str>) -> Option<Place> {
    let location = location.to_uppercase();
    let words: Vec<&str> = location.split(|c: char| !c.is_alphanumeric()).collect();
    // A beginning of a word will do for a stem, the whole word for a short one: CARM is no ARM, and no FOREARM either.
    let has = |part: &str| {
        if part.contains(' ') {
            location.contains(part)
        } else {
            words.iter().any(|word| word.starts_with(part))
        }
    };
    let row = TABLE.iter().find(|row| row.words.iter().all(|word| has(word)))?;
    let side = laterality.map(str::to_uppercase);
    let said =
        |side_of: &str| side.as_deref().map_or_else(|| words.contains(&side_of), |side| side == side_of);
    let x = match (said("RIGHT"), said("LEFT")) {
        (true, false) => row.x - row.aside,
        (false, true) => row.x + row.aside,
        _ => row.x,
    };
    Some(Place { x, y: row.y, region: row.region })
}

/// A lesion and where it lies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Marked {
    /// The lesion.
    pub lesion: LesionId,
    /// Its role.
    pub role: LesionRole,
    /// `TULOC`.
    pub location: String,
    /// `TULAT`, where the form asks for it.
    pub laterality: Option<String>,
    /// Its place; none where it is to be listed beside the figure.
    pub place: Option<Place>,
}

/// Every lesion that `reader` named, as last read, in the order they were first named. Lesions of one place are drawn apart.
pub fn lesions(record: &Record, reader: &str) -> Vec<Marked> {
    let mut order: Vec<LesionId> = Vec::new();
    let mut known: BTreeMap<LesionId, (LesionRole, String, Seq)> = BTreeMap::new();
    for assessment in of_reader(record, reader) {
        for reading in &assessment.readings {
            let entry = known.entry(reading.lesion.clone()).or_insert_with(|| {
                order.push(reading.lesion.clone());
                (reading.role, String::new(), assessment.event)
            });
            if !reading.location.is_empty() {
                entry.1.clone_from(&reading.location);
                entry.2 = assessment.event;
            }
        }
    }
    let mut taken: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    let mark = |lesion: LesionId| {
        let (role, location, event) = known.remove(&lesion)?;
        let laterality = row_of(record, event, &lesion)
            .and_then(|row| row.get("TULAT"))
            .and_then(Value::as_str)
            .map(str::to_owned);
        let place = place(&location, laterality.as_deref()).map(|place| {
            let before = taken.entry((place.x.to_bits(), place.y.to_bits())).or_default();
            *before += 1;
            apart(place, *before - 1)
        });
        Some(Marked { lesion, role, location, laterality, place })
    };
    order.into_iter().filter_map(mark).collect()
}

/// The `n`th lesion of a place, in rings of six around the first.
fn apart(place: Place, n: usize) -> Place {
    let Some(place_in_rings) = n.checked_sub(1) else { return place };
    let (ring, at) = (place_in_rings / 6 + 1, place_in_rings % 6);
    let (ring, angle) = (ring.min(8) as f32 * 1.8, at as f32 * std::f32::consts::FRAC_PI_3);
    Place {
        x: (place.x + ring * angle.cos()).clamp(0.0, 100.0),
        y: (place.y + ring * angle.sin()).clamp(0.0, 100.0),
        ..place
    }
}
