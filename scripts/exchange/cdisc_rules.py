"""Runs CDISC's conformance rules of SDTMIG 3.4 on a folder of XPT files, by CDISC's own rules engine (CORE).

    python scripts/exchange/cdisc_rules.py SDTM_FOLDER EXPLAINED.md [RULE ...]

The engine and the rules are those of PyPI's cdisc-rules-engine 0.4.7.8, the last release that carries the rules; where the engine
itself is at fault, docs/cdisc-rules.md says how it is mended here. Every finding is held against the table of EXPLAINED.md (rule, data
set); ends with 1 where one is not explained there, or where nothing was checked. With rules named, only those are run."""

import copy
import multiprocessing
import pathlib
import pickle
import re
import sys
import warnings

warnings.simplefilter("ignore")

import cdisc_rules_engine
import pandas as pd
from cdisc_rules_engine.config import config
from cdisc_rules_engine.models.rule_conditions import ConditionCompositeFactory
from cdisc_rules_engine.operations.distinct import Distinct
from cdisc_rules_engine.rules_engine import RulesEngine
from cdisc_rules_engine.services import logger
from cdisc_rules_engine.services.cache import InMemoryCacheService
from cdisc_rules_engine.services.data_services import DataServiceFactory

logger.disabled = True
TERMS = "sdtmct-2022-06-24"  # the newest controlled terminology that the release carries
NOT_THERE = "Column not found in data"


class Cache(InMemoryCacheService):
    """The engine keeps the result of an operation on one data set and gives it for another: it keeps none here."""

    def add(self, cache_key, data):
        if not str(cache_key).startswith("operations/"):
            super().add(cache_key, data)


def mend():
    """Two more faults of that release: see docs/cdisc-rules.md."""
    whole, column = Distinct._execute_operation, pd.DataFrame.__getitem__

    def distinct(self):
        result = whole(self)
        if self.params.grouping or len(result) == 0:
            return result
        return pd.Series([result.iloc[0]] * len(self.evaluation_dataset), index=self.evaluation_dataset.index)

    Distinct._execute_operation = distinct
    pd.DataFrame.__getitem__ = lambda self, key: column(self, sorted(key) if isinstance(key, set) else key)


mend()
cache = Cache()
for file in sorted((pathlib.Path(cdisc_rules_engine.__file__).parent / "resources" / "cache").glob("*.pkl")):
    with open(file, "rb") as opened:
        cache.add_all(pickle.load(opened))
folder, explained = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
service = DataServiceFactory(config, cache).get_data_service()
datasets = [{"domain": f.stem.upper(), "filename": f.name, "full_path": str(f)} for f in sorted(folder.glob("*.xpt"))]
engine = RulesEngine(cache, service, config, standard="sdtmig", standard_version="3-4", ct_package=[TERMS])


def short(rule):
    return rule["core_id"].rsplit(".", 1)[-1]


def run(rule):
    """What the rule says of each data set: (rule, data set, outcome, how often, first)."""
    told = []
    for data in datasets:
        mine = copy.deepcopy(rule)
        mine["conditions"] = ConditionCompositeFactory.get_condition_composite(mine["conditions"])
        for found in engine.validate_single_rule(mine, data["full_path"], datasets, data["domain"]) or []:
            errors = found["errors"]
            if not errors:
                told.append((short(rule), data["domain"], found["executionStatus"], 0, ""))
            elif "error" not in errors[0]:
                told.append((short(rule), data["domain"], "finding", len(errors), f"{found['message']} {errors[0]}"))
            elif errors[0]["error"] == NOT_THERE:
                told.append((short(rule), data["domain"], "column not there", 0, ""))
            else:
                told.append((short(rule), data["domain"], "engine failed", 1, errors[0]["message"]))
    return told


def explanations():
    """The rows of the table: rule, and the data sets it is explained for."""
    known = {}
    for line in explained.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if len(cells) >= 4 and re.fullmatch(r"CG\d{4}", cells[0]) and cells[-1]:
            known.setdefault(cells[0], set()).update(name.strip() for name in cells[1].split(","))
    return known


def main():
    wanted = set(sys.argv[3:])
    rules = [rule for rule in cache.get_all_by_prefix("rules/sdtmig/3-4/") if not wanted or short(rule) in wanted]
    rules.sort(key=short)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        told = [line for lines in pool.imap(run, rules, chunksize=4) for line in lines]
    by = {}
    for _, _, outcome, _, _ in told:
        by[outcome] = by.get(outcome, 0) + 1
    known, wrong = explanations(), 0
    for rule, domain, outcome, count, first in told:
        if outcome not in ("finding", "engine failed"):
            continue
        said = domain in known.get(rule, ())
        wrong += not said
        print(f"{rule} {domain}: {outcome}, {count}{'' if said else ', NOT EXPLAINED: ' + first[:400]}")
    passed = len({(rule, domain) for rule, domain, outcome, _, _ in told if outcome == "success"})
    print(f"{len(rules)} rules of SDTMIG 3.4 on {len(datasets)} data sets, terms {TERMS}: "
          + ", ".join(f"{outcome} {count}" for outcome, count in sorted(by.items())))
    print(f"{wrong} findings that {explained.name} does not explain")
    return 1 if wrong or passed == 0 else 0


sys.exit(main())
