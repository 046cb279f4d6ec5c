"""The logs of the fake Logto, computed from their number, so that a million of them need no memory."""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from typing import Any, overload

import attrs
import orjson

__all__ = ["History", "Selection", "shuffled"]

_MILLISECOND = 1_000_000

# Ids are 21 hexadecimal digits: an affine map of the record's number modulo 2**84. With an odd factor it can be
# inverted, so that an id leads back to its record without a search.
_ID_MASK = (1 << 84) - 1
_ID_FACTOR = 0x9E3779B97F4A7C15F39CD
_ID_INVERSE = pow(_ID_FACTOR, -1, 1 << 84)
_WEBHOOK = 1 << 60
"""Records from here on are webhook logs; they have ids and are never listed."""

_TIE_SHARE = 13 / 403
"""How many neighbours share their millisecond (measured on Logto 1.42.0)."""

_MASKED = "******"


def _as_of(release: tuple[int, int], payload: dict[str, Any]) -> dict[str, Any]:
    """Return a payload recorded on 1.42 as `release` writes it."""
    payload = dict(payload)
    if release < (1, 42) and "signInContext" in payload:
        payload = {("injectedHeaders" if key == "signInContext" else key): value for key, value in payload.items()}
    if release < (1, 37) and isinstance(payload.get("params"), dict):
        # Measured on 1.36.0: tokens are in clear, client_secret is left out, and parameters that were not sent are
        # absent.
        params = payload["params"]
        sent = {"RevokeToken": "token", "ExchangeTokenBy.RefreshToken": "refresh_token"}.get(payload["key"])
        payload["params"] = {
            key: "Xh2vKq0m8sLr5TzN-made-up-token" if value == _MASKED else value
            for key, value in params.items()
            if value != _MASKED or key == sent
        }
    return payload


def _webhook_payload() -> dict[str, Any]:
    # Made up: webhook logs were never recorded, since no list returns them.
    body = {"event": "PostSignIn", "hookId": "made-up-hook", "createdAt": "2026-01-01T00:00:00.000Z"}
    return {
        "key": "TriggerHook.PostSignIn",
        "result": "Success",
        "hookId": "made-up-hook",
        "hookRequest": {"body": body},
        "response": {"statusCode": 200, "body": ""},
    }


@attrs.frozen(eq=False)
class Selection(Sequence[str]):
    """
    The ids of the logs that match a filter, newest first, computed on access.

    Attributes:
        history: The history.
        positions: The indices in the cycle that match, ascending.
        first: Rank of the oldest match inside the window, counted among all matches from the first log on.
        end: Rank after the newest.
    """

    history: "History"
    positions: Sequence[int]
    first: int
    end: int

    def __len__(self) -> int:
        return max(self.end - self.first, 0)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        """Return the id, or the ids, at `index`; 0 is the newest."""
        if isinstance(index, slice):
            return [self.history.id_of(number) for number in self.numbers(range(len(self))[index])]
        return self.history.id_of(next(self.numbers((range(len(self))[index],))))

    def shuffled(self, places: Sequence[int], salt: str) -> list[int]:
        """Map each index to that of the log that stands there when *salt* decides the order of ties."""
        time_at: Callable[[int], int] = lambda other: self.history.created_at(next(self.numbers((other,))))  # noqa: E731
        return shuffled(places, len(self), time_at, salt)

    def page(self, places: Sequence[int]) -> bytes:
        """Return the logs at these indices as a JSON array."""
        return self.history.page(self.numbers(places))

    def numbers(self, places: Sequence[int]) -> Iterator[int]:
        """Yield the number of the log at each index; index 0 is the newest."""
        length, positions, last = self.history.length, self.positions, self.end - 1
        width = len(positions)
        for place in places:
            block, rest = divmod(last - place, width)
            yield block * length + positions[rest]


def shuffled(places: Sequence[int], length: int, time_at: Callable[[int], int], salt: str) -> list[int]:
    """
    Map each of the ascending *places* to the index of the log that stands there when *salt* decides the order of ties.

    Args:
        places: Some of ``range(length)``.
        length: Number of logs.
        time_at: Returns the sort time of an index.
        salt: Decides the order of logs of one time.
    """
    found: list[int] = []
    group, order = range(0), list[int]()
    for place in places:
        if place not in group:
            time, first, end = time_at(place), place, place + 1
            while first > 0 and time_at(first - 1) == time:
                first -= 1
            while end < length and time_at(end) == time:
                end += 1
            group = range(first, end)
            order = random.Random(f"{salt} {time}").sample(group, len(group))  # noqa: S311 - equal on every run
        found.append(order[place - group.start])
    return found


