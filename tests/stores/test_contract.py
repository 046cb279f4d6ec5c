"""Every store does what a store has to, and the suite notices where one does not."""

from __future__ import annotations

import pytest

from logferry.testing.stores import CHECKS, Case, Check


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_store(check: Check, case: Case) -> None:
    """Each check of the public suite passes for each store."""
    check(case)
