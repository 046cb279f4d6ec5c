"""The fake of Logto: ``GET /api/logs``, ``GET /api/logs/{id}`` and ``POST /oidc/token`` as a real server behaves."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from random import Random
from typing import Any, Unpack

import attrs

from logferry.testing._http import FakeRequest, FakeResponse
from logferry.testing._openapi import spec_checker
from logferry.testing._rows import Row, as_rows
from logferry.testing._truth import identity_of, require_stream
from logferry.testing.logto._history import History, Selection
from logferry.testing.logto._routes import Filters, Routes
from logferry.testing.logto._scripted import ScriptedHistory, ScriptedSelection
from logferry.testing.logto._tokens import Application, TokenIssuer

__all__ = ["LogtoFake"]

_DEFAULT_AUDIENCE = "https://default.logto.app/api"


@attrs.frozen(kw_only=True)
class LogtoFake:
    """
    A Logto tenant with a made-up history, which behaves as measured on 1.42.0 and 1.36.0.

    It is a pure function of settings, request and clock: it keeps nothing between requests, and computes each log from
    its number, unless `rows` scripts them.

    Args:
        records: Number of logs at `epoch`; if logs keep arriving, including those that share the newest one's time.
        epoch: Time of the newest of them, in nanoseconds since 1970-01-01 UTC, whole milliseconds. Default:
            2026-01-01T00:00:00Z.
        spacing: Mean time between two logs, in seconds, more than 0.
        growing: Whether logs keep arriving after `epoch` as the clock advances.
        seed: Decides order, times and ids of the logs, and the key that signs tokens.
        tenant: Tenant id. The management API of the tenant ``t`` is ``https://t.logto.app/api``;
            ``https://default.logto.app/api`` is always accepted.
        app_id: Id of an application that has the role for the management API.
        app_secret: Its secret.
        roleless_app_id: Id of an application without the role: it gets tokens without scope. Same secret.
        release: The release to behave as.  Before 1.40 there are no time filters, before 1.42 their bounds are
            exclusive, and the logs themselves differ.  Times are stored in microseconds and shown in milliseconds, so
            that the lower bound ``T`` of 1.40 and 1.41 includes the logs that are shown as ``T``.
        token_lifetime: Seconds until a token expires.
        other_resource: Indicator of another API: tokens are issued for it and are refused here.
        rows: A script of the logs; `records`, `spacing` and `growing` have no effect then, and there are no webhook
            logs.
        stable_ties: Whether logs of one time keep their order.  Logto has no tie-break, and PostgreSQL orders them
            differently on each page of a wide window; if this is false, so does the fake, except in a narrow window of
            up to a second.  Logs are sorted by microseconds, and show milliseconds.
        compression: Whether to compress a body of 1 KiB or more as the request accepts it: br, gzip or deflate.
    """

    records: int = attrs.field(default=417, validator=attrs.validators.ge(0))
    epoch: int = 1_767_225_600_000_000_000
    spacing: float = attrs.field(default=60.0, validator=attrs.validators.gt(0))
    growing: bool = True
    seed: int = 0
    tenant: str = "default"
    app_id: str = "logferrym2mapp0000001"
    app_secret: str = attrs.field(default="made-up-secret-of-a-fake", repr=False)
    roleless_app_id: str = "logferrym2mapp0000002"
    release: str = "1.42.0"
    token_lifetime: int = 3600
    other_resource: str = "https://other.example/api"
    rows: Sequence[Row] | None = attrs.field(default=None, converter=as_rows, repr=False)
    stable_ties: bool = True
    compression: bool = True

    @classmethod
    def of_rows(cls, rows: tuple[Row, ...], *, epoch: int, chance: Random) -> "LogtoFake":
        """Make one with a scripted history; *chance* decides the release, and the lifetime of tokens."""
        return cls(
            rows=rows,
            epoch=epoch,
            release=chance.choice(("1.36.0", "1.40.0", "1.42.0")),
            stable_ties=chance.random() < 0.5,  # noqa: PLR2004 - even odds
            token_lifetime=chance.choice((60, 3600)),
            compression=False,
        )

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the streams that it serves."""
        return ("logto.audit_logs",)

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings of an account of it, all except its address."""
        return {"app_id": self.app_id, "app_secret": self.app_secret}

    @cached_property
    def history(self) -> History:
        """The history of computed logs."""
        return History(
            records=self.records,
            epoch=self.epoch,
            spacing=self.spacing,
            growing=self.growing,
            seed=self.seed,
            tenant=self.tenant,
            release=self._release,
        )

    @cached_property
    def _scripted(self) -> ScriptedHistory | None:
        return None if self.rows is None else ScriptedHistory(self.rows, self.history)

    @cached_property
    def tokens(self) -> TokenIssuer:
        """Issues and checks tokens, including invalid ones for tests."""
        digest = hashlib.sha256(f"logferry fake logto {self.seed} {self.tenant}".encode())
        return TokenIssuer(
            key=digest.digest(),
            key_id=digest.hexdigest()[:43],
            audiences=tuple(dict.fromkeys((f"https://{self.tenant}.logto.app/api", _DEFAULT_AUDIENCE))),
            other_resources=(self.other_resource,),
            applications=(
                Application(app_id=self.app_id, app_secret=self.app_secret),
                Application(app_id=self.roleless_app_id, app_secret=self.app_secret, has_role=False),
            ),
            lifetime=self.token_lifetime,
        )

    @cached_property
    def _routes(self) -> Routes:
        return Routes(
            tokens=self.tokens,
            select=self._select,
            item=(self._scripted or self.history).item,
            release=self._release,
            seed=self.seed,
            stable_ties=self.stable_ties,
            compression=self.compression,
        )

    @cached_property
    def _release(self) -> tuple[int, int]:
        major, minor, *_ = (*self.release.split("."), "0")
        return int(major), int(minor)

    def answer(self, request: FakeRequest, now: int) -> FakeResponse:
        """Respond to a request at the moment `now`, in nanoseconds since 1970-01-01 UTC."""
        return self._routes.answer(request, now)

    def violations(self, request: FakeRequest) -> list[str]:
        """
        Name what violates the spec of the generated client in the request: unknown parameters, wrong types, bounds.

        Logto itself ignores most of it silently. Values are never repeated, since they can be secret.
        """
        return spec_checker("logto").violations(request)

    def truth(
        self,
        stream: str = "logto.audit_logs",
        since: int | None = None,
        until: int | None = None,
        now: int | None = None,
        *,
        user_id: str | None = None,
        application_id: str | None = None,
        log_key: str | None = None,
    ) -> Sequence[str]:
        """
        Return the ids of the logs in the window ``[since, until)``, newest first.

        The ids are computed on access; `len` computes none.

        Args:
            stream: The stream's name; there is one.
            since: Start of the window, inclusive, in nanoseconds since 1970-01-01 UTC. Default: the first log.
            until: End of the window, exclusive. Default: after the newest log.
            now: The moment of the reading. Default: `epoch`.
            user_id: Only logs of this user.
            application_id: Only logs of this application.
            log_key: Only logs with this key.
        """
        require_stream(stream, self.streams)
        selection = self._select(
            None if since is None else -(-since // 1_000_000),
            None if until is None else -(-until // 1_000_000),
            self.epoch if now is None else now,
            user_id=user_id,
            application_id=application_id,
            log_key=log_key,
        )
        return selection if isinstance(selection, Selection) else selection.ids()

    def identity(self, stream: str, item: Any) -> str:
        """Return the id of a decoded log."""
        require_stream(stream, self.streams)
        return identity_of(item, "id")

    def questions(self, stream: str) -> tuple[Mapping[str, str], ...]:
        """Return the filters of the only query, which finds all logs: none."""
        require_stream(stream, self.streams)
        return ({},)

    def access_token(self, *, now: int | None = None, scope: str = "all", audience: str = _DEFAULT_AUDIENCE) -> str:
        """
        Return a token as the token endpoint issues it.

        Args:
            now: When it is issued. Default: `epoch`.
            scope: Empty for the token of an application without the role.
            audience: The API that accepts it.
        """
        issued = self.epoch if now is None else now
        return self.tokens.token(self.app_id, audience, scope, "http://127.0.0.1/oidc", issued)

    def webhook_id(self, number: int) -> str:
        """Return the id of a webhook log: never listed, but readable by id. `number` is below `records`."""
        return self.history.webhook_id(number)

    def _select(
        self, since: int | None, until: int | None, now: int, **filters: Unpack[Filters]
    ) -> Selection | ScriptedSelection:
        """Select the logs that exist at `now`; bounds in milliseconds, the second exclusive."""
        if self._scripted is not None:
            return self._scripted.select(since, until, now, **filters)
        history = self.history
        end = history.existing(now)
        return history.select(
            0 if since is None else history.before(since),
            end if until is None else min(end, history.before(until)),
            **filters,
        )
