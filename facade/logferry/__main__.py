"""``python -m logferry`` is the shell command."""

import sys

_INTERRUPTED = 130
"""The exit code after Ctrl-C; see ``logferry.cli``, which may not be loaded when it is pressed."""


def main() -> None:
    """Run the shell command; Ctrl-C while it is being loaded ends it as at any later moment."""
    try:
        from logferry.cli import main as command  # noqa: PLC0415  # so that Ctrl-C is met
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)  # noqa: T201  # nothing else is loaded
        sys.exit(_INTERRUPTED)
    command(prog_name="logferry")


if __name__ == "__main__":
    main()
