//! Where progressions were, when SABR was given again, and where each strategy stood over time.
//!
//! Never judges a progression (see `trial::progression`) or a strategy (`trial::strategy`). Months count from
//! randomisation, which is month 0.

use jiff::civil::Date;

use trial::date::{DAYS_PER_MONTH, days_between};
use trial::event::Seq;
use trial::progression::Progression;
use trial::strategy::{Failure, Status, Verdict};

use crate::arms::Arms;
use crate::quantile::type_7;
use crate::results::{
    ArmStates, Counted, CourseRow, CourseTiming, PatternRow, Patterns, Place, State, States,
};
use crate::row::{Subject, SubjectRow, months};

/// The states are shown at these months, as far as somebody was followed.
const LANDMARKS: [u32; 8] = [0, 6, 12, 18, 24, 36, 48, 60];

/// Subjects with so many courses or more are one group.
const MOST_COURSES: usize = 4;

const PLACES: [Place; 5] =
    [Place::Treated, Place::Elsewhere, Place::Both, Place::Unplaced, Place::SystemicChange];

/// What one subject adds.
#[derive(Clone, Debug, Default)]
pub struct Course {
    first: Option<Placed>,
    failing: Option<Placed>,
    /// Months of each course of SABR since randomisation, in order, and its event.
    sabr: Vec<(f64, Seq)>,
    /// Until when the subject was followed, days from randomisation.
    followed: i64,
    /// When each state began, days from randomisation, in order; empty where the arm has no strategy.
    states: Vec<(i64, State, Vec<Seq>)>,
}

#[derive(Clone, Debug)]
struct Placed {
    place: Place,
    events: Vec<Seq>,
    words: String,
}

/// Empty where the subject was not randomised.
pub fn of(subject: &Subject<'_>) -> Course {
    let Some(start) = subject.start() else { return Course::default() };
    let known = [subject.last_seen, subject.derived.known_until].into_iter().flatten().max();
    let courses = subject.record.sabr.iter().filter(|course| course.start >= start);
    let mut sabr: Vec<(f64, Seq)> =
        courses.map(|course| (months(start, course.start), course.event)).collect();
    sabr.sort_by(|a, b| a.0.total_cmp(&b.0));
    Course {
        first: subject.derived.first_progression.as_ref().map(|found| placed(subject, start, found)),
        failing: failing(subject, start),
        sabr,
        followed: known.map_or(0, |known| days_between(start, known).max(0)),
        states: states(subject, start),
    }
}

/// By the courses that began from randomisation on and before the day of the progression.
fn placed(subject: &Subject<'_>, start: Date, found: &Progression) -> Placed {
    let before = || subject.record.sabr.iter().filter(|c| c.start >= start && c.start < found.date);
    let treated = |lesion: &str, parts: &[trial::id::LesionId]| {
        let given = |id: &str| before().any(|c| c.lesions.iter().any(|dose| dose.lesion.as_str() == id));
        given(lesion) || parts.iter().any(|part| given(part.as_str()))
    };
    let parts = |lesion: &trial::id::LesionId| {
        found.sites.iter().find(|site| site.lesion == *lesion).map_or(&[][..], |site| site.parts.as_slice())
    };
    let (inside, outside): (Vec<_>, Vec<_>) =
        found.lesions.iter().partition(|lesion| treated(lesion.as_str(), parts(lesion)));
    let place = match (inside.is_empty(), outside.is_empty()) {
        (true, true) => Place::Unplaced,
        (false, true) => Place::Treated,
        (true, false) => Place::Elsewhere,
        (false, false) => Place::Both,
    };
    let mut events = found.events.clone();
    events
        .extend(before().filter(|c| c.lesions.iter().any(|d| inside.contains(&&d.lesion))).map(|c| c.event));
    Placed { place, events, words: format!("{}: {}", found.date, found.reason) }
}

