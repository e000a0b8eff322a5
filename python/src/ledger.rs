//! The ledger reader: its events, its proof, its data sets and the results of its report.
//!
//! Never writes, and never derives: `office` reads, `exchange` makes the data sets, `analysis` the results. Each question opens the
//! ledger anew, read-only, so that it sees what a server has written since; nothing stays open between.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::vec::IntoIter;

use exchange::submission::{Collector, DataSet, Facts, Site, Standard, Study};
use jiff::Timestamp;
use jiff::civil::Date;
use ledger::{Address, Checkpoint, Events as Streamed, Head, Ledger as Store, PublicKey, Stored};
use office::{Arms, Reading};
use pyo3::exceptions::{PyException, PyFileNotFoundError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use tokio::runtime::Runtime;

use crate::input::wrong;
use crate::table;

pyo3::create_exception!(
    trialwright,
    LedgerError,
    PyException,
    "A ledger cannot be read: it is none, it is damaged or locked, it holds no protocol yet."
);

fn unreadable(error: ledger::Error) -> PyErr {
    match error {
        ledger::Error::NotFound { .. } => PyFileNotFoundError::new_err(error.to_string()),
        _ => LedgerError::new_err(error.to_string()),
    }
}

fn failed(error: office::Error) -> PyErr {
    match error {
        office::Error::Ledger(error) => unreadable(error),
        _ => LedgerError::new_err(error.to_string()),
    }
}

/// Runs a future to its end without Python's lock.
fn wait<T: Send>(
    py: Python<'_>,
    future: impl Future<Output = Result<T, ledger::Error>> + Send,
) -> PyResult<T> {
    let done = py.detach(|| office::block_on(future));
    done.map_err(|error| LedgerError::new_err(format!("no thread could be started: {error}")))?
        .map_err(unreadable)
}

/// What JSON says, as Python's own reader has it.
fn of_json<'py>(py: Python<'py>, json: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (json,))
}

/// A text, or a date or time as Python writes it.
fn written(what: &str, value: &Bound<'_, PyAny>, right: &str) -> PyResult<String> {
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(text.to_string());
    }
    let text = value.call_method0("isoformat").and_then(|text| text.extract::<String>());
    text.map_err(|_| wrong(format!("`{what}` is {value}: {right}")))
}

/// A moment: a day, to its end, or a moment with its offset.
fn moment(value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Timestamp>> {
    let Some(value) = value else { return Ok(None) };
    let right = "a day (\"2027-01-31\", datetime.date) or a moment with its offset (\"2027-01-31T12:00Z\", an aware \
                 datetime) is needed";
    let text = written("as_of", value, right)?;
    let refuse = || wrong(format!("`as_of` is {text}: {right}"));
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(Some(moment));
    }
    let day = day_of(&text).ok_or_else(refuse)?;
    trial::date::end_of_day(day).map(Some).map_err(|_| refuse())
}

