"""
Measure CPU and memory of logferry beside a hand-written httpx + orjson loop and beside other tools.

Every contestant reads the same records from a server of prepared bytes in a separate process.  Rounds are interleaved, and the
client's CPU is compared within each round, so that drift in the speed of the machine does not matter.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmark import outside, report, rounds
from benchmark.questions import QUESTIONS

SMALL_PAGE = 100


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=20_000, help="number of records of streams with 1000 a page")
    parser.add_argument("--small", type=int, default=5_000, help="number of records of streams with 100 a page")
    parser.add_argument("--rounds", type=int, default=5, help="number of rounds that are measured")
    parser.add_argument("--only", default="", help="only streams whose name contains this text")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"), help="file for the figures")
    parser.add_argument("--outsiders", action="store_true", help="set up dlt, grove and a Singer tap first")
    parser.add_argument("--markdown", action="store_true", help="print the README's table too")
    options = parser.parse_args()
    if options.outsiders:
        outside.install()
    records = {
        question.name: options.small if question.page == SMALL_PAGE else options.records for question in QUESTIONS
    }
    result = rounds.compare(
        records, options.rounds, only=options.only, progress=lambda text: print(text, file=sys.stderr, flush=True)
    )
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    report.show(result)
    if options.markdown:
        print(report.markdown(result))


if __name__ == "__main__":
    main()
