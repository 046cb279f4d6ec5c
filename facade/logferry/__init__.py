"""
logferry brings the logs of SaaS services home: typed, complete, each record once.

::

    import logferry

    with logferry.Logto(endpoint="https://acme.logto.app", app_id="...", app_secret="...") as logto:
        for record in logto.audit_logs(since="24h").records():
            print(record.timestamp, record.severity_text, record.body)

Names load when they are first used, so that ``import logferry`` costs next to nothing.
"""

from typing import TYPE_CHECKING

from logferry._lazy import lazy_names
from logferry._version import __version__

if TYPE_CHECKING:
    from logferry._client import Client
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
    from logferry._ferry.records import FerryRecords
    from logferry._http.options import Timeouts
    from logferry._http.rate import Rate
    from logferry._http.retry import RetryPolicy
    from logferry._records.record import LogRecord
    from logferry._streams.views import Page, Stream, View
    from logferry._time.timestamps import Time
    from logferry.services.cognigy import Cognigy
    from logferry.services.daily import Daily
    from logferry.services.logto import Logto
    from logferry.services.signalwire import SignalWire

_HOMES = {
    "_client": "Client",
    "_errors": """
        AuthenticationError BadRequestError CheckpointError ConfigurationError ConnectionFailedError DeadlineExceededError
        ExportError InvalidRequestError LogferryError MissingPackageError PagingError PermissionDeniedError RateLimitError
        RequestTimeoutError ResponseShapeError ServiceError StoreError
    """,
    "_ferry.ferry": "Ferry open_accounts",
    "_ferry.follow": "FerryFollow",
    "_ferry.records": "FerryRecords",
    "_http.options": "Timeouts",
    "_http.rate": "Rate",
    "_http.retry": "RetryPolicy",
    "_records.record": "LogRecord",
    "_streams.views": "Page Stream View",
    "_time.timestamps": "Time",
    "services.cognigy": "Cognigy",
    "services.daily": "Daily",
    "services.logto": "Logto",
    "services.signalwire": "SignalWire",
}
_MOVED = {
    "hooks": "FailureEvent IssueEvent PageEvent RequestEvent RetryEvent",
    "results": "Arrival Skipped Stats",
    "testing": "Clock",
}
"""Names that left the top: programs need them for annotations alone."""

__all__ = [
    "AuthenticationError",
    "BadRequestError",
    "CheckpointError",
    "Client",
    "Cognigy",
    "ConfigurationError",
    "ConnectionFailedError",
    "Daily",
    "DeadlineExceededError",
    "ExportError",
    "Ferry",
    "FerryFollow",
    "FerryRecords",
    "InvalidRequestError",
    "LogRecord",
    "LogferryError",
    "Logto",
    "MissingPackageError",
    "Page",
    "PagingError",
    "PermissionDeniedError",
    "Rate",
    "RateLimitError",
    "RequestTimeoutError",
    "ResponseShapeError",
    "RetryPolicy",
    "ServiceError",
    "SignalWire",
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
    __getattr__, __dir__ = lazy_names(globals(), _HOMES, _MOVED)
