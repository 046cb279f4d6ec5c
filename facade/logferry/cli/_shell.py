"""What all commands share: options, exit codes, messages on stderr."""

import errno
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from attrs import define

from logferry._errors import ExportError, LogferryError
from logferry._redaction import printable
from logferry._version import __version__
from logferry.cli._standard import prepare_standard_streams

C = TypeVar("C", bound=Callable[..., Any])

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as in shells: 128 plus the number of the signal."""

_MOST_DOUBTS: Final = 10
"""Warnings about one stream that are printed at most, without --verbose."""

_UNWRITABLE: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""Errors of an output that is full or broken."""


@define
class Talk:
    """
    The values of the options that all commands have, and what the command has printed so far.

    Attributes:
        verbose: Print requests, retries and issues.
        debug: Print tracebacks.
        config: The configuration file, if it is named.
        code: The highest exit code of the failures so far; a command that ends at a closed pipe keeps it.
        interrupted: Whether a message has said that the command was interrupted.
    """

    verbose: bool = False
    debug: bool = False
    config: Path | None = None
    code: int = 0
    interrupted: bool = False


class Shell(click.Group):
    """A group of commands that ends with logferry's exit codes."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line, with standard streams that are safe to use."""
        prepare_standard_streams()
        return super().main(*args, **extra)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Parse the command line; an output error while help or version is printed becomes an exit code."""
        try:
            return super().make_context(*args, **extra)
        except (OSError, LogferryError) as error:
            raise click.exceptions.Exit(_ended(error)) from error
        except KeyboardInterrupt:
            tell("", "interrupted")
            raise click.exceptions.Exit(INTERRUPTED) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; every error becomes a line on stderr and an exit code."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            if not talk().interrupted:
                tell_interrupted("interrupted")
            ctx.exit(INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # noqa: BLE001  # the last resort: a line on stderr, and a traceback with --debug
            if not isinstance(error, BrokenPipeError):
                tell_traceback(error)
            ctx.exit(max(_ended(error), talk().code))


def _ended(error: Exception) -> int:
    """Print why the command ends, except at a closed pipe, and return the exit code."""
    if isinstance(error, BrokenPipeError):
        code = 0
    elif isinstance(error, LogferryError):
        tell("Error", str(error))
        code = error.exit_code
    elif isinstance(error, OSError) and error.errno in _UNWRITABLE:
        tell("Error", f"the output cannot be written: {error.strerror}")
        code = ExportError.exit_code
    else:
        # Without its text, which can hold secrets.
        tell("Error", f"unexpected {type(error).__name__}. This is a bug; --debug shows where")
        code = 1
    if isinstance(error, OSError | ExportError):
        _silence_stdout()
    return code


def commands_of(group: click.Group, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield a group and all commands below it, each with its words after the program's name."""
    yield name, group
    for word, command in group.commands.items():
        path = f"{name} {word}".strip()
        if isinstance(command, click.Group):
            yield from commands_of(command, path)
        else:
            yield path, command


def shell_options(command: C) -> C:
    """Add the options that every command has."""
    for option in (
        click.version_option(__version__, message="logferry %(version)s"),
        _switch("--debug", "Show a traceback with every error."),
        click.option(
            "--config",
            metavar="PATH",
            type=click.Path(path_type=Path),
            expose_value=False,
            callback=_note,
            help="Configuration file. Default: logferry.toml here, or in your configuration folder.",
        ),
        _switch("-v", "--verbose", "Print requests, retries and issues on stderr."),
    ):
        command = option(command)
    return command


def _switch(*names_and_help: str) -> Callable[[C], C]:
    *names, text = names_and_help
    return click.option(*names, is_flag=True, expose_value=False, callback=_note, help=text)


def _note(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
    if os.environ.get("NO_COLOR"):
        ctx.color = False
    if value:
        setattr(talk_of(ctx), str(parameter.name), value)


def talk() -> Talk:
    """Return the options of the running command."""
    return talk_of(click.get_current_context())


def talk_of(ctx: click.Context) -> Talk:
    """Return the values of the options that all commands have."""
    # These options may come before or after the command's name.
    return ctx.find_root().ensure_object(Talk)


def tell(label: str, text: str) -> None:
    """
    Write one line to stderr, without control characters.

    Args:
        label: ``"Error"``, ``"Warning"`` or ``""``.
        text: The line.
    """
    start = click.style(f"{label}: ", fg={"Error": "red", "Warning": "yellow"}.get(label), bold=True) if label else ""
    click.echo(start + printable(text), file=sys.stderr)


def tell_interrupted(text: str) -> None:
    """Write to stderr that the command was interrupted, which nothing else says then."""
    tell("", text)
    talk().interrupted = True


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with the noun that it counts."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def tell_doubts(label: str, doubts: Iterable[str], *, all_of_them: bool | None = None) -> None:
    """
    Write to stderr why a stream's result is in doubt: at most ten lines, with ``--verbose`` all.

    Args:
        label: The stream's name.
        doubts: Sentences; each is written once.
        all_of_them: Whether to write all; ``None`` for the value of ``--verbose``.
    """
    several = list(dict.fromkeys(doubts))
    shown = several if (talk().verbose if all_of_them is None else all_of_them) else several[:_MOST_DOUBTS]
    for text in shown:
        tell("Warning", f"{label}: {text}")
    if len(shown) < len(several):
        tell("Warning", f"{label}: {counted(len(several) - len(shown), 'warning')} more of this kind")


def tell_undecoded(label: str, count: int) -> None:
    """Write to stderr how many items of a stream did not decode in full, if any."""
    if count:
        tell("Warning", f"{label}: {counted(count, 'item')} did not decode in full; see 'issues' in the records")


def tell_error(error: LogferryError, *, passing: bool = False) -> None:
    """
    Write an error's line to stderr.

    Args:
        error: What went wrong.
        passing: The call will be tried again, so that the error does not decide the exit code.
    """
    if not passing:
        note_failure(error.exit_code)
    tell_traceback(error)
    tell("Error", str(error))


def note_failure(code: int) -> None:
    """Keep the exit code of a failure, for a command that ends early at a closed pipe."""
    talk().code = max(talk().code, code)


def tell_traceback(error: BaseException) -> None:
    """Write an error's traceback to stderr, with --debug only."""
    if talk().debug:
        for line in "".join(traceback.format_exception(error)).split("\n")[:-1]:
            click.echo(printable(line), file=sys.stderr)


def _silence_stdout() -> None:
    """Discard the buffer of stdout, which the interpreter would otherwise fail to write at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
