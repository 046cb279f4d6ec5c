"""``logferry spec``: generates clients of OpenAPI specs, and says what changes in specs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from logferry._redaction import printable
from logferry.cli._output.stdout import echo
from logferry.cli._shell import counted, shell_options, tell

_EPILOG: Final = """
\b
Examples:
  logferry spec generate openapi.yaml --output my_client
  logferry spec diff logto openapi.yaml
  logferry spec drift traffic.har
  logferry spec check logto --against openapi.yaml
  logferry spec new acorn --spec openapi.yaml --operation list_audit_logs
"""

_GENERATE: Final = """
\b
Examples:
  logferry spec generate openapi.yaml --output my_client
  logferry spec generate openapi.yaml -o my_client --operation list_audit_logs
  logferry spec generate openapi.yaml -o my_client --operation "GET /api/logs"
"""

_DIFF: Final = """
\b
Examples:
  logferry spec diff old.yaml openapi.yaml
  logferry spec diff logto openapi.yaml --format markdown

\b
Exit codes:
  0    nothing breaks
  1    something breaks
  2    a spec that cannot be read
"""

_DRIFT: Final = """
\b
Examples:
  logferry spec drift traffic.har
  logferry spec drift traffic.har --spec openapi.yaml --format json

\b
Exit codes:
  0    the specs have all of it
  1    they do not
  2    a file that cannot be read
"""

_CHECK: Final = """
\b
Examples:
  logferry spec check logto --against openapi.yaml

\b
Exit codes:
  0    no difference, except those that are accepted
  1    a difference
  2    a spec that cannot be read
"""

_NEW: Final = """
\b
Examples:
  logferry spec new acorn --spec openapi.yaml --operation list_audit_logs
"""

format_option = click.option(
    "--format", "form", type=click.Choice(("text", "markdown", "json")), default="text", help="Default: text."
)


@click.group(epilog=_EPILOG)
@shell_options
def spec() -> None:
    """Generate clients of OpenAPI specs, and compare specs."""


@spec.command(epilog=_GENERATE)
@click.argument("source", metavar="SPEC")
@click.option(
    "--output", "-o", required=True, metavar="FOLDER", type=click.Path(path_type=Path), help="The package to write."
)
@click.option(
    "--operation",
    "operations",
    multiple=True,
    metavar="ID",
    help="Only this operation and what it refers to, by operationId or as 'GET /logs'; repeatable.",
)
@click.option(
    "--field-prefix",
    default="field_",
    show_default=True,
    metavar="TEXT",
    help="In front of names that Python does not take, such as _id.",
)
@shell_options
def generate(source: str, output: Path, operations: tuple[str, ...], field_prefix: str) -> None:
    """
    Generate a typed client of SPEC, a file of YAML or JSON or a service.

    The package has request builders without I/O, typed models, JSON shapes with guards and repairs, and a client on httpx.
    A folder that was generated before is replaced as a whole; then it also prints what changed in the spec.
    """
    from logferry.specs import generate as run  # noqa: PLC0415  # brings along the generator

    done = run(source, output, operations=operations, field_prefix=field_prefix)
    for name in done.written:
        echo(printable(f"wrote    {output / name}"))
    for name in done.removed:
        echo(printable(f"removed  {output / name}"))
    if done.difference is not None:
        echo(done.difference.text())
    tell("", f"{output}: {counted(len(done.written), 'file')} written, {counted(len(done.removed), 'file')} removed")


@spec.command(epilog=_DIFF)
@click.argument("old")
@click.argument("new")
@format_option
@click.option(
    "--service", metavar="NAME", help="Whose names to look for. Default: the service that OLD, NEW or a title names."
)
@click.pass_context
@shell_options
def diff(ctx: click.Context, old: str, new: str, form: str, service: str | None) -> None:
    """
    Say what changed from OLD to NEW, and whether it breaks who sends or who reads.

    OLD and NEW are files, or a service for the spec that is installed.  Each change has the streams, filters, entries and
    attributes that it touches.
    """
    from logferry.specs import diff as run  # noqa: PLC0415

    found = run(old, new, service=service)
    echo(found.formatted(form))
    if found.breaking:
        ctx.exit(1)


@spec.command(epilog=_DRIFT)
@click.argument("traffic", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--spec", "specs", multiple=True, metavar="SPEC", help="A file or a service; repeatable. Default: all services."
)
@format_option
@click.pass_context
@shell_options
def drift(ctx: click.Context, traffic: Path, specs: tuple[str, ...], form: str) -> None:
    """
    Say what the recorded traffic in FILE has that the specs do not.

    FILE is a HAR file, as browsers and proxies save it.  Fields, types, values of enums, parameters and statuses are
    compared.  Values are not printed, except words of enums.
    """
    from logferry.specs import drift as run  # noqa: PLC0415

    found = run(traffic, specs)
    echo(found.formatted(form))
    if found.sightings:
        ctx.exit(1)


@spec.command(epilog=_CHECK)
@click.argument("service")
@click.option("--against", required=True, metavar="FILE", help="The vendor's spec.")
@click.option(
    "--accepted",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Differences that are meant, as JSON. Default: those that are installed.",
)
@format_option
@click.pass_context
@shell_options
def check(ctx: click.Context, service: str, against: str, accepted: Path | None, form: str) -> None:
    """
    Compare the vendor's spec of SERVICE with ours.

    Only operations that ours has are compared, as changes from ours to the vendor's.  Differences that are accepted, each with
    a reason and a source, are counted.
    """
    from logferry.specs import check as run  # noqa: PLC0415
    from logferry.specs._check import accepted_in  # noqa: PLC0415

    found = run(service, against, accepted=None if accepted is None else accepted_in(accepted))
    echo(found.difference.formatted(form))
    tell("", f"{counted(len(found.accepted), 'difference')} accepted")
    for one in found.unused:
        tell("Warning", f"accepted, but no difference any more: {one.operation}, {one.place}")
    if found.difference.changes:
        ctx.exit(1)


@spec.command(epilog=_NEW)
@click.argument("name")
@click.option("--spec", "source", required=True, metavar="FILE", help="The service's spec.")
@click.option("--operation", required=True, metavar="ID", help="The operation that lists entries.")
@click.option(
    "--output", "-o", metavar="FOLDER", type=click.Path(path_type=Path), help="The project. Default: logferry-NAME."
)
@shell_options
def new(name: str, source: str, operation: str, output: Path | None) -> None:
    """
    Write a package for the service NAME, which logferry does not know.

    It has the spec, a generated client, a walk and a normalizer to fill in, a fake, tests that run the conformance suite, and the
    entry point by which logferry knows the service once the package is installed.
    """
    from logferry.specs import new as run  # noqa: PLC0415  # brings along the generator

    done = run(name, source, operation, output=output)
    for one in done.written:
        if "/generated/" not in one:
            echo(printable(f"wrote    {done.folder / one}"))
    for line in done.to_do:
        tell("", f"to do: {line}")