/// The progression that failed the strategy; none while none has.
fn failing(subject: &Subject<'_>, start: Date) -> Option<Placed> {
    let course = subject.derived.strategy.as_ref()?;
    if let Some(episode) = course.episodes.iter().rfind(|episode| episode.verdict == Verdict::Failed) {
        return Some(placed(subject, start, &episode.progression));
    }
    match course.status {
        Status::Failed { on, cause: Failure::SystemicChange } => Some(Placed {
            place: Place::SystemicChange,
            events: course.events.clone(),
            words: format!("{on}: {}", course.why),
        }),
        _ => None,
    }
}

fn states(subject: &Subject<'_>, start: Date) -> Vec<(i64, State, Vec<Seq>)> {
    let Some(course) = &subject.derived.strategy else { return Vec::new() };
    let day = |on: Date| days_between(start, on).max(0);
    let randomised: Vec<Seq> = subject.randomised.iter().map(|fact| fact.event).collect();
    let mut states = vec![(0, State::Unprogressed, randomised)];
    for episode in &course.episodes {
        let state = match episode.verdict {
            Verdict::Held => State::Held,
            Verdict::Pending => State::Pending,
            Verdict::Failed => State::Failed,
        };
        states.push((day(episode.progression.date), state, episode.events.clone()));
    }
    match course.status {
        Status::Failed { cause: Failure::Death, .. } => {}
        Status::Failed { on, .. } => states.push((day(on), State::Failed, course.events.clone())),
        _ => {}
    }
    if let (Some(death), Some(on)) = (&subject.record.death, subject.derived.death) {
        states.push((day(on.date), State::Dead, vec![death.event]));
    }
    // Stable: of one day the later in the list stands. Nothing follows death.
    states.sort_by_key(|(day, state, _)| (*day, *state));
    states
}

impl Course {
    /// Where the subject stood on a day, and by which events.
    fn on(&self, day: f64) -> (State, &[Seq]) {
        let reached = self.states.iter().rfind(|(from, ..)| *from as f64 <= day);
        match reached {
            Some((_, State::Dead, events)) => (State::Dead, events),
            Some((_, state, events)) if day <= self.followed as f64 => (*state, events),
            _ => (State::Unknown, &[]),
        }
    }
}

/// All of it, by arm.
pub fn patterns(arms: &Arms, rows: &[SubjectRow]) -> Patterns {
    Patterns {
        first: places(arms, rows, |course| course.first.as_ref()),
        failing: places(arms, rows, |course| course.failing.as_ref()),
        courses: arms
            .split(rows)
            .iter()
            .enumerate()
            .map(|(place, rows)| courses(arms, place, rows))
            .collect(),
        states: over_time(arms, rows),
    }
}

/// One row a place where somebody progressed.
fn places(arms: &Arms, rows: &[SubjectRow], of: impl Fn(&Course) -> Option<&Placed>) -> Vec<PatternRow> {
    let split = arms.split(rows);
    let row = |place: Place| {
        let mut counts = vec![Counted::default(); arms.len()];
        for (counted, rows) in counts.iter_mut().zip(&split) {
            for (row, found) in rows.iter().filter_map(|row| Some((row, of(&row.course)?))) {
                if found.place == place {
                    counted.n += 1;
                    counted.who.extend(row.who(None, found.words.clone(), found.events.iter().copied()));
                }
            }
        }
        PatternRow { place, counts }
    };
    PLACES.map(row).into_iter().filter(|row| row.counts.iter().any(|counted| counted.n > 0)).collect()
}

fn courses(arms: &Arms, place: usize, rows: &[&SubjectRow]) -> CourseRow {
    let mut subjects = vec![Counted::default(); MOST_COURSES + 1];
    for row in rows {
        let sabr = &row.course.sabr;
        let counted = &mut subjects[sabr.len().min(MOST_COURSES)];
        let events = sabr.iter().map(|(_, event)| *event);
        if sabr.is_empty() { counted.add(row, row.allocated) } else { counted.add(row, events) }
    }
    let most = rows.iter().map(|row| row.course.sabr.len()).max().unwrap_or(0);
    let until = rows.iter().map(|row| row.course.followed).max().unwrap_or(0);
    CourseRow {
        arm: arms.id(place).clone(),
        subjects,
        courses: (1..=most).map(|number| timing(number, rows)).collect(),
        mean: mean_courses(rows),
        until: until as f64 / DAYS_PER_MONTH,
    }
}

