"""A study of ClinicalTrials.gov (API version 2): the models must read it and give back all of it; and its numbers must add up."""

import json
import sys

from clinicaltrials.models.study import Study


def lost(given, read, at=""):
    if isinstance(given, dict):
        for key, value in given.items():
            if key not in read:
                yield f"{at}.{key} is no member that the registry knows"
            else:
                yield from lost(value, read[key], f"{at}.{key}")
    elif isinstance(given, list):
        if len(given) != len(read):
            yield f"{at}: {len(read)} of {len(given)}"
        for place, (one, other) in enumerate(zip(given, read)):
            yield from lost(one, other, f"{at}[{place}]")
    elif given != read:
        yield f"{at}: {given!r} became {read!r}"


def adds_up(section):
    """Started = completed + not completed, the reasons make up not completed, and nobody is affected who was not at risk."""
    for period in section["participantFlowModule"]["periods"]:
        numbers = {m["type"]: {a["groupId"]: int(a["numSubjects"]) for a in m["achievements"]} for m in period["milestones"]}
        for group, started in numbers["STARTED"].items():
            if started != numbers["COMPLETED"][group] + numbers["NOT COMPLETED"][group]:
                yield f"{group}: {started} started, but do not add up"
            reasons = sum(int(r["numSubjects"]) for d in period["dropWithdraws"] for r in d["reasons"] if r["groupId"] == group)
            if reasons != numbers["NOT COMPLETED"][group]:
                yield f"{group}: {reasons} reasons for {numbers['NOT COMPLETED'][group]} who did not complete"
    events = section["adverseEventsModule"]
    for event in events["seriousEvents"] + events["otherEvents"]:
        for stats in event["stats"]:
            if not stats["numAffected"] <= min(stats["numEvents"], stats["numAtRisk"]):
                yield f"{event['term']}: {stats}"
    if not any(outcome["type"] == "PRIMARY" for outcome in section["outcomeMeasuresModule"]["outcomeMeasures"]):
        yield "no primary outcome"


def main(file):
    given = json.load(open(file, encoding="utf-8"))
    study = Study.from_dict(given)
    faults = list(lost(given, study.to_dict()))
    section = given.get("resultsSection")
    if section:
        faults.extend(adds_up(section))
    for fault in faults[:20]:
        print(fault, file=sys.stderr)
    if faults:
        sys.exit(f"{len(faults)} faults")
    what = f"{len(section['outcomeMeasuresModule']['outcomeMeasures'])} outcomes" if section else "a record without results"
    print(f"ClinicalTrials.gov's models take {what}")


if __name__ == "__main__":
    main(sys.argv[1])
