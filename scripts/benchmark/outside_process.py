"""The loop of a process that runs another tool: it reads a question as a line of JSON, and writes the result as a line."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from urllib.request import Request, urlopen

from benchmark.paging import Plain


def authorization(plain: Plain) -> dict[str, str]:
    """Return the headers that authorize; fetch a token if one is needed."""
    if plain.headers:
        return plain.headers
    form = b"grant_type=client_credentials&resource=https%3A%2F%2Fdefault.logto.app%2Fapi&scope=all"
    request = Request(f"{plain.url}/oidc/token", data=form, headers={"Authorization": f"Basic {plain.basic}"})  # noqa: S310  # a loopback server
    with urlopen(request) as answer:  # noqa: S310
        return {"Authorization": f"Bearer {json.load(answer)['access_token']}"}


def run(read: Callable[[Plain], int]) -> None:
    """Answer questions until stdin ends."""
    out, sys.stdout = sys.stdout, sys.stderr
    print("ready", file=out, flush=True)
    for line in sys.stdin:
        plain = Plain(*json.loads(line))
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            count = read(plain)
        except Exception as error:  # noqa: BLE001  # any error of the tool counts as no record read
            print(repr(error), file=sys.stderr)
            count = 0
        result = [count, time.process_time() - cpu, time.perf_counter() - wall]
        print(json.dumps(result), file=out, flush=True)
