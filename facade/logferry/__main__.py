"""``python -m logferry`` is the shell command."""

from logferry.cli import main

main(prog_name="logferry")
