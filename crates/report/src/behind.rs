//! Who is behind each number: the lists that numbers lead to, on the page and in `who.csv`.
//!
//! Never counts: every list comes from `analysis`. What a subject contributes to an analysis of times stands with the
//! analysis (`page::endpoints`), not here.

use std::collections::{BTreeSet, HashMap};

use analysis::results::{
    BaselineCell, Counted, GradeRow, MissingWeek, QualityPoint, QualityResult, Results, State, Who,
};
use trial::event::Seq;
use trial::id::{ArmId, SubjectId};

use crate::{number, words};

/// What a list is of; the numbers are places in `Results`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    Screened,
    Excluded,
    InScreening,
    Allocated,
    Treated,
    Untreated,
    Withdrawn,
    Died,
    Followed,
    Month(usize),
    SiteScreened(usize),
    SiteRandomised(usize),
    Baseline(usize),
    Response(usize),
    Sabr,
    SabrCourses,
    SabrAgain,
    /// Arm of `Results::sabr`, schedule.
    Schedule(usize, usize),
    Related(usize),
    /// Of `SafetyResult::related_to`, row.
    RelatedTo(usize, usize),
    Adverse(usize),
    Serious,
    Week(u32),
    /// Factor and level.
    Subgroup(usize, usize),
    /// Of the first progressions by place.
    First(usize),
    /// Of the progressions that failed the strategy.
    Failing(usize),
    /// How many courses.
    Courses(usize),
    /// Which course.
    Course(usize),
    /// Landmark and state.
    State(usize, usize),
    /// Complete, monotone, intermittent, never.
    Missing(usize),
    /// What became of the questionnaires of a week, in the order of `became`.
    Became(u32),
    Model,
    Alive,
    UpToDate,
    /// Cause of death.
    Death(usize),
    /// Of `Committee::soon`.
    Soon(usize),
    /// Baseline and worst status, as places in `Committee::ecog` and its counts.
    Shift(usize, usize),
    /// Of the categories in their order.
    Deviations(usize),
}

/// One entry of a list.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The subject.
    pub subject: &'a SubjectId,
    /// Its value, or what else to know of it; mostly empty.
    pub said: String,
    /// The events.
    pub events: &'a [Seq],
}

/// Entries of one kind: all of a group where a group is not split.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// Which, as in `grade 3`; empty where there is one.
    pub label: String,
    /// Who.
    pub entries: Vec<Entry<'a>>,
}

/// Mostly an arm.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// Which; empty where there is one.
    pub label: String,
    /// What it falls into.
    pub parts: Vec<Part<'a>>,
}

impl Group<'_> {
    /// How many entries.
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.entries.len()).sum()
    }
}

/// A list that a row of numbers leads to.
#[derive(Clone, Debug)]
pub struct List<'a> {
    /// Of what, in words.
    pub title: String,
    /// Mostly one an arm, in order.
    pub groups: Vec<Group<'a>>,
}

/// All lists of a report.
#[derive(Debug, Default)]
pub struct Lists<'a> {
    /// In the order of their anchors.
    pub all: Vec<List<'a>>,
    places: HashMap<Of, usize>,
}

/// The patterns of missing questionnaires, in the order of `Of::Missing`.
pub const MISSING: [&str; 4] = [
    "complete at every week due",
    "missing from a week on (monotone)",
    "missing at a week, scored later (intermittent)",
    "never scored",
];

/// The weeks of which it is known what became of their questionnaires.
pub fn became_weeks(quality: &QualityResult) -> BTreeSet<u32> {
    quality.missing.iter().map(|row| row.week).collect()
}

/// What became of the questionnaires of a week, in order.
pub fn became(row: &MissingWeek) -> Vec<(&'static str, &Counted)> {
    vec![
        ("scored", &row.scored),
        ("missing, one scored later", &row.intermittent),
        ("missing, none later", &row.monotone),
        ("died before", &row.died),
        ("out of the trial before", &row.withdrawn),
        ("not due yet", &row.not_yet),
    ]
}

