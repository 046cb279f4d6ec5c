"""logferry's contestants that keep the records: a sync into a new store."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import logferry
from benchmark.paging import Plain
from benchmark.questions import QUESTIONS
from logferry._time.timestamps import SECOND, rfc3339
from logferry.testing import configuration

_QUESTIONS = {question.name: question for question in QUESTIONS}


def synced(plain: Plain, store: str) -> int:
    """Sync the stream into a new store, four windows at once; return the number of records."""
    question = _QUESTIONS[plain.name]
    fake: Any = question.fake(plain.records)
    # Begin shortly before the first record, so that no request is for an empty day; the fakes' clocks do not advance.
    since = fake.epoch - round(1.1 * plain.records * fake.spacing * SECOND)
    with tempfile.TemporaryDirectory(prefix="logferry-bench-") as folder:
        config = Path(folder) / "logferry.toml"
        config.write_text(configuration({"any": fake}, {"any": plain.url}) + 'retention = "3650d"\n')
        with logferry.open_accounts(config) as ferry:
            sync = ferry.sync(
                f"{folder}/{store}",
                streams=[plain.stream],
                filters=question.sync_filters or {},
                since=rfc3339(since),
                until=rfc3339(fake.epoch + SECOND),
            )
            report = sync.run()
            report.raise_failures()
            return report.records


KEEPING: dict[str, Callable[[Plain], int]] = {
    "sync to DuckDB": partial(synced, store="logs.duckdb"),
    "sync to Parquet": partial(synced, store="logs/"),
}
