"""The ledger reader, held against the binary: the same ledger, the same events, data sets and results."""

import datetime as dt
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import run
from numpy.testing import assert_allclose, assert_array_equal

import trialwright as tw


@pytest.fixture(scope="session")
def ledger(demo: Path) -> tw.Ledger:
    return tw.open(demo / "trial.sqlite")


@pytest.fixture(scope="session")
def results(demo: Path) -> Any:
    return json.loads((demo / "report" / "results.json").read_text())


def test_events(ledger: tw.Ledger, results: Any) -> None:
    events = list(ledger.events())
    assert len(events) == results["about"]["events"] == ledger.head[0]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["kind"] == "protocol_adopted"
    assert events[-1]["hash"] == ledger.head[1] == results["about"]["head"]
    subject = ledger.subjects()[0]
    assert list(ledger.events(subject)) == [event for event in events if event.get("subject") == subject]
    assert set(ledger.subjects()) == {event["subject"] for event in events if event.get("subject")}
    assert list(ledger.events("nobody")) == []


def test_events_may_be_left_unread(ledger: tw.Ledger) -> None:
    for _ in range(20):
        assert next(ledger.events())["seq"] == 1
    ended = ledger.events(as_of="2000-01-01")
    assert list(ended) == list(ended) == []


def test_as_of(ledger: tw.Ledger) -> None:
    day = ledger.results()["about"]["last_recorded"][:4] + "-01-01"
    known = [event for event in ledger.events() if event["recorded"] <= f"{day}T23:59:59.999999999Z"]
    assert 0 < len(known) < ledger.head[0]
    for moment in (day, dt.date.fromisoformat(day), f"{day}T23:59:59Z"):
        assert list(ledger.events(as_of=moment)) == known
    aware = dt.datetime.fromisoformat(f"{day}T23:59:59+00:00")
    assert list(ledger.events(as_of=aware)) == known
    with pytest.raises(ValueError, match="moment with its offset"):
        ledger.events(as_of=aware.replace(tzinfo=None))
    with pytest.raises(ValueError, match="`cut` is"):
        ledger.results(cut=f"{day}T12:00Z")


def test_verify(ledger: tw.Ledger, demo: Path, tmp_path: Path) -> None:
    checkpoint = (demo / "checkpoint.jsonl").read_text().strip()
    found = ledger.verify(checkpoints=[checkpoint])
    assert found.sound
    assert found.first_fault is None
    assert (found.events, found.head) == ledger.head
    copy = tmp_path / "altered.sqlite"
    shutil.copy(demo / "trial.sqlite", copy)
    with sqlite3.connect(copy) as store:
        for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            store.execute(f'DROP TRIGGER "{name}"')
        store.execute("UPDATE events SET bytes = CAST(replace(CAST(bytes AS TEXT), '1', '2') AS BLOB) WHERE seq = 40")
    altered = tw.open(copy).verify()
    assert not altered.sound
    assert altered.misfits >= 1
    assert "40" in str(altered.first_fault)
    with pytest.raises(ValueError, match="`checkpoints` 0"):
        ledger.verify(checkpoints=["{}"])


def test_results_are_those_of_the_report(ledger: tw.Ledger, results: Any, demo: Path) -> None:
    found = ledger.results()
    assert found.pop("about") | {"source": ""} == results["about"] | {"source": ""}
    assert found == {key: value for key, value in results.items() if key != "about"}
    cut = json.loads(run("report", demo / "trial.sqlite", "--json", "--as-of", "2027-06-30", "--cut", "2026-12-31"))
    assert ledger.results(as_of="2027-06-30", cut=dt.date(2026, 12, 31))["analyses"] == cut["analyses"]