/// `no course`, `1 course`, `4 courses or more`.
pub fn courses(n: usize, groups: usize) -> String {
    match n {
        0 => "no course".into(),
        n if n + 1 == groups => format!("{n} courses or more"),
        n => number::counted(n, "course"),
    }
}

/// The last column of a shift table is of those without a status.
pub fn at_most(place: usize, columns: usize) -> Option<usize> {
    Some(place).filter(|place| place + 1 < columns)
}

/// A performance status, or that there is none.
pub fn status(status: Option<usize>) -> String {
    status.map_or_else(|| "not recorded".into(), |status| status.to_string())
}

/// The categories of the deviations, in order.
pub fn deviation_categories(results: &Results) -> Vec<&str> {
    let categories: BTreeSet<&str> = results.deviations.iter().map(|row| row.category.as_str()).collect();
    categories.into_iter().collect()
}

impl<'a> Lists<'a> {
    /// The lists of `results` that hold somebody.
    pub fn of(results: &'a Results) -> Self {
        let mut lists = Self::default();
        lists.flow(results);
        lists.recruitment(results);
        lists.baseline(results);
        lists.tumour(results);
        lists.safety(results);
        lists.quality(results);
        lists.subgroups(results);
        lists.patterns(results);
        lists.committee(results);
        lists.deviations(results);
        lists
    }

    /// The anchor of a list, of a group of it, of a part of that; none where it holds nobody.
    pub fn anchor(&self, of: Of, group: Option<usize>, part: Option<usize>) -> Option<String> {
        let place = *self.places.get(&of)?;
        let Some(group) = group else { return Some(format!("w{place}")) };
        let found = self.all[place].groups.get(group).filter(|group| group.len() > 0)?;
        // Where there is one group, it is the list.
        let whole = || {
            if self.all[place].groups.len() > 1 { format!("w{place}-{group}") } else { format!("w{place}") }
        };
        let Some(part) = part else { return Some(whole()) };
        let some = found.parts.get(part).is_some_and(|part| !part.entries.is_empty());
        // Where a group has one part, it is the group.
        some.then(|| if found.parts.len() > 1 { format!("w{place}-{group}-{part}") } else { whole() })
    }

    fn add(&mut self, of: Of, title: impl Into<String>, groups: Vec<Group<'a>>) {
        if groups.iter().any(|group| group.len() > 0) {
            self.places.insert(of, self.all.len());
            self.all.push(List { title: title.into(), groups });
        }
    }

    /// One group an arm.
    fn by_arm(&mut self, results: &'a Results, of: Of, title: &str, who: impl Fn(usize) -> &'a [Who]) {
        let groups = (results.arms.iter().enumerate())
            .map(|(i, arm)| group(words::arm_name(arm), vec![part("", who(i))]))
            .collect();
        self.add(of, title, groups);
    }

    fn whole(&mut self, of: Of, title: impl Into<String>, counted: &'a Counted) {
        self.add(of, title, vec![group("", vec![part("", &counted.who)])]);
    }

    fn flow(&mut self, results: &'a Results) {
        let flow = &results.flow;
        self.whole(Of::Screened, "Assessed for eligibility", &flow.screened);
        let reasons = flow.excluded_because.iter().map(|(why, who)| group(why, vec![part("", &who.who)]));
        self.add(Of::Excluded, "Not randomised", reasons.collect());
        self.whole(Of::InScreening, "Still in screening", &flow.in_screening);
        let arm = |i: usize| flow.arms.iter().find(move |row| row.arm == results.arms[i].id);
        let none: &[Who] = &[];
        let who = |counted: Option<&'a Counted>| counted.map_or(none, |counted| &counted.who);
        self.by_arm(results, Of::Allocated, "Randomised", |i| who(arm(i).map(|row| &row.allocated)));
        self.by_arm(results, Of::Treated, "Received what the arm prescribes", |i| {
            who(arm(i).and_then(|row| row.treated.as_ref()))
        });
        self.by_arm(results, Of::Untreated, "Did not receive what the arm prescribes", |i| {
            who(arm(i).and_then(|row| row.untreated.as_ref()))
        });
        let withdrawn = (0..results.arms.len()).map(|i| {
            let reasons = arm(i).into_iter().flat_map(|row| &row.withdrawn);
            let parts = reasons.map(|(why, counted)| part(why, &counted.who)).collect();
            group(words::arm_name(&results.arms[i]), parts)
        });
        self.add(Of::Withdrawn, "Withdrew or were lost", withdrawn.collect());
        self.by_arm(results, Of::Died, "Died", |i| who(arm(i).map(|row| &row.died)));
        self.by_arm(results, Of::Followed, "Still followed, with the last contact", |i| {
            who(arm(i).map(|row| &row.in_follow_up))
        });
    }

