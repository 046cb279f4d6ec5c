"""
What streams and ferries report beside records, for annotations.

``stream.stats`` is a ``Stats``, ``ferry.records().skipped`` holds ``Skipped``, ``ferry.follow()`` yields ``Arrival``.
"""

from typing import TYPE_CHECKING

from logferry._lazy import lazy_names

if TYPE_CHECKING:
    from logferry._accounts.selection import Skipped
    from logferry._ferry.follow import Arrival
    from logferry._streams.plan import Stats

__all__ = ["Arrival", "Skipped", "Stats"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_names(
        globals(), {"_accounts.selection": "Skipped", "_ferry.follow": "Arrival", "_streams.plan": "Stats"}
    )
