//! The curves of the overview, made in the background and kept as long as the ledger stands still.
//!
//! Never makes a request wait for statistics, but for the first one: a page shows the last curves and says of which event.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use analysis::results::About;
use analysis::{Context, Limits};
use office::{Arms, Snapshot};
use trial::protocol::ProtocolHistory;

use crate::digest::Digest;
use crate::room::Room;
use crate::web::fault::Fault;

/// Curves are made anew at most so often, however many events come.
const PAUSE: Duration = Duration::from_secs(5);

/// Figures as parts of a page.
pub(crate) struct Drawn {
    /// The last event they rest on.
    pub(crate) head: u64,
    pub(crate) recruitment: String,
    /// The main analysis of each endpoint.
    pub(crate) main: Vec<String>,
}

/// The kept curves of a trial.
#[derive(Default)]
pub(crate) struct Curves {
    pooled: Kept,
    by_arm: Kept,
}

#[derive(Default)]
struct Kept(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    drawn: Option<Arc<Drawn>>,
    made: Option<Instant>,
    making: bool,
}

impl Curves {
    /// The pooled curves; none where nobody was screened yet.
    pub(crate) async fn of(
        &self,
        room: &Room,
        digests: &Arc<Snapshot<Digest>>,
    ) -> Result<Option<Arc<Drawn>>, Fault> {
        if digests.iter().next().is_none() {
            return Ok(None);
        }
        self.pooled.get(room, digests, Arms::Pooled).await.map(Some)
    }

    /// The curves by arm.
    pub(crate) async fn by_arm(
        &self,
        room: &Room,
        digests: &Arc<Snapshot<Digest>>,
    ) -> Result<Arc<Drawn>, Fault> {
        self.by_arm.get(room, digests, Arms::Apart).await
    }
}

impl Kept {
    async fn get(
        &self,
        room: &Room,
        digests: &Arc<Snapshot<Digest>>,
        arms: Arms,
    ) -> Result<Arc<Drawn>, Fault> {
        let kept = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let fresh = state.drawn.as_ref().is_some_and(|drawn| drawn.head == digests.head.count);
            let wait = state.making || state.made.is_some_and(|made| made.elapsed() < PAUSE);
            let kept = state.drawn.clone();
            if kept.is_some() && (fresh || wait) {
                return kept.ok_or_else(|| Fault::Broken("no curves are kept".into()));
            }
            state.making = true;
            kept
        };
        let (history, sites) = (room.history().await?, room.office.sites().await?);
        let (digests, state) = (Arc::clone(digests), Arc::clone(&self.0));
        let about = About { simulated: room.simulated, ..About::of(&history, &room.slug) };
        let sites = sites.iter().map(|site| analysis::Site {
            id: site.id.clone(),
            name: site.name.clone(),
            opened: Some(trial::date::utc_date(site.opened)),
        });
        let context = Context { about, sites: sites.collect(), limits: Limits::default() };
        let job = tokio::task::spawn_blocking(move || {
            let made = Making { state };
            made.keep(draw(&history, context, &digests, arms))
        });
        match kept {
            // The next page shows what is being made now.
            Some(kept) => Ok(kept),
            None => job.await.map_err(|wrong| Fault::Broken(wrong.to_string())),
        }
    }
}

/// While this lives, nobody else makes the same curves; also where their making panics.
struct Making {
    state: Arc<Mutex<State>>,
}

impl Making {
    fn keep(&self, drawn: Drawn) -> Arc<Drawn> {
        let drawn = Arc::new(drawn);
        self.state.lock().unwrap_or_else(PoisonError::into_inner).drawn = Some(Arc::clone(&drawn));
        drawn
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.making, state.made) = (false, Some(Instant::now()));
    }
}

fn draw(history: &ProtocolHistory, context: Context, digests: &Snapshot<Digest>, arms: Arms) -> Drawn {
    let rows = digests.iter().map(|(_, digest)| digest.row.clone()).collect();
    let results = arms.results(history, context, rows);
    let mains: Vec<_> = results.analyses.iter().filter(|one| one.main).map(|one| one.id.clone()).collect();
    let mut drawn = Drawn { head: digests.head.count, recruitment: String::new(), main: Vec::new() };
    for figure in report::drawn(&results) {
        if figure.name == "recruitment" {
            drawn.recruitment = figure.html;
        } else if figure.analysis.is_some_and(|id| mains.contains(&id)) {
            drawn.main.push(figure.html);
        }
    }
    drawn
}