    fn recruitment(&mut self, results: &'a Results) {
        for (i, row) in results.recruitment.by_month.iter().enumerate() {
            let title = format!("Randomised in {}-{:02}", row.month.year(), row.month.month());
            self.whole(Of::Month(i), title, &row.randomised);
        }
        for (i, site) in results.recruitment.by_site.iter().enumerate() {
            let name = format!("{} {}", site.site, site.name);
            self.whole(Of::SiteScreened(i), format!("Screened at {name}"), &site.screened);
            self.whole(Of::SiteRandomised(i), format!("Randomised at {name}"), &site.randomised);
        }
    }

    fn baseline(&mut self, results: &'a Results) {
        let none: &[Who] = &[];
        for (place, row) in results.baseline.iter().enumerate() {
            let title = match &row.level {
                Some(level) => format!("{}: {level}", row.characteristic),
                None => row.characteristic.clone(),
            };
            self.by_arm(results, Of::Baseline(place), &title, |i| match row.cells.get(i) {
                Some(BaselineCell::Count { who, .. } | BaselineCell::Number { who, .. }) => who,
                None => none,
            });
        }
    }

    fn tumour(&mut self, results: &'a Results) {
        let none: &[Who] = &[];
        for (place, row) in results.responses.iter().enumerate() {
            let what = row.response.map_or("No assessment after baseline", words::response);
            self.by_arm(results, Of::Response(place), &format!("Best overall response: {what}"), |i| {
                row.counts.get(i).map_or(none, |counted| &counted.who)
            });
        }
        let arm = |i: usize| results.sabr.iter().find(move |row| row.arm == results.arms[i].id);
        let mut sabr = |of, title: &str, pick: fn(&analysis::results::SabrRow) -> &Counted| {
            self.by_arm(results, of, title, |i| arm(i).map_or(none, |row| &pick(row).who));
        };
        sabr(Of::Sabr, "Treated with SABR, with every course", |row| &row.subjects);
        sabr(Of::SabrCourses, "Courses of SABR: first day and lesions", |row| &row.courses);
        sabr(Of::SabrAgain, "Treated with SABR more than once", |row| &row.again);
        for (i, row) in results.sabr.iter().enumerate() {
            for (j, schedule) in row.schedules.iter().enumerate() {
                let dose = number::short(schedule.dose_gy, 1);
                let title =
                    format!("Lesions treated in arm {} with {dose} Gy in {}", row.arm, schedule.fractions);
                self.whole(Of::Schedule(i, j), title, &schedule.lesions);
            }
        }
    }

    fn safety(&mut self, results: &'a Results) {
        let safety = &results.safety;
        for (i, row) in safety.related.iter().enumerate() {
            self.grades(results, Of::Related(i), "Treatment-related adverse events", row);
        }
        for (place, to) in safety.related_to.iter().enumerate() {
            for (i, row) in to.rows.iter().enumerate() {
                let title = format!("Adverse events related to {}", to.label);
                self.grades(results, Of::RelatedTo(place, i), &title, row);
            }
        }
        for (i, row) in safety.all.iter().enumerate() {
            self.grades(results, Of::Adverse(i), "Adverse events", row);
        }
        let none: &[Who] = &[];
        self.by_arm(results, Of::Serious, "Serious adverse events", |i| {
            safety.serious.get(i).map_or(none, |counted| &counted.who)
        });
    }