fn timing(number: usize, rows: &[&SubjectRow]) -> CourseTiming {
    let (mut subjects, mut at, mut gaps) = (Counted::default(), Vec::new(), Vec::new());
    for row in rows {
        let Some((month, event)) = row.course.sabr.get(number - 1) else { continue };
        at.push(*month);
        subjects.n += 1;
        subjects.who.extend(row.who(Some(*month), String::new(), [*event]));
        if let Some((before, _)) = number.checked_sub(2).and_then(|before| row.course.sabr.get(before)) {
            gaps.push(month - before);
        }
    }
    at.sort_by(f64::total_cmp);
    gaps.sort_by(f64::total_cmp);
    CourseTiming {
        number,
        subjects,
        median: type_7(&at, 0.5),
        q1: type_7(&at, 0.25),
        q3: type_7(&at, 0.75),
        median_gap: type_7(&gaps, 0.5),
    }
}

/// At each day of a course: courses over subjects still followed, added up. R: `survfit(Surv(start, stop, event) ~ 1, id)`.
fn mean_courses(rows: &[&SubjectRow]) -> Vec<(f64, f64)> {
    let mut at: Vec<f64> =
        rows.iter().flat_map(|row| row.course.sabr.iter().map(|(month, _)| *month)).collect();
    at.sort_by(f64::total_cmp);
    let followed = |month: f64| {
        let until = |row: &&&SubjectRow| row.course.followed as f64 / DAYS_PER_MONTH >= month;
        rows.iter().filter(until).count()
    };
    let (mut mean, mut points) = (0.0, vec![(0.0, 0.0)]);
    for same in at.chunk_by(|a, b| a == b) {
        let at_risk = followed(same[0]);
        // Nobody treated is beyond the follow-up, unless a date is wrong; then there is no mean to speak of.
        if at_risk == 0 {
            break;
        }
        mean += same.len() as f64 / at_risk as f64;
        points.push((same[0], mean));
    }
    points
}

