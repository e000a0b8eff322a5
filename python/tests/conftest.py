"""What the tests share: R's reference values, and a virtual trial made by the project's own binary."""

import csv
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "crates" / "survival" / "tests" / "data"
Columns = dict[str, NDArray[np.float64]]


def columns(path: str) -> Columns:
    """Read a data set of numbers among the reference data of `survival`."""
    with (REFERENCE / path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def reference(path: str) -> Any:
    """Read what R says of it."""
    return json.loads((REFERENCE / path).read_text())


def binary() -> Path:
    """Find the project's binary: `TRIALWRIGHT`, or what cargo built last."""
    named = os.environ.get("TRIALWRIGHT")
    built = [ROOT / "target" / profile / "trialwright" for profile in ("release", "debug")]
    found = [path for path in ([Path(named)] if named else built) if path.is_file()]
    if not found:
        pytest.fail("no binary `trialwright`: build it with cargo, or name it in TRIALWRIGHT")
    return found[0].resolve()


def run(*arguments: str | Path) -> str:
    """Run the binary and give what it prints."""
    command = [str(binary()), *(str(argument) for argument in arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the demo's folder: a ledger, its checkpoint, its report."""
    folder = tmp_path_factory.mktemp("python") / "trialwright-demo"
    run("demo", "--dir", folder)
    return folder
