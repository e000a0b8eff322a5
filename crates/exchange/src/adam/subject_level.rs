//! ADSL: one record a subject.

use trial::strategy::Status;

use super::{arm, flag};
use crate::sdtm_out::Subject;
use crate::submission::line::{Line, Value, short};

/// `STRATAR`: the level of each factor, as the subject was randomised.
pub(super) fn strata(subject: &Subject<'_, '_>) -> String {
    let levels = subject.record.randomised.iter().flat_map(|fact| &fact.value.stratum);
    levels.map(|(factor, level)| format!("{factor} = {level}")).collect::<Vec<_>>().join(", ")
}

/// The variables of the first factors.
const FACTORS: [[&str; 2]; 4] =
    [["STRAT1D", "STRAT1R"], ["STRAT2D", "STRAT2R"], ["STRAT3D", "STRAT3R"], ["STRAT4D", "STRAT4R"]];

/// ADSL of one subject. What DM says is taken from there.
pub(super) fn adsl<'s>(subject: &Subject<'_, 's>, sdtm: &[Line<'s>]) -> Line<'s> {
    let (record, values) = (subject.record, subject.values);
    let dm = sdtm.iter().find(|line| line.set == "DM");
    let text = |name: &str| dm.map(|dm| dm.words(name).to_owned()).unwrap_or_default();
    let number = |name: &str| match dm.and_then(|dm| dm.get(name)) {
        Some(Value::Number(number)) => Some(*number),
        _ => None,
    };
    let randomised = record.randomised.as_ref();
    let yes_no = |yes: bool| if yes { "Y" } else { "N" };
    let is_randomised = yes_no(randomised.is_some());
    let mut line = Line::new("ADSL", dm.and_then(|dm| dm.event))
        .text("SUBJID", text("SUBJID"))
        .text("SITEID", text("SITEID"))
        .maybe_number("AGE", number("AGE"))
        .text("AGEU", text("AGEU"))
        .text("SEX", text("SEX"))
        .text("RACE", text("RACE"))
        .text("COUNTRY", text("COUNTRY"))
        .text("RANDFL", is_randomised)
        .text("ITTFL", is_randomised)
        // Everybody who was randomised is at risk in the tables of safety.
        .text("SAFFL", is_randomised)
        .text("ARM", text("ARM"))
        .text("ARMCD", text("ARMCD"))
        .text("ACTARM", text("ACTARM"))
        .text("TRT01P", text("ARM"))
        .maybe_number("TRT01PN", randomised.map(|fact| arm(subject, fact.value.arm.as_str()).1))
        .text("TRT01A", text("ACTARM"))
        .text("STRATAR", strata(subject));
    for ((factor, level), [description, value]) in
        randomised.iter().flat_map(|fact| &fact.value.stratum).zip(FACTORS)
    {
        let known = subject.study.protocol.stratification.iter().find(|known| known.id == *factor);
        let label = known.map_or_else(|| factor.clone().into(), |known| short(&known.label, 200));
        line = line.text(description, label).text(value, level.clone());
    }
    line = line
        .day("RFICDT", record.consent.as_ref().map(|fact| fact.value))
        .day("RANDDT", subject.start)
        .day("TRTSDT", subject.exposure.map(|(first, _)| first))
        .day("TRTEDT", subject.exposure.map(|(_, last)| last))
        .maybe_number("ECOGBL", values.ecog.as_ref().map(|it| it.value))
        .maybe_number("LESBL", values.lesions.as_ref().map(|it| it.value))
        .maybe_number("OPDBL", values.oligoprogressive.as_ref().map(|it| it.value))
        .maybe_number("PRIORMO", values.prior_months.as_ref().map(|it| it.value));
    let strategy = values.derived.strategy.as_ref().map(|course| &course.status);
    let (status, since) = match strategy {
        Some(Status::Holding) => (Some("HOLDING"), None),
        Some(Status::Pending { progression }) => (Some("PENDING"), Some(*progression)),
        Some(Status::Failed { on, .. }) => (Some("FAILED"), Some(*on)),
        Some(Status::NotApplicable) | None => (None, None),
    };
    line = line.maybe_text("STGYSTT", status).day("STGYDT", since);
    let death = values.derived.death;
    let (ended, reason) = match (&record.death, &record.withdrawal) {
        (_, Some(withdrawal)) => (Some(withdrawal.date), Some(withdrawal.reason.clone())),
        (Some(_), None) => (death.map(|death| death.date), Some("DEATH".to_owned())),
        (None, None) => (None, None),
    };
    let alive = record.contacts.iter().map(|fact| fact.value).max();
    line = line
        .maybe_text("EOSSTT", randomised.map(|_| if ended.is_some() { "DISCONTINUED" } else { "ONGOING" }))
        .day("EOSDT", ended.filter(|_| randomised.is_some()))
        .maybe_text("DCSREAS", reason.filter(|_| randomised.is_some()))
        .day("LSTALVDT", alive)
        .text("DTHFL", text("DTHFL"))
        .day("DTHDT", death.map(|death| death.date))
        .maybe_text("DTHDTF", death.and_then(|death| flag(death.imputed)));
    let mut events: Vec<u64> = dm.map(|dm| dm.events().collect()).unwrap_or_default();
    for valued in [&values.age, &values.ecog, &values.lesions, &values.oligoprogressive, &values.prior_months]
    {
        events.extend(valued.iter().flat_map(|valued| valued.events.iter().copied()));
    }
    events.extend(values.derived.strategy.iter().flat_map(|course| course.events.iter().copied()));
    events.extend(record.withdrawal.as_ref().map(|withdrawal| withdrawal.event));
    events.extend(record.contacts.iter().max_by_key(|fact| fact.value).map(|fact| fact.event));
    line.rests_on(&events)
}