fn day(value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Date>> {
    let Some(value) = value else { return Ok(None) };
    let right = "a day (\"2027-01-31\", datetime.date) is needed";
    let text = written("cut", value, right)?;
    day_of(&text).map(Some).ok_or_else(|| wrong(format!("`cut` is {text}: {right}")))
}

/// A day and nothing more: a time of day would be lost.
fn day_of(text: &str) -> Option<Date> {
    text.parse().ok().filter(|_| text.len() == "2027-01-31".len())
}

/// The two clocks.
#[derive(Clone, Copy, PartialEq)]
struct Cuts {
    as_of: Option<Timestamp>,
    cut: Option<Date>,
}

impl Cuts {
    fn read(as_of: Option<&Bound<'_, PyAny>>, cut: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        Ok(Self { as_of: moment(as_of)?, cut: day(cut)? })
    }
}

/// What a verification found.
#[pyclass(frozen, get_all, module = "trialwright")]
pub struct Verification {
    /// Whether everything that can be checked holds.
    sound: bool,
    /// How many events there are.
    events: u64,
    /// The hash stored with the last, in hex.
    head: String,
    /// How many events do not fit.
    misfits: u64,
    /// The first thing that is wrong, in words; None where nothing is.
    first_fault: Option<String>,
    /// What was found of every checkpoint, in words.
    checkpoints: Vec<String>,
    /// What is wrong with the file or the database itself.
    file: Vec<String>,
    /// What is unusual and proves nothing.
    notes: Vec<String>,
    /// What no verification can know, in words.
    cannot_know: Vec<String>,
}

#[pymethods]
impl Verification {
    fn __repr__(&self) -> String {
        let sound = if self.sound { "True" } else { "False" };
        format!("Verification(sound={sound}, events={}, misfits={})", self.events, self.misfits)
    }
}

/// The events of a ledger, one after the other.
#[pyclass(module = "trialwright")]
pub struct EventIterator {
    source: Mutex<Source>,
}

enum Source {
    /// Those of one subject, read at once.
    Read(IntoIter<Stored>),
    /// All, read as they are asked for.
    Streamed { runtime: Runtime, events: Box<Streamed>, as_of: Option<Timestamp> },
    /// No more.
    Ended,
}

impl Source {
    fn next(&mut self) -> Result<Option<Stored>, ledger::Error> {
        match self {
            Self::Read(events) => Ok(events.next()),
            Self::Ended => Ok(None),
            Self::Streamed { runtime, events, as_of } => loop {
                let Some(event) = runtime.block_on(events.next()).transpose()? else { return Ok(None) };
                let Some(as_of) = as_of else { return Ok(Some(event)) };
                let value = event.event()?;
                let recorded = value["recorded"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
                if recorded.is_some_and(|recorded| recorded <= *as_of) {
                    return Ok(Some(event));
                }
            },
        }
    }

    /// Gives back its threads without waiting for them.
    fn end(&mut self) {
        if let Self::Streamed { runtime, events, .. } = std::mem::replace(self, Self::Ended) {
            drop(events);
            runtime.shutdown_background();
        }
    }
}

impl Drop for EventIterator {
    fn drop(&mut self) {
        self.source.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).end();
    }
}

#[pymethods]
impl EventIterator {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let next = py.detach(|| {
            let mut source = self.source.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let next = source.next();
            if !matches!(next, Ok(Some(_))) {
                source.end();
            }
            next
        });
        let Some(stored) = next.map_err(unreadable)? else { return Ok(None) };
        let event = PyDict::new(py);
        event.set_item("seq", stored.seq)?;
        event.set_item("hash", stored.hash.to_string())?;
        event.update(of_json(py, &stored.bytes)?.cast::<PyDict>()?.as_mapping())?;
        Ok(Some(event))
    }
}

/// A trial's ledger, opened for reading.
#[pyclass(frozen, module = "trialwright")]
pub struct Ledger {
    address: Address,
    /// The data sets that were asked for last: one pass over the trial makes them all.
    last: Mutex<Option<Made>>,
}

/// Data sets, of which ledger and under which cuts.
struct Made {
    head: Head,
    cuts: Cuts,
    sets: Arc<Vec<DataSet>>,
}

impl Ledger {
    fn reading(&self, as_of: Option<Timestamp>) -> PyResult<Reading> {
        office::open_reading(&self.address, as_of).map_err(failed)
    }

    /// The data sets of every standard.
    fn sets(&self, cuts: Cuts) -> PyResult<Arc<Vec<DataSet>>> {
        let reading = self.reading(cuts.as_of)?;
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(made) = last.as_ref().filter(|made| made.head == reading.head && made.cuts == cuts) {
            return Ok(made.sets.clone());
        }
        // Those of before go first: two of a large trial need not stand in memory at once.
        *last = None;
        let sets = Arc::new(made(&reading, cuts)?);
        *last = Some(Made { head: reading.head, cuts, sets: sets.clone() });
        Ok(sets)
    }
}

/// One pass over the subjects of a reading.
fn made(reading: &Reading, cuts: Cuts) -> PyResult<Vec<DataSet>> {
    let sites = reading.sites.iter().map(|site| Site {
        id: site.id.clone(),
        name: site.name.clone(),
        country: site.country.clone(),
    });
    let facts = Facts {
        sites: sites.collect(),
        simulated: reading.simulated,
        as_of: cuts.as_of,
        cut: cuts.cut,
        until: reading.until,
        head: Some(reading.head.hash.to_string()),
    };
    let study = Study::new(&reading.history, facts);
    let misfit = |misfit: exchange::table::Misfit| LedgerError::new_err(misfit.to_string());
    let mut collector =
        Collector::new(&study, &[Standard::Sdtm, Standard::Adam, Standard::Trace]).map_err(misfit)?;
    reading
        .for_each_record(|folded| study.subject(&folded.record), |subject| collector.take(&subject))
        .map_err(failed)?;
    collector.finish().map_err(misfit)
}

