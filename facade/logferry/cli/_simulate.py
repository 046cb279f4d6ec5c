"""``logferry simulate``: serves the fakes of the services, for use without an account."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from itertools import chain
from typing import TYPE_CHECKING, Final

import click

from logferry._accounts.registry import SERVICES, Service, all_services
from logferry._errors import ConfigurationError
from logferry.cli._output.stdout import echo
from logferry.cli._shell import shell_options, tell

if TYPE_CHECKING:
    from logferry.testing import Fake

_MILLISECOND = 1_000_000


def _loopback(_ctx: click.Context, _parameter: click.Parameter, value: str) -> str:
    try:
        loopback = value == "localhost" or IPv4Address(value).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise click.BadParameter("the services are for this machine only: use 127.0.0.1 or localhost")
    return value


_EPILOG: Final = """
\b
Examples:
  logferry simulate
  logferry simulate --records 1000000 --port 8400
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--records",
    type=click.IntRange(min=0, max=1_000_000_000),
    default=1000,
    show_default=True,
    help="How many records each service has at the start, one a minute; new ones arrive while it runs.",
)
@click.option(
    "--port",
    type=click.IntRange(min=0, max=65_535),
    default=0,
    help="Port of the first service, the others follow. Default: free ones.",
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, callback=_loopback, help="Loopback address to listen on."
)
@shell_options
def simulate(records: int, port: int, host: str) -> None:
    """
    Serve made-up services on this machine.

    They run until Ctrl-C, after which the exit code is 0. The command prints the environment variables that make an account
    of each service; paste them into another shell. All credentials are made up.
    """
    from logferry.testing import serve_until_interrupted  # noqa: PLC0415  # brings along asyncio

    now = time.time_ns()
    fakes = dict(_made(records, now - now % _MILLISECOND))

    def ready(urls: tuple[str, ...]) -> None:
        for (service, fake), url in zip(fakes.items(), urls, strict=True):
            echo(f"# {service.name}: {records:,} made-up records at {url}")
            for line in _account(service, fake, url):
                echo(line)
        tell("", "Paste the lines above into another shell, then try logferry pull there.")

    ports = [port + index for index in range(len(fakes))] if port else []
    try:
        serve_until_interrupted([*fakes.values()], host=host, ports=ports, clock=time.time_ns, ready=ready)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}: {error.strerror}", hint="Choose another --port; 0 takes a free one"
        ) from error


def _made(records: int, epoch: int) -> Iterator[tuple[Service, Fake]]:
    """Yield each service with its fake; one of another package that does not work is a line on stderr."""
    from logferry.testing._registry import make_fake  # noqa: PLC0415  # the other commands start without the fakes

    for service in all_services():
        try:
            yield service, make_fake(service, records=records, epoch=epoch)
        except Exception as error:
            if service in SERVICES:
                raise
            tell("warning", f"{service.name} of {service.distribution} is not served: {error}")


def _account(service: Service, fake: Fake, url: str) -> Iterator[str]:
    """Yield the shell commands that set an account of a fake, and comments with the filters that its streams need."""
    from logferry.testing._registry import variables_for  # noqa: PLC0415  # as above

    variables = variables_for(fake, url)
    for name, value in variables.items():
        yield f"export {name}={shlex.quote(value)}"
    others = [name for name in service.optional_variables if name not in variables]
    if others:
        yield f"unset {' '.join(others)}"
    for stream in service.streams:
        for name, value in chain.from_iterable(question.items() for question in fake.questions(stream.name)):
            if name in stream.needs_one_of:
                yield f"# {stream.name} needs --filter {name}={value}"
