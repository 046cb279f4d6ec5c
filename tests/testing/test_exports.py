"""What `logferry.testing` loads."""

import subprocess
import sys


def test_fakes_load_no_http_library() -> None:
    """A fake answers without loading httpx, anyio or uvicorn."""
    program = """
import sys
from logferry.testing import FakeRequest, LogtoFake
fake = LogtoFake()
request = FakeRequest("GET", "/api/logs", (("Authorization", f"Bearer {fake.access_token()}"),))
assert fake.answer(request, fake.epoch).status == 200
assert fake.violations(request) == []
print(sorted({"httpx", "anyio", "uvicorn"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
