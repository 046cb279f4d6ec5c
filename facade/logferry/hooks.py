"""
What the hooks of clients and of ferries are called with.

``on_request``, ``on_retry``, ``on_page`` and ``on_issue`` are options of each client, ``on_failure`` is one of
``Ferry.follow``.  A hook is called on the thread or task where the event happens.
"""

from typing import TYPE_CHECKING

from logferry._lazy import lazy_names

if TYPE_CHECKING:
    from logferry._config.hooks import FailureEvent, IssueEvent, PageEvent, RequestEvent, RetryEvent

__all__ = ["FailureEvent", "IssueEvent", "PageEvent", "RequestEvent", "RetryEvent"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_names(globals(), {"_config.hooks": " ".join(__all__)})