def test_tables_are_those_of_the_export(ledger: tw.Ledger, demo: Path, tmp_path: Path) -> None:
    run("export", demo / "trial.sqlite", "--to", tmp_path, "--format", "csv")
    files = {path.stem.upper(): path for path in tmp_path.glob("csv/*/*.csv")}
    assert set(files) == set(ledger.tables())
    for name in ("ADSL", "ADTTE", "ADRS", "DM", "TR"):
        expected = pd.read_csv(files[name], dtype=str, keep_default_na=False)
        found = pd.DataFrame(ledger.table(name.lower()))
        assert list(found) == list(expected)
        for column in found:
            values, texts = found[column], expected[column]
            if values.dtype == object:
                assert list(values.fillna("")) == list(texts)
            elif values.dtype.kind == "M":
                shown = values.dt.strftime("%Y-%m-%d").fillna("")
                assert list(shown) == [text[:10] for text in texts]
            else:
                assert_array_equal(values.astype(float), [float(text or "nan") for text in texts])
    with pytest.raises(ValueError, match='`name` is "NONE": one of .*ADTTE'):
        ledger.table("NONE")


def test_hazard_ratios_from_adtte(ledger: tw.Ledger, results: Any) -> None:
    adtte = pd.DataFrame(ledger.table("ADTTE"))
    labels = {arm["id"]: arm["label"] for arm in results["arms"]}
    compared = 0
    for analysis in results["analyses"]:
        comparison = analysis["comparison"]
        if not comparison or not comparison["hazard_ratio"]:
            continue
        arms = [labels[comparison["control"]], labels[comparison["arm"]]]
        reads = adtte["ANALYSES"].map(lambda text, own=analysis["id"]: own in text.split())
        d = adtte[reads & adtte["TRTP"].isin(arms)]
        strata = d["STRATAR"] if analysis["stratified"] else None
        treated, event = d["TRTP"] == arms[1], d["CNSR"] == 0
        ties = analysis["ties"].lower()
        fit = tw.cox(d["AVAL"], event, {"arm": treated}, ties=ties, strata=strata, level=analysis["confidence"])
        ratio = comparison["hazard_ratio"]
        found = [fit.hazard_ratios[0], fit.lower[0], fit.upper[0], fit.p_values[0]]
        assert_allclose(found, [ratio["value"], ratio["lower"], ratio["upper"], comparison["wald_p"]], rtol=1e-12)
        test = tw.logrank(d["AVAL"], event, treated, strata=strata)
        assert_allclose(test.statistic, comparison["logrank_chisq"], rtol=1e-12)
        compared += 1
    assert compared >= 10
    assert results["analyses"][0]["primary"]


def test_endpoints_are_adtte_side_by_side(ledger: tw.Ledger) -> None:
    wide, long = pd.DataFrame(ledger.endpoints()), pd.DataFrame(ledger.table("ADTTE"))
    assert wide["USUBJID"].is_unique
    for parameter, rows in long.groupby("PARAMCD"):
        merged = wide.merge(rows, on="USUBJID", how="left")
        assert_allclose(merged[f"{parameter}_AVAL"], merged["AVAL"])
        assert_allclose(merged[f"{parameter}_CNSR"], merged["CNSR"])
    assert (wide["TSF_AVAL"].notna()).all()


def test_protocol(ledger: tw.Ledger) -> None:
    assert ledger.protocol["trial"]["id"] == "AVATAR II"
    assert ledger.simulated
    assert [arm["id"] for arm in ledger.protocol["arms"]] == ["A", "B"]


def test_reads_while_another_writes_and_never_writes(demo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "trial"
    shutil.copytree(demo, folder)
    ledger = tw.open(folder / "trial.sqlite")
    with sqlite3.connect(folder / "trial.sqlite") as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert ledger.verify().sound
        assert len(ledger.subjects()) > 0
        assert isinstance(np.asarray(ledger.table("ADTTE")["AVAL"])[0], float)


def test_not_a_ledger(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file"):
        tw.open(tmp_path / "none.sqlite")
    other = tmp_path / "other.txt"
    other.write_text("text")
    with pytest.raises(tw.LedgerError, match="not a ledger"):
        tw.open(str(other))
    with pytest.raises(ValueError, match="`path`: the address names no database"):
        tw.open("postgres://x")
