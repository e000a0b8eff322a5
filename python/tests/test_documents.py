"""What the documents show is what Python prints, beside a folder that `trialwright demo` made."""

import doctest
import re
from pathlib import Path

import pytest
from conftest import ROOT


@pytest.mark.parametrize("path", ["python/README.md", "docs/python.md"])
def test_document(path: str, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(demo.parent)
    text = re.sub(r"^```.*$", "", (ROOT / path).read_text(), flags=re.MULTILINE)
    examples = doctest.DocTestParser().get_doctest(text, {}, path, path, 0)
    assert len(examples.examples) > 2
    told: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(examples, out=told.append)
    assert not told, "".join(told)
