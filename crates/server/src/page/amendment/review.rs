//! A version under review: what it says, and what it would do to each subject, worked out once in the background.
//!
//! Never adopts. A few reviews are kept in memory, since the page asks for their progress; what was typed is in the draft of whoever
//! typed it, so that a server that was started anew, or another one, works it out again.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use office::Board;
use trial::event::Seq;
use trial::id::SubjectId;
use trial::protocol::{Amendment, Checked, Effect, EffectCount, Fault, ProtocolHistory, check, summary};

use crate::room::Room;
use crate::web::fault::Fault as Wrong;

/// So many are kept; the one looked at longest ago goes.
const MOST: usize = 3;

/// The reviews of a trial.
#[derive(Default)]
pub(crate) struct Reviews(Mutex<Vec<Arc<Review>>>);

/// A version held against the one in force.
pub(super) struct Review {
    /// The hash of its text: what is adopted is what was shown.
    pub(super) key: String,
    /// The event that adopted the version it was held against.
    pub(super) base: Seq,
    pub(super) version: Checked,
    today: Date,
    board: Board<Vec<Effect>>,
}

/// What a version would do to the subjects.
pub(super) struct Effects {
    pub(super) subjects: usize,
    pub(super) touched: usize,
    /// Each kind, with the first subjects and what it says of them.
    pub(super) kinds: Vec<(EffectCount, Vec<(SubjectId, String)>)>,
}

impl Reviews {
    /// The review of a text, begun where it is not under way. Inside: the faults of the text, where it has some.
    pub(super) fn of(
        &self,
        room: &Room,
        history: &ProtocolHistory,
        source: &str,
        today: Date,
    ) -> Result<Arc<Review>, Vec<Fault>> {
        let key = key(source);
        let base = in_force(history);
        let is_it = |review: &Arc<Review>| review.key == key && review.base == base && review.today == today;
        if let Some(found) = self.kept().iter().find(|review| is_it(review)) {
            return Ok(Arc::clone(found));
        }
        // Read outside the lock: it takes a while.
        let version = check(source)?;
        let review = Arc::new(Review::begin(room, history, key.clone(), version, today));
        let mut kept = self.kept();
        if let Some(found) = kept.iter().find(|review| is_it(review)) {
            return Ok(Arc::clone(found));
        }
        if kept.len() >= MOST {
            kept.remove(0);
        }
        kept.push(Arc::clone(&review));
        Ok(review)
    }

    /// Lets go of a review that came to its end.
    pub(super) fn end(&self, key: &str) {
        self.kept().retain(|review| review.key != key);
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Review>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hash of a text.
pub(super) fn key(source: &str) -> String {
    blake3::hash(source.as_bytes()).to_hex().to_string()
}

/// The event that adopted the version in force.
pub(super) fn in_force(history: &ProtocolHistory) -> Seq {
    history.versions().last().map_or(0, |(seq, _)| seq)
}

impl Review {
    fn begin(room: &Room, history: &ProtocolHistory, key: String, version: Checked, today: Date) -> Self {
        let base = in_force(history);
        // A history is never empty; were it so, the version would be held against itself.
        let old = history.versions().last().map_or(&version, |(_, checked)| checked);
        let amendment = Amendment::new(old, &version);
        let board = Board::start(&room.office, move |_, record, _| amendment.on(record, today));
        Self { key, base, version, today, board }
    }

    /// Subjects done and subjects there are, while they are not all done.
    pub(super) fn progress(&self) -> Option<(u64, u64)> {
        let progress = self.board.progress();
        (!progress.ready).then_some((progress.done, progress.of))
    }

    /// The effects; waits until they are worked out.
    pub(super) async fn effects(&self) -> Result<Effects, Wrong> {
        let snapshot = self.board.current().await?;
        let counts = summary(snapshot.iter().map(|(subject, effects)| (subject, effects.as_slice())));
        let says = |count: &EffectCount, subject: &SubjectId| {
            let effects = snapshot.get(subject)?;
            let first = effects.iter().find(|effect| effect.kind == count.kind)?;
            Some((subject.clone(), first.says.clone()))
        };
        let kinds = counts.into_iter().map(|count| {
            let examples = count.examples.iter().filter_map(|subject| says(&count, subject)).collect();
            (count, examples)
        });
        Ok(Effects {
            subjects: snapshot.len(),
            touched: snapshot.iter().filter(|(_, effects)| !effects.is_empty()).count(),
            kinds: kinds.collect(),
        })
    }
}