#[pymethods]
impl Ledger {
    /// Where it lies: the file's path, or the address of its database without the password.
    #[getter]
    fn path(&self) -> String {
        self.address.to_string()
    }

    /// Events in the ledger and the hash stored with the last, in hex.
    #[getter]
    fn head(&self, py: Python<'_>) -> PyResult<(u64, String)> {
        let head = wait(py, async {
            let store = Store::open_read_only(&self.address).await?;
            let head = store.head().await;
            store.close().await;
            head
        })?;
        Ok((head.count, head.hash.to_string()))
    }

    /// The protocol in force, as its file says it.
    #[getter]
    fn protocol<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let json = py.detach(|| {
            let reading = self.reading(None)?;
            serde_json::to_vec(reading.history.current())
                .map_err(|error| LedgerError::new_err(error.to_string()))
        })?;
        of_json(py, &json)
    }

    /// Whether the subjects are virtual.
    #[getter]
    fn simulated(&self, py: Python<'_>) -> PyResult<bool> {
        py.detach(|| Ok(self.reading(None)?.simulated))
    }

    /// Verifies every event against the one before it, and the checkpoints.
    ///
    /// `checkpoints` are lines of JSON kept outside the ledger, as `trialwright checkpoint` prints them; `trusted_key` the public
    /// key, in hex, that must have signed them. An altered ledger is no exception: look at `sound`.
    #[pyo3(signature = (*, checkpoints=None, trusted_key=None))]
    fn verify(
        &self,
        py: Python<'_>,
        checkpoints: Option<Vec<String>>,
        trusted_key: Option<&str>,
    ) -> PyResult<Verification> {
        let mut outside: Vec<Checkpoint> = Vec::new();
        for (place, line) in checkpoints.iter().flatten().enumerate() {
            let read = line.parse();
            outside
                .push(read.map_err(|error: ledger::Error| wrong(format!("`checkpoints` {place}: {error}")))?);
        }
        let key = trusted_key.map(str::parse::<PublicKey>).transpose();
        let key = key.map_err(|error| wrong(format!("`trusted_key`: {error}")))?;
        let found = wait(py, async {
            let store = Store::open_read_only(&self.address).await?;
            let found = store.verify(&outside, key, |_, _| ()).await;
            store.close().await;
            found
        })?;
        Ok(Verification {
            sound: found.is_sound(),
            events: found.head.count,
            head: found.head.hash.to_string(),
            misfits: found.misfits,
            first_fault: found.first_fault(),
            checkpoints: found.checkpoints.iter().map(ToString::to_string).collect(),
            file: found.file,
            notes: found.notes,
            cannot_know: found.limits,
        })
    }

    /// The subjects that events speak of, in order.
    #[pyo3(signature = (*, as_of=None))]
    fn subjects(&self, py: Python<'_>, as_of: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<String>> {
        let as_of = moment(as_of)?;
        wait(py, async {
            let store = Store::open_read_only(&self.address).await?;
            let mut blocks = store.subjects(as_of, 64);
            let mut subjects = Vec::new();
            while let Some(block) = blocks.next().await {
                subjects.extend(block?.into_iter().map(|(subject, _)| subject));
            }
            drop(blocks);
            store.close().await;
            Ok(subjects)
        })
    }

    /// The events, all or those of a subject, in the order they were recorded: dicts as the ledger stores them, with `seq` and
    /// `hash`.
    #[pyo3(signature = (subject=None, *, as_of=None))]
    fn events(
        &self,
        py: Python<'_>,
        subject: Option<&str>,
        as_of: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<EventIterator> {
        let as_of = moment(as_of)?;
        let source = if let Some(subject) = subject {
            let stored = wait(py, async {
                let store = Store::open_read_only(&self.address).await?;
                let stored = store.of_subject(subject, as_of).await;
                store.close().await;
                stored
            })?;
            Source::Read(stored.into_iter())
        } else {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .map_err(|error| LedgerError::new_err(format!("no thread could be started: {error}")))?;
            let opened = py.detach(|| {
                runtime.block_on(async { Ok(Store::open_read_only(&self.address).await?.all(1)) })
            });
            let events = Box::new(opened.map_err(unreadable)?);
            Source::Streamed { runtime, events, as_of }
        };
        Ok(EventIterator { source: Mutex::new(source) })
    }

    /// A data set of ADaM ("ADSL", "ADTTE", ..), of SDTM ("DM", "TR", ..) or "TRACE", as named arrays for `pandas.DataFrame`.
    ///
    /// Numbers are float64 (NaN where missing), whole numbers int64 where none is missing, days datetime64[D], moments
    /// datetime64[s], texts str objects (None where missing). `as_of` sees what was recorded by then, `cut` what had happened by
    /// then. Raises ValueError for a data set that is not there.
    #[pyo3(signature = (name, *, as_of=None, cut=None))]
    fn table<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        as_of: Option<&Bound<'py, PyAny>>,
        cut: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let cuts = Cuts::read(as_of, cut)?;
        let sets = py.detach(|| self.sets(cuts))?;
        let wanted = name.to_ascii_uppercase();
        let found = sets.iter().find(|set| set.table.name() == wanted).ok_or_else(|| {
            let known: Vec<&str> = sets.iter().map(|set| set.table.name()).collect();
            wrong(format!("`name` is {name:?}: one of {} is needed", known.join(", ")))
        })?;
        table::columns(py, &found.table)
    }

    /// The names of the data sets that `table` gives, with their labels.
    #[pyo3(signature = (*, as_of=None, cut=None))]
    fn tables<'py>(
        &self,
        py: Python<'py>,
        as_of: Option<&Bound<'py, PyAny>>,
        cut: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let cuts = Cuts::read(as_of, cut)?;
        let names = PyDict::new(py);
        for set in py.detach(|| self.sets(cuts))?.iter() {
            names.set_item(set.table.name(), set.table.label())?;
        }
        Ok(names)
    }

    /// ADTTE with one row a subject: USUBJID, TRTP, STRATAR, then for each parameter its AVAL and CNSR (`TSF_AVAL`, `TSF_CNSR`),
    /// NaN for a subject without it. AVAL is in days, the origin being day 1; the event was seen where CNSR is 0.
    #[pyo3(signature = (*, as_of=None, cut=None))]
    fn endpoints<'py>(
        &self,
        py: Python<'py>,
        as_of: Option<&Bound<'py, PyAny>>,
        cut: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let cuts = Cuts::read(as_of, cut)?;
        let sets = py.detach(|| self.sets(cuts))?;
        match sets.iter().find(|set| set.table.name() == "ADTTE") {
            Some(set) => table::endpoints(py, &set.table),
            None => Ok(PyDict::new(py)),
        }
    }

    /// All that the report says, as `results.json` says it. `as_of` and `cut` as `table`.
    #[pyo3(signature = (*, as_of=None, cut=None))]
    fn results<'py>(
        &self,
        py: Python<'py>,
        as_of: Option<&Bound<'py, PyAny>>,
        cut: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let cuts = Cuts::read(as_of, cut)?;
        let json = py.detach(|| {
            let reading = self.reading(cuts.as_of)?;
            let source = format!("ledger {}", self.address);
            let results = reading.results(Arms::Apart, cuts.cut, &source, |_| ()).map_err(failed)?;
            serde_json::to_vec(&results).map_err(|error| LedgerError::new_err(error.to_string()))
        })?;
        of_json(py, &json)
    }

    fn __repr__(&self) -> String {
        format!("Ledger({:?})", self.address.to_string())
    }
}

/// Opens a trial's ledger for reading.
///
/// `path` of an SQLite file, or the address of a PostgreSQL database (postgres://USER@HOST/DATABASE). Nothing is written, and a
/// server may be writing meanwhile: each question sees the ledger as it then stands.
///
/// Raises FileNotFoundError where there is none, LedgerError for what is no ledger, ValueError for an address that is none.
#[pyfunction]
#[pyo3(signature = (path))]
pub fn open(py: Python<'_>, path: PathBuf) -> PyResult<Ledger> {
    let address = match path.to_str().filter(|text| text.contains("://")) {
        Some(text) => Address::try_from(text).map_err(|error| wrong(format!("`path`: {error}")))?,
        None => Address::from(path),
    };
    wait(py, async {
        Store::open_read_only(&address).await?.close().await;
        Ok(())
    })?;
    Ok(Ledger { address, last: Mutex::new(None) })
}
