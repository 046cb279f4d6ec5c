"""Every store fulfils the contract of stores, and the suite detects violations."""

from __future__ import annotations

import pytest

from logferry.testing.stores import CHECKS, Case, Check


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_store_passes_the_suite(check: Check, case: Case) -> None:
    """Each store passes each check of the public suite."""
    check(case)