    /// One group an arm, one part a worst grade.
    fn grades(&mut self, results: &'a Results, of: Of, title: &str, row: &'a GradeRow) {
        let title = match (&row.class, &row.term) {
            (_, Some(term)) => format!("{title}: {term}"),
            (Some(class), None) => format!("{title}: {class}"),
            (None, None) => title.to_owned(),
        };
        let at = |arm: &ArmId, grade: u8| {
            let rows = row.subjects.iter().filter(move |(_, of, worst, _)| of == arm && *worst == grade);
            let entries = rows.map(|(subject, _, _, events)| Entry { subject, said: String::new(), events });
            Part { label: format!("grade {grade}"), entries: entries.collect() }
        };
        let groups = results
            .arms
            .iter()
            .map(|arm| group(words::arm_name(arm), (1..=5).map(|grade| at(&arm.id, grade)).collect()));
        self.add(of, title, groups.collect());
    }

    fn quality(&mut self, results: &'a Results) {
        let Some(quality) = &results.quality_of_life else { return };
        let mut weeks: Vec<u32> = quality.by_week.iter().map(|point| point.week).collect();
        weeks.sort_unstable();
        weeks.dedup();
        let parts = |point: &'a QualityPoint| {
            vec![part("scored", &point.scored.who), part("expected, not scored", &point.missing)]
        };
        for week in weeks {
            let groups = results.arms.iter().map(|arm| {
                let point = quality.by_week.iter().find(|point| point.week == week && point.arm == arm.id);
                group(words::arm_name(arm), point.map(parts).unwrap_or_default())
            });
            self.add(Of::Week(week), format!("{} at week {week}", quality.score), groups.collect());
        }
        for week in became_weeks(quality) {
            let groups = results.arms.iter().map(|arm| {
                let row = quality.missing.iter().find(|row| row.week == week && row.arm == arm.id);
                let parts = row.map(became).unwrap_or_default();
                group(
                    words::arm_name(arm),
                    parts.into_iter().map(|(label, who)| part(label, &who.who)).collect(),
                )
            });
            self.add(Of::Became(week), format!("Questionnaires of week {week}"), groups.collect());
        }
        if let Some(model) = &quality.model {
            self.whole(Of::Model, "In the model of repeated measures", &model.who);
        }
        let none: &[Who] = &[];
        let pattern = |i: usize| quality.patterns.iter().find(move |row| row.arm == results.arms[i].id);
        for (place, label) in MISSING.iter().enumerate() {
            self.by_arm(results, Of::Missing(place), &format!("{}: {label}", quality.score), |i| {
                pattern(i).map_or(none, |row| {
                    let all = [&row.complete, &row.monotone, &row.intermittent, &row.never];
                    all.get(place).map_or(none, |counted| &counted.who)
                })
            });
        }
    }

    fn committee(&mut self, results: &'a Results) {
        let none: &[Who] = &[];
        let committee = &results.committee;
        let complete =
            |i: usize| committee.completeness.iter().find(move |row| row.arm == results.arms[i].id);
        self.by_arm(results, Of::Alive, "Alive and in the trial, as far as is known", |i| {
            complete(i).map_or(none, |row| &row.followed.who)
        });
        self.by_arm(results, Of::UpToDate, "Seen lately, of those", |i| {
            complete(i).map_or(none, |row| &row.up_to_date.who)
        });
        for (place, row) in committee.deaths.iter().enumerate() {
            self.by_arm(results, Of::Death(place), &format!("Died: {}", row.cause), |i| {
                row.counts.get(i).map_or(none, |counted| &counted.who)
            });
        }
        for (place, (days, counts)) in committee.soon.iter().enumerate() {
            let title = format!("Died within {days} days of the last course of SABR");
            self.by_arm(results, Of::Soon(place), &title, |i| counts.get(i).map_or(none, |c| &c.who));
        }
        for (place, row) in committee.ecog.iter().enumerate() {
            let columns = row.by_arm.first().map_or(0, Vec::len);
            for worst in 0..columns {
                let title = format!(
                    "ECOG at baseline {}, worst {}",
                    status(row.baseline),
                    status(at_most(worst, columns))
                );
                self.by_arm(results, Of::Shift(place, worst), &title, |i| {
                    row.by_arm.get(i).and_then(|counts| counts.get(worst)).map_or(none, |c| &c.who)
                });
            }
        }
    }

    fn subgroups(&mut self, results: &'a Results) {
        let groups = words::primary(results).map_or(&[][..], |(_, analysis)| &analysis.further.subgroups);
        for (g, group) in groups.iter().enumerate() {
            for (l, level) in group.levels.iter().enumerate() {
                let title = format!("{}: {}", group.label, level.label);
                self.whole(Of::Subgroup(g, l), title, &level.subjects);
            }
        }
    }

    fn patterns(&mut self, results: &'a Results) {
        let none: &[Who] = &[];
        let patterns = &results.patterns;
        for (failing, title, rows) in [
            (false, "First progression", &patterns.first),
            (true, "Progression that failed the strategy", &patterns.failing),
        ] {
            let of = if failing { Of::Failing } else { Of::First };
            for (place, row) in rows.iter().enumerate() {
                let title = format!("{title}: {}", words::place(row.place));
                self.by_arm(results, of(place), &title, |i| row.counts.get(i).map_or(none, |c| &c.who));
            }
        }
        let arm = |i: usize| patterns.courses.iter().find(move |row| row.arm == results.arms[i].id);
        let most = patterns.courses.iter().map(|row| row.subjects.len()).max().unwrap_or(0);
        for n in 0..most {
            let title = format!("Subjects with {} of SABR since randomisation", courses(n, most));
            self.by_arm(results, Of::Courses(n), &title, |i| {
                arm(i).and_then(|row| row.subjects.get(n)).map_or(none, |counted| &counted.who)
            });
        }
        let most = patterns.courses.iter().map(|row| row.courses.len()).max().unwrap_or(0);
        for n in 0..most {
            self.by_arm(results, Of::Course(n), &format!("Course {} of SABR, months", n + 1), |i| {
                arm(i).and_then(|row| row.courses.get(n)).map_or(none, |course| &course.subjects.who)
            });
        }
        let Some(states) = &patterns.states else { return };
        for (at, month) in states.months.iter().enumerate() {
            for (place, state) in State::ALL.iter().enumerate() {
                let title = format!("Month {}: {}", number::short(*month, 0), words::state(*state));
                self.by_arm(results, Of::State(at, place), &title, |i| {
                    let counts = states.arms.get(i).and_then(|arm| arm.counts.get(at)?.get(place));
                    counts.map_or(none, |counted| &counted.who)
                });
            }
        }
    }

    fn deviations(&mut self, results: &'a Results) {
        let categories: Vec<&'a str> = deviation_categories(results);
        let arms = results.arms.iter().map(|arm| (Some(&arm.id), words::arm_name(arm)));
        let arms: Vec<_> = arms.chain([(None, "Not randomised".to_owned())]).collect();
        for (place, category) in categories.into_iter().enumerate() {
            let groups = arms.iter().map(|(arm, name)| {
                let rows = (results.deviations.iter())
                    .filter(|row| row.category == category && row.arm.as_ref() == *arm);
                let entries = rows.map(|row| Entry {
                    subject: &row.subject,
                    said: format!("{}, {}", row.date, row.term),
                    events: &row.events,
                });
                group(name, vec![Part { label: String::new(), entries: entries.collect() }])
            });
            self.add(Of::Deviations(place), format!("Deviations: {category}"), groups.collect());
        }
    }
}

fn group(label: impl Into<String>, parts: Vec<Part<'_>>) -> Group<'_> {
    Group { label: label.into(), parts }
}

fn part<'a>(label: &str, who: &'a [Who]) -> Part<'a> {
    let entries = who.iter().map(|who| Entry { subject: &who.subject, said: said(who), events: &who.events });
    Part { label: label.to_owned(), entries: entries.collect() }
}

/// `64`, `64, at the second reading`, or nothing.
fn said(who: &Who) -> String {
    let value = who.value.map(|value| number::short(value, 2));
    let words = Some(who.words.clone()).filter(|words| !words.is_empty());
    value.into_iter().chain(words).collect::<Vec<_>>().join(", ")
}
