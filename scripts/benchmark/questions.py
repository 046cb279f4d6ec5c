"""The questions: one stream of each kind, and the fake that has its records."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any, Final

from attrs import field, frozen

from benchmark.paging import Params, Plain
from logferry.testing import CognigyFake, DailyFake, Fake, LogtoFake, SignalWireFake


@frozen(kw_only=True)
class Question:
    """
    One stream, read from its first record to its last.

    Attributes:
        stream: The stream's name.
        history: The special property of its history; empty for none.
        page: Records on a page.
        fake: Makes the service with a number of records; no record is added, and responses are not compressed.
        path: The path of the records.
        params: The query of the first page in the hand-written loop.
        headers: Headers that authorize; empty where a token has to be fetched.
        filters: The filters for logferry.
        sync_filters: The filters for a sync; ``None`` if the stream is not synced: a sync of calls reads all calls one by
            one, so its cost depends on how long they are.
        has_digest: Whether the ``uid`` of a record is a digest of the whole item.
    """

    stream: str
    history: str = ""
    page: int
    fake: Callable[[int], Fake]
    path: str
    params: Params
    headers: dict[str, str]
    filters: dict[str, str]
    sync_filters: dict[str, str] | None = field(factory=dict[str, str])
    has_digest: bool = False

    @property
    def name(self) -> str:
        """The stream's name, and the property of its history."""
        return f"{self.stream}, {self.history}" if self.history else self.stream

    @property
    def service(self) -> str:
        """The service's name."""
        return self.stream.partition(".")[0]

    def plain(self, url: str, records: int) -> Plain:
        """Return the question as plain data, with the address of the service."""
        basic = b64encode(f"{_LOGTO.app_id}:{_LOGTO.app_secret}".encode()).decode()
        return Plain(self.stream, url, self.path, self.params, self.headers, basic, records, self.name)


_LOGTO: Final = LogtoFake()
_DAILY: Final = DailyFake()
_SIGNALWIRE: Final = SignalWireFake()
_COGNIGY: Final = CognigyFake()
_CALL: Final = _DAILY.questions("daily.session_logs")[0]
_DAILY_KEY: Final = {"Authorization": f"Bearer {_DAILY.api_key}"}
_BASIC: Final = b64encode(f"{_SIGNALWIRE.project_id}:{_SIGNALWIRE.api_token}".encode()).decode()
_ALL_YEARS: Final[dict[str, Any]] = {"startDate": "2000-01-01T00:00:00.000Z", "endDate": "2030-01-01T00:00:00.000Z"}

QUESTIONS: Final = (
    Question(
        stream="daily.session_logs",
        page=1000,
        fake=lambda records: DailyFake(records=records, growing=False),
        path="/logs",
        params={"mtgSessionId": _CALL["mtg_session_id"], "order": "ASC", "limit": 1000, "offset": 0},
        headers=_DAILY_KEY,
        filters=dict(_CALL),
        sync_filters=None,
        has_digest=True,
    ),
    Question(
        stream="daily.api_logs",
        page=1000,
        fake=lambda records: DailyFake(records=records * 5 // 4, growing=False),  # a fifth of its logs are webhooks
        path="/logs/api",
        params={"limit": 1000},
        headers=_DAILY_KEY,
        filters={},
        sync_filters={"source": "api"},
    ),
    Question(
        stream="signalwire.video_logs",
        page=1000,
        fake=lambda records: SignalWireFake(records=records, growing=False),
        path="/api/video/logs",
        params={"page_size": 1000, "include_deleted": "true"},
        headers={"Authorization": f"Basic {_BASIC}"},
        filters={"include_deleted": "true"},
    ),
    Question(
        stream="logto.audit_logs",
        page=100,
        fake=lambda records: LogtoFake(records=records, growing=False, compression=False),
        path="/api/logs",
        params={"page": 1, "page_size": 100},
        headers={},
        filters={},
    ),
    Question(
        stream="logto.audit_logs",
        history="1000 a second",
        page=100,
        fake=lambda records: LogtoFake(records=records, growing=False, compression=False, spacing=0.001),
        path="/api/logs",
        params={"page": 1, "page_size": 100},
        headers={},
        filters={},
    ),
    Question(
        stream="cognigy.project_logs",
        page=100,
        fake=lambda records: CognigyFake(records=records, growing=False, spacing=20.0, retention=None),
        path=f"/v2.1/projects/{_COGNIGY.project_id}/logs",
        params={"limit": 100, **_ALL_YEARS},
        headers={"X-API-Key": _COGNIGY.api_key, "Accept": "application/json"},
        filters={},
    ),
)
