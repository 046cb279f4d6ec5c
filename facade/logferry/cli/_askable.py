"""Which of the streams that nobody named can be asked for, with the filters that were given."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from logferry._definition import Filter
from logferry._errors import InvalidRequestError
from logferry.cli._selection import Job, suggestion
from logferry.cli._shell import tell


def askable_jobs(jobs: Sequence[Job], filters: Collection[str]) -> list[Job]:
    """
    Those of the streams that have all the filters, and get those that they need; the others are told.

    Args:
        jobs: The streams.
        filters: The filters' names, in Python or on the wire.

    Raises:
        InvalidRequestError: No stream has one of the filters, or no stream is left.
    """
    known = {spelling: one.name for job in jobs for one in job.stream.filter_list for spelling in _spellings(one)}
    for name in filters:
        if name not in known:
            names = list(dict.fromkeys(known.values()))
            raise InvalidRequestError(f"no stream has a filter {name!r}", hint=suggestion(name, names))
    left = [job for job in jobs if _is_askable(job, filters)]
    if not left:
        raise InvalidRequestError(
            "no stream is left to be read", hint="logferry streams lists what each takes and needs"
        )
    return left


def _is_askable(job: Job, filters: Collection[str]) -> bool:
    own = job.stream.filter_list
    foreign = [name for name in filters if not any(name in _spellings(one) for one in own)]
    if foreign:
        tell("", f"left out: {job.label} has no filter {' or '.join(foreign)}")
        return False
    needed = [one for one in own if one.name in job.stream.needs_one_of]
    given = any(name in _spellings(one) for one in needed for name in filters)
    if not needed or given or any(job.account.service.has(one.name) for one in needed):
        return True
    tell("", f"left out: {job.label} needs --filter {' or '.join(f'{one.name}=...' for one in needed)}")
    return False


def _spellings(one: Filter) -> tuple[str, str]:
    return one.name, one.wire_name
