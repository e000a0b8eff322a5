//! Several forms at once: which ones were chosen, and their recording, a subject at a time, all or nothing.
//!
//! Never acts on values that nobody had seen: each form is named with the event that gave its values.

use std::collections::BTreeMap;
use std::sync::Arc;

use office::{Action, Deed, Folder};
use people::permission::Act;
use trial::event::{Instance, Seq};
use trial::id::{SiteId, SubjectId};

use crate::page::listing::capital;
use crate::web::access::{Desk, Fields};
use crate::web::address;
use crate::web::fault::Fault;

/// So many forms are signed, verified or locked at once at most: a page that can be read.
const MOST_AT_ONCE: usize = 200;

/// A form that was chosen, with the event that gave the values its reader saw.
pub(super) struct Chosen {
    pub(super) subject: SubjectId,
    pub(super) site: SiteId,
    pub(super) instance: Instance,
    pub(super) seen: Seq,
    /// The subject's last event.
    pub(super) head: Seq,
    pub(super) folder: Arc<Folder>,
}

/// What became of it.
pub(super) struct Outcome {
    /// Forms.
    pub(super) recorded: usize,
    /// Why nothing was recorded, for each subject of which nothing was.
    pub(super) refused: Vec<String>,
}

impl Outcome {
    pub(super) fn words(&self, word: &str) -> Option<String> {
        (self.recorded > 0).then(|| {
            format!("{} {word}.", crate::page::listing::count(self.recorded, "form was", "forms were"))
        })
    }
}

impl Chosen {
    /// How a form is named in a page's fields.
    pub(super) fn key(subject: &SubjectId, instance: &Instance, event: Seq) -> String {
        serde_json::json!([subject, address::instance_name(instance), event]).to_string()
    }

    /// The keys that a form sent.
    pub(super) fn keys(fields: &Fields) -> Vec<String> {
        let mut keys: Vec<String> =
            fields.0.iter().filter(|(name, _)| name == "form").map(|(_, key)| key.clone()).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// The forms that `keys` name, where the visitor may do `act` to each; else what is wrong with them.
    pub(super) async fn read(
        desk: &Desk,
        keys: &[String],
        act: Act,
    ) -> Result<Result<Vec<Self>, String>, Fault> {
        if keys.len() > MOST_AT_ONCE {
            let says = format!(
                "Nothing was recorded: {} forms are ticked, and at most {MOST_AT_ONCE} go at once.",
                keys.len()
            );
            return Ok(Err(says));
        }
        let mut chosen = Vec::with_capacity(keys.len());
        for key in keys {
            match Self::find(desk, key, act).await? {
                Ok(one) => chosen.push(one),
                Err(says) => return Ok(Err(says)),
            }
        }
        chosen.sort_by(|a: &Self, b| (&a.subject, &a.instance).cmp(&(&b.subject, &b.instance)));
        Ok(Ok(chosen))
    }

    async fn find(desk: &Desk, key: &str, act: Act) -> Result<Result<Self, String>, Fault> {
        let named = serde_json::from_str::<(SubjectId, String, Seq)>(key).ok();
        let named =
            named.and_then(|(subject, name, seen)| Some((subject, address::instance_of(&name)?, seen)));
        let Some((subject, instance, seen)) = named else {
            return Ok(Err("Nothing was recorded: what was sent names no form.".into()));
        };
        // The same words whether there is no such subject or it is another site's.
        let unknown = || format!("Nothing was recorded: there is no subject {subject} at your site.");
        let Some(folder) = desk.room.office.folder(&subject).await? else { return Ok(Err(unknown())) };
        let site = folder.record.site.clone();
        if !desk.may_at(act, &site) {
            return Ok(Err(unknown()));
        }
        let head = folder.head_of_subject;
        Ok(Ok(Self { subject, site, instance, seen, head, folder }))
    }
}

/// Records `deeds` of each form, subject by subject.
pub(super) async fn record(
    desk: &Desk,
    act: Act,
    chosen: &[Chosen],
    deeds: impl Fn(&Chosen) -> Vec<Deed>,
) -> Result<Outcome, Fault> {
    let mut by_subject: BTreeMap<&SubjectId, Vec<&Chosen>> = BTreeMap::new();
    for one in chosen {
        by_subject.entry(&one.subject).or_default().push(one);
    }
    let mut outcome = Outcome { recorded: 0, refused: Vec::new() };
    for (subject, forms) in by_subject {
        let mut actions = Vec::with_capacity(forms.len());
        for one in &forms {
            let actor = desk.actor_for(act, Some(&one.site))?;
            let of_form = deeds(one).into_iter().map(|deed| {
                let raises = matches!(deed, Deed::RaiseQuery { .. });
                let action = Action::now(&actor, deed).at(one.site.clone()).of(subject.clone());
                if raises { action } else { action.over(one.seen) }
            });
            actions.extend(of_form);
        }
        match desk.room.office.submit(actions).await {
            Ok(_) => outcome.recorded += forms.len(),
            Err(office::Error::Refused(refusal)) => {
                let why = match refusal.reason {
                    office::Reason::Conflict { .. } => {
                        "it was corrected since this page was opened; read it once more".to_owned()
                    }
                    reason => reason.to_string(),
                };
                outcome.refused.push(format!(
                    "Nothing was recorded of subject {subject}. {}: {why}.",
                    capital(&refusal.deed)
                ));
            }
            Err(wrong) => return Err(wrong.into()),
        }
    }
    Ok(outcome)
}