fn over_time(arms: &Arms, rows: &[SubjectRow]) -> Option<States> {
    let split = arms.split(rows);
    let has = |row: &&SubjectRow| !row.course.states.is_empty();
    let last = split.iter().flatten().filter(|row| has(row)).map(|row| row.course.followed).max()?;
    let day = |month: u32| f64::from(month) * DAYS_PER_MONTH;
    let months: Vec<u32> = LANDMARKS.into_iter().filter(|month| day(*month) <= last as f64).collect();
    if months.len() < 2 {
        return None;
    }
    let arms = split.iter().enumerate().map(|(place, rows)| {
        let mut counts = vec![vec![Counted::default(); State::ALL.len()]; months.len()];
        let mut flows = vec![std::collections::BTreeMap::new(); months.len() - 1];
        for row in rows.iter().filter(|row| has(row)) {
            let mut before = None;
            for (at, month) in months.iter().enumerate() {
                let (state, events) = row.course.on(day(*month));
                let state = State::ALL.iter().position(|of| *of == state).unwrap_or(State::ALL.len() - 1);
                counts[at][state].add(row, events.iter().copied());
                if let Some(from) = before.replace(state) {
                    *flows[at - 1].entry((from, state)).or_insert(0) += 1;
                }
            }
        }
        let flows =
            flows.into_iter().map(|of| of.into_iter().map(|((a, b), n)| (a, b, n)).collect()).collect();
        ArmStates { arm: arms.id(place).clone(), counts, flows }
    });
    let arms = arms.collect();
    Some(States { months: months.into_iter().map(f64::from).collect(), arms })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use rstest::rstest;
    use trial::progression::{Kind, Known};
    use trial::record::{LesionDose, Record, SabrCourse};

    use super::*;
    use crate::testing::history;

    fn course(event: Seq, day: i8, lesion: &str) -> SabrCourse {
        let dose = LesionDose { lesion: lesion.into(), fraction_gy: 12.0, fractions: 2 };
        SabrCourse { event, start: date(2025, 3, day), end: None, lesions: vec![dose] }
    }

    /// Randomised on the 1st, SABR on the 5th, 6th and 20th, progression on the 20th.
    #[rstest]
    #[case::nothing_named(&[], Place::Unplaced)]
    #[case::treated(&["T1"], Place::Treated)]
    #[case::not_treated(&["T2"], Place::Elsewhere)]
    #[case::both(&["T2", "T1"], Place::Both)]
    #[case::treated_on_the_day_or_after(&["T3"], Place::Elsewhere)]
    #[case::by_its_part(&["T4"], Place::Treated)]
    fn a_place_is_that_of_lesions_treated_before(#[case] lesions: &[&str], #[case] place: Place) {
        let record = Record {
            sabr: vec![course(1, 5, "T1"), course(2, 20, "T3"), course(3, 6, "T4a")],
            ..Record::default()
        };
        let history = history(|_| ());
        let derived = trial::derive::derive(&history, &record, None);
        let protocol = history.current();
        let subject = Subject {
            protocol,
            current: protocol,
            record: &record,
            derived: &derived,
            randomised: None,
            last_seen: None,
        };
        let part = trial::sabr::Site { lesion: "T4".into(), parts: vec!["T4a".into()] };
        let found = Progression {
            date: date(2025, 3, 20),
            certain: date(2025, 3, 20),
            known: Known::Recist,
            kind: Kind::Oligo,
            lesions: lesions.iter().map(|lesion| (*lesion).into()).collect(),
            sites: vec![part],
            intracranial: false,
            amenable: None,
            reason: String::new(),
            events: vec![9],
        };
        assert_eq!(placed(&subject, date(2025, 3, 1), &found).place, place);
        let later = placed(&subject, date(2025, 3, 7), &found).place;
        assert!(!matches!(later, Place::Treated | Place::Both), "courses before randomisation do not count");
    }

    #[rstest]
    #[case(0.0, State::Unprogressed)]
    #[case(99.9, State::Unprogressed)]
    #[case(100.0, State::Held)]
    #[case(250.0, State::Failed)]
    #[case(301.0, State::Unknown)]
    fn the_state_of_a_day_is_the_last_one_reached(#[case] day: f64, #[case] state: State) {
        let course = Course {
            followed: 300,
            states: vec![
                (0, State::Unprogressed, vec![1]),
                (100, State::Held, vec![2]),
                (200, State::Failed, vec![3]),
            ],
            ..Course::default()
        };
        assert_eq!(course.on(day).0, state);
        let mut dead = course;
        dead.states.push((290, State::Dead, vec![4]));
        assert_eq!(
            dead.on(5_000.0),
            (State::Dead, &[4][..]),
            "nothing follows death, also beyond the follow-up"
        );
    }

    /// Two courses among two at risk, then one among the one still followed: 1 + 1.
    #[test]
    fn the_mean_of_courses_counts_those_still_followed() {
        let row = |followed, sabr: &[f64]| {
            let mut row = crate::testing::row("1", "A", "a", 10, true, 2);
            row.course = Course {
                followed,
                sabr: sabr.iter().map(|month| (*month, 1)).collect(),
                ..Course::default()
            };
            row
        };
        let rows = [row(100, &[1.0, 1.0]), row(400, &[10.0])];
        let rows: Vec<&SubjectRow> = rows.iter().collect();
        assert_eq!(mean_courses(&rows), [(0.0, 0.0), (1.0, 1.0), (10.0, 2.0)]);
    }
}
