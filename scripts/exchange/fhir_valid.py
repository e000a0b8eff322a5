"""Every line of every NDJSON file of a folder as a FHIR resource: fhir.resources must read it and give back all that it holds."""

import collections
import importlib
import json
import pathlib
import re
import sys


def same(given, read, at=""):
    """What the model dropped or changed; numbers are equal by value, dates and moments as written."""
    if isinstance(given, dict):
        for key, value in given.items():
            if key not in read:
                yield f"{at}.{key} was dropped"
            else:
                yield from same(value, read[key], f"{at}.{key}")
    elif isinstance(given, list):
        if len(given) != len(read):
            yield f"{at} has {len(read)} entries of {len(given)}"
        for place, (one, other) in enumerate(zip(given, read)):
            yield from same(one, other, f"{at}[{place}]")
    elif isinstance(given, (int, float)) and not isinstance(given, bool):
        if float(given) != float(read):
            yield f"{at}: {given} became {read}"
    elif given != read:
        yield f"{at}: {given!r} became {read!r}"


def main(folder):
    counts, faults, known, references = collections.Counter(), [], set(), []
    for file in sorted(pathlib.Path(folder).glob("*.ndjson")):
        module = importlib.import_module(f"fhir.resources.R4B.{file.stem.lower()}")
        model = getattr(module, file.stem)
        for number, line in enumerate(file.open(encoding="utf-8"), 1):
            given = json.loads(line)
            at = f"{file.name}, line {number}"
            try:
                resource = model.model_validate_json(line)
            except Exception as wrong:  # noqa: BLE001  the library raises several kinds
                faults.append(f"{at}: {wrong}")
                continue
            faults.extend(f"{at}: {text}" for text in same(given, json.loads(resource.model_dump_json())))
            counts[file.stem] += 1
            name = f"{file.stem}/{given['id']}"
            if name in known:
                faults.append(f"{at}: {name} stands twice")
            known.add(name)
            references.extend((at, target) for target in re.findall(r'"reference": ?"([^"]+)"', line))
    faults.extend(f"{at}: refers to {target}, which is not there" for at, target in references if target not in known)
    for kind, count in sorted(counts.items()):
        print(f"{kind}: {count} accepted")
    for fault in faults[:20]:
        print(fault, file=sys.stderr)
    if faults or not counts:
        sys.exit(f"{len(faults)} faults in {sum(counts.values())} resources")
    print(f"{sum(counts.values())} resources of {len(counts)} types accepted, {len(references)} references lead to one of them")


if __name__ == "__main__":
    main(sys.argv[1])
