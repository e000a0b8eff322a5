//! Counts for whoever operates the server, in the `OpenMetrics` text that Prometheus reads.
//!
//! Never a label that names a person, a subject or a site: a request is counted under the template of its route.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// One kind of request.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Labels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabel {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TrialLabel {
    trial: String,
}

/// The counts.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    seconds: Family<RouteLabel, Histogram, fn() -> Histogram>,
    events: Family<TrialLabel, Gauge>,
    subjects: Family<TrialLabel, Gauge>,
    ready: Family<TrialLabel, Gauge>,
}

/// From a millisecond to ten seconds.
fn histogram() -> Histogram {
    Histogram::new([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0])
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("trialwright");
        let requests = Family::default();
        let seconds = Family::new_with_constructor(histogram as fn() -> Histogram);
        let (events, subjects, ready) = (Family::default(), Family::default(), Family::default());
        registry.register("requests", "Requests answered", requests.clone());
        registry.register("request_seconds", "Time to answer a request", seconds.clone());
        registry.register("events", "Events in the ledger", events.clone());
        registry.register("subjects", "Subjects screened", subjects.clone());
        registry.register("board_ready", "1 where every subject's digest is made", ready.clone());
        Self { registry, requests, seconds, events, subjects, ready }
    }
}

impl Metrics {
    /// A request was answered.
    pub(crate) fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let labels = Labels { method: method.to_owned(), route: route.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
        self.seconds.get_or_create(&RouteLabel { route: route.to_owned() }).observe(took.as_secs_f64());
    }

    /// Where a trial stands.
    pub(crate) fn trial(&self, trial: &str, events: u64, subjects: u64, ready: bool) {
        let label = TrialLabel { trial: trial.to_owned() };
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.events.get_or_create(&label).set(number(events));
        self.subjects.get_or_create(&label).set(number(subjects));
        self.ready.get_or_create(&label).set(i64::from(ready));
    }

    /// The text that a Prometheus server reads.
    pub(crate) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
