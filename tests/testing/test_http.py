from logferry.testing import FakeRequest, FakeResponse


def test_a_target_is_split_at_its_first_question_mark() -> None:
    """The parts of a target stay as sent."""
    request = FakeRequest("GET", "/a%20b?c=%20&d?e")
    assert (request.path, request.query) == ("/a%20b", "c=%20&d?e")
    assert (FakeRequest("GET", "/a").path, FakeRequest("GET", "/a").query) == ("/a", "")


def test_headers_are_found_in_any_case() -> None:
    """The name of a header is found in any case; the first line counts."""
    request = FakeRequest("GET", "/", (("X-One", "1"), ("x-one", "2")))
    assert (request.header("X-ONE"), request.header("x-two")) == ("1", None)


def test_repeated_header_lines_are_kept() -> None:
    """Lines with the same name are all kept, in order."""
    response = FakeResponse(200, (("Link", "a"), ("Other", "b"), ("link", "c")))
    assert (response.header("link"), response.header_lines("LINK")) == ("a", ["a", "c"])


def test_a_status_has_its_phrase() -> None:
    """A status has its phrase, an unknown one has none."""
    assert (FakeResponse(404).reason, FakeResponse(599).reason) == ("Not Found", "")


def test_credentials_are_not_shown() -> None:
    """Headers and body can hold secrets, and are left out of the repr."""
    assert "secret" not in repr(FakeRequest("GET", "/", (("Authorization", "Bearer secret"),), b"secret"))
