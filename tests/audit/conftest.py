"""Audits without a model, for the tests of their page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from audit_folder import Build, build_audit


@pytest.fixture
def make_audit(tmp_path: Path) -> Callable[..., Path]:
    """Makes an audit folder in a new place: `make_audit(n=8, hostile=False)`."""
    made = 0

    def make(**how: Any) -> Path:
        nonlocal made
        made += 1
        return build_audit(Build(tmp_path / f"run-{made}", **how))

    return make


@pytest.fixture(scope="session")
def whole_audit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A large and hostile audit with all readers, made once and read only."""
    from solidmark.reporting import write_report

    audit = build_audit(Build(tmp_path_factory.mktemp("whole")))
    write_report(audit)
    return audit
