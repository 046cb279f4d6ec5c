"""Chooses the writer of a format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

from logferry._extras import needing
from logferry.cli._output.csv import CsvRows
from logferry.cli._output.json_lines import JsonLines
from logferry.cli._output.output import Output
from logferry.cli._output.stdout import text_console

if TYPE_CHECKING:
    from logferry._accounts.selection import Job


def output_to(
    file: BinaryIO,
    form: str,
    jobs: Sequence[Job],
    *,
    raw: bool,
    header: bool = True,
    dated: bool = True,
    streamed: bool = True,
) -> Output:
    """
    Return the writer of a format.

    Args:
        file: The file.
        form: ``"jsonl"``, ``"csv"``, ``"table"``, ``"parquet"`` or ``"arrow"``.
        jobs: The streams.
        raw: Add the items as received; not in a table.
        header: Whether csv begins with a header.
        dated: Whether each row of a table has the date.
        streamed: Whether arrow is written as a stream, for a reader without a file.

    Raises:
        MissingPackageError: The format needs a package that is missing.
    """
    match form:
        case "csv":
            return CsvRows(file, raw=raw, header=header)
        case "table":
            from logferry.cli._output.table import Table  # noqa: PLC0415  # brings along rich, which a pipe does not need

            accounts = {job.account.name for job in jobs}
            # An account named after its service adds no information.
            named = len(accounts) > 1 and any(job.has_named_account for job in jobs)
            streams = sorted({job.stream.name for job in jobs})
            return Table(text_console(file), streams, sorted(accounts) if named else (), dated=dated)
        case "parquet" | "arrow":
            with needing(f"the format {form}"):
                from logferry.cli._output.columns import Columns  # noqa: PLC0415  # pyarrow comes with an extra

            return Columns(file, form, raw=raw, streamed=streamed)
        case _:
            return JsonLines(file, raw=raw)
