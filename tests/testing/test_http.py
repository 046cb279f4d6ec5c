from logferry.testing import FakeRequest, FakeResponse


def test_target_parts() -> None:
    """A target is taken apart at its first question mark, as sent."""
    request = FakeRequest("GET", "/a%20b?c=%20&d?e")
    assert (request.path, request.query) == ("/a%20b", "c=%20&d?e")
    assert (FakeRequest("GET", "/a").path, FakeRequest("GET", "/a").query) == ("/a", "")


def test_headers_are_found_in_any_case() -> None:
    """The name of a header is found in any case; the first line counts."""
    request = FakeRequest("GET", "/", (("X-One", "1"), ("x-one", "2")))
    assert (request.header("X-ONE"), request.header("x-two")) == ("1", None)


def test_header_lines() -> None:
    """Lines that repeat a name are all there, in order."""
    response = FakeResponse(200, (("Link", "a"), ("Other", "b"), ("link", "c")))
    assert (response.header("link"), response.header_lines("LINK")) == ("a", ["a", "c"])


def test_reason() -> None:
    """A status has its phrase, an unknown one has none."""
    assert (FakeResponse(404).reason, FakeResponse(599).reason) == ("Not Found", "")


def test_credentials_are_not_shown() -> None:
    """Headers and body can hold secrets, and stay out of the repr."""
    assert "secret" not in repr(FakeRequest("GET", "/", (("Authorization", "Bearer secret"),), b"secret"))
