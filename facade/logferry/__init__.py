"""
logferry brings the logs of SaaS services home: typed, complete, each record once.

::

    import logferry

    with logferry.Logto(endpoint="https://acme.logto.app", app_id="...", app_secret="...") as logto:
        for record in logto.audit_logs(since="24h").records():
            print(record.timestamp, record.severity_text, record.body)

Names load when they are first used, so that ``import logferry`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from logferry._version import __version__

if TYPE_CHECKING:
    from logferry._accounts.selection import Skipped
    from logferry._client import Client
    from logferry._config.hooks import FailureEvent, IssueEvent, PageEvent, RequestEvent, RetryEvent
    from logferry._errors import (
        AuthenticationError,
        BadRequestError,
        CheckpointError,
        ConfigurationError,
        ConnectionFailedError,
        DeadlineExceededError,
        ExportError,
        InvalidRequestError,
        LogferryError,
        MissingPackageError,
        PagingError,
        PermissionDeniedError,
        RateLimitError,
        RequestTimeoutError,
        ResponseShapeError,
        ServiceError,
        StoreError,
    )
    from logferry._ferry.ferry import Ferry, open_accounts
    from logferry._ferry.follow import FerryFollow
    from logferry._ferry.merge import Arrival
    from logferry._ferry.records import FerryRecords
    from logferry._http.options import Timeouts
    from logferry._http.rate import Rate
    from logferry._http.retry import RetryPolicy
    from logferry._records.record import LogRecord
    from logferry._streams.page import Page
    from logferry._streams.runtime import Stats
    from logferry._streams.views import Stream, View
    from logferry._time.clock import Clock
    from logferry._time.timestamps import Time
    from logferry.services.cognigy import Cognigy
    from logferry.services.daily import Daily
    from logferry.services.logto import Logto
    from logferry.services.signalwire import SignalWire

_HOMES = {
    "_client": ("Client",),
    "_time.clock": ("Clock",),
    "_errors": (
        "AuthenticationError",
        "BadRequestError",
        "CheckpointError",
        "ConfigurationError",
        "ConnectionFailedError",
        "DeadlineExceededError",
        "ExportError",
        "InvalidRequestError",
        "LogferryError",
        "MissingPackageError",
        "PagingError",
        "PermissionDeniedError",
        "RateLimitError",
        "RequestTimeoutError",
        "ResponseShapeError",
        "ServiceError",
        "StoreError",
    ),
    "_ferry.records": ("FerryRecords",),
    "_ferry.ferry": ("Ferry", "open_accounts"),
    "_ferry.follow": ("FerryFollow",),
    "_ferry.merge": ("Arrival",),
    "_config.hooks": ("FailureEvent", "IssueEvent", "PageEvent", "RequestEvent", "RetryEvent"),
    "_streams.runtime": ("Stats",),
    "_http.options": ("Timeouts",),
    "_http.rate": ("Rate",),
    "_records.record": ("LogRecord",),
    "_http.retry": ("RetryPolicy",),
    "_accounts.selection": ("Skipped",),
    "_streams.page": ("Page",),
    "_streams.views": ("Stream", "View"),
    "_time.timestamps": ("Time",),
    "services.cognigy": ("Cognigy",),
    "services.daily": ("Daily",),
    "services.logto": ("Logto",),
    "services.signalwire": ("SignalWire",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Arrival",
    "AuthenticationError",
    "BadRequestError",
    "CheckpointError",
    "Client",
    "Clock",
    "Cognigy",
    "ConfigurationError",
    "ConnectionFailedError",
    "Daily",
    "DeadlineExceededError",
    "ExportError",
    "FailureEvent",
    "Ferry",
    "FerryFollow",
    "FerryRecords",
    "InvalidRequestError",
    "IssueEvent",
    "LogRecord",
    "LogferryError",
    "Logto",
    "MissingPackageError",
    "Page",
    "PageEvent",
    "PagingError",
    "PermissionDeniedError",
    "Rate",
    "RateLimitError",
    "RequestEvent",
    "RequestTimeoutError",
    "ResponseShapeError",
    "RetryEvent",
    "RetryPolicy",
    "ServiceError",
    "SignalWire",
    "Skipped",
    "Stats",
    "StoreError",
    "Stream",
    "Time",
    "Timeouts",
    "View",
    "__version__",
    "open_accounts",
]


if not TYPE_CHECKING:
    # Hidden from type checkers, which would take any name for one that exists.
    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