class History:
    """
    All past and future logs of the service, oldest first from number 0.

    The recorded kinds repeat in one order, so that arithmetic counts the matches of a filter.

    Args:
        records: Number of logs at `epoch`.
        epoch: Time of the newest of them, in nanoseconds since 1970-01-01 UTC; truncated to milliseconds.
        spacing: Mean time between two logs, in seconds.
        growing: Whether logs keep arriving after `epoch`.
        seed: Decides order, times and ids.
        tenant: `tenantId` of every log.
        release: Major and minor release whose shape the logs have.
    """

    def __init__(
        self,
        *,
        records: int,
        epoch: int,
        spacing: float,
        growing: bool,
        seed: int,
        tenant: str,
        release: tuple[int, int],
    ) -> None:
        chance = random.Random(seed)  # noqa: S311 - test data has to be the same on every run
        recorded = orjson.loads((files("logferry.testing.logto") / "templates.json").read_bytes())
        payloads = [_as_of(release, payload) for payload in recorded["payloads"]]
        self._cycle: list[dict[str, Any]] = [payloads[kind] for kind in recorded["cycle"]]
        chance.shuffle(self._cycle)
        self._bodies = [_body(payload) for payload in self._cycle]
        self._webhook_body = _body(_webhook_payload())
        self.length: int = len(self._cycle)
        self._span = max(round(self.length * spacing * 1000), 1)
        self._offsets = _offsets(self.length, self._span, chance)
        self._head = b'{"tenantId":%b,"id":"' % orjson.dumps(tenant)
        self._id_shift = chance.getrandbits(84)
        self._records = records
        self._growing = growing
        self._start = 0
        self._start = epoch // _MILLISECOND - self.created_at(records - 1)

    def created_at(self, number: int) -> int:
        """Return when log `number` was written, in milliseconds since 1970-01-01 UTC."""
        block, place = divmod(number, self.length)
        return self._start + block * self._span + self._offsets[place]

    def before(self, moment: float) -> int:
        """Return the number of logs ever written before `moment`, in milliseconds since 1970-01-01 UTC."""
        block, rest = divmod(moment - self._start, self._span)
        return max(int(block) * self.length + bisect_left(self._offsets, rest), 0)

    def until(self, moment: float) -> int:
        """Return the number of logs ever written up to `moment`, inclusive, in milliseconds since 1970-01-01 UTC."""
        block, rest = divmod(moment - self._start, self._span)
        return max(int(block) * self.length + bisect_right(self._offsets, rest), 0)

    def existing(self, now: int) -> int:
        """Return the number of logs at `now`, in nanoseconds since 1970-01-01 UTC."""
        count = self.until(now // _MILLISECOND)
        return count if self._growing else min(count, self._records)

    def select(
        self,
        first: int,
        end: int,
        *,
        user_id: str | None = None,
        application_id: str | None = None,
        log_key: str | None = None,
    ) -> Selection:
        """Select the logs with numbers from `first` up to `end` that match every filter given."""
        positions = self.kinds(user_id=user_id, application_id=application_id, log_key=log_key)

        def rank(number: int) -> int:
            block, place = divmod(number, self.length)
            return block * len(positions) + bisect_left(positions, place)

        return Selection(self, positions, rank(max(first, 0)), rank(max(end, 0)))

    def kinds(
        self, *, user_id: str | None = None, application_id: str | None = None, log_key: str | None = None
    ) -> Sequence[int]:
        """Return the indices in the cycle, ascending, whose logs match every filter given."""
        wanted = {"userId": user_id, "applicationId": application_id, "key": log_key}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        if not wanted:
            return range(self.length)
        return [
            place
            for place, payload in enumerate(self._cycle)
            if all(payload.get(name) == value for name, value in wanted.items())
        ]

    def id_of(self, number: int) -> str:
        """Return the id of log `number`: 21 characters."""
        return f"{(number * _ID_FACTOR + self._id_shift) & _ID_MASK:021x}"

    def webhook_id(self, number: int) -> str:
        """Return the id of webhook log `number`; one is written together with each log."""
        return self.id_of(_WEBHOOK + number)

    def number_at(self, log_id: str) -> int | None:
        """Return the number of the log with an id, or `None` where no log can have it."""
        try:
            number = (int(log_id, 16) - self._id_shift) * _ID_INVERSE & _ID_MASK
        except ValueError:
            return None
        return number if self.id_of(number) == log_id else None  # int() accepts signs, underscores and capitals

    def item(self, log_id: str, now: int) -> bytes | None:
        """Return the log with this id as JSON, webhook logs included, or `None` if there is none at `now`."""
        number = self.number_at(log_id)
        if number is None or number % _WEBHOOK >= self.existing(now):
            return None
        created = self.created_at(number % _WEBHOOK)
        return self.log(log_id, None if number >= _WEBHOOK else number % self.length, created)

    def log(self, log_id: str, kind: int | None, created: int) -> bytes:
        """Return a log as JSON; its kind is an index in the cycle, or `None` for a webhook log."""
        body = self._webhook_body if kind is None else self._bodies[kind]
        return b"%b%b%b%d}" % (self._head, log_id.encode(), body, created)

    def page(self, numbers: Iterator[int]) -> bytes:
        """Return these logs as a JSON array."""
        # One flat list joined once: making a page of 100 must take far less time than reading it.
        parts: list[bytes] = []
        head, shift, length = b"," + self._head, self._id_shift, self.length
        bodies, offsets, start, span = self._bodies, self._offsets, self._start, self._span
        for number in numbers:
            block, place = divmod(number, length)
            parts += (
                head,
                b"%021x" % ((number * _ID_FACTOR + shift) & _ID_MASK),
                bodies[place],
                b"%d}" % (start + block * span + offsets[place]),
            )
        return b"[" + b"".join(parts)[1:] + b"]"


def _body(payload: dict[str, Any]) -> bytes:
    """Return the JSON between a log's id and its time."""
    return b'","key":%b,"payload":%b,"createdAt":' % (orjson.dumps(payload["key"]), orjson.dumps(payload))


def _offsets(count: int, span: int, chance: random.Random) -> list[int]:
    """Spread `count` times over `span` milliseconds, ascending, with as many equal neighbours as were measured."""
    times = sorted(chance.randrange(span) for _ in range(count))
    for place in range(2, count):
        if chance.random() < _TIE_SHARE and times[place - 1] != times[place - 2]:
            times[place] = times[place - 1]
    return times
