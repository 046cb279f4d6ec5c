"""The behaviour of Logto beyond the recorded probes."""

import gzip
import pickle
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import attrs
import orjson
import pytest

from logferry.testing import FakeRequest, FakeResponse, LogtoFake, Row

FAKE = LogtoFake(records=403)
SECOND = 1_000_000_000
MILLISECOND = 1_000_000


def ask(
    target: str,
    *,
    fake: LogtoFake = FAKE,
    method: str = "GET",
    token: str | None = None,
    now: int | None = None,
    **headers: str,
) -> FakeResponse:
    """Send a request to the fake, with a valid token unless another is given."""
    lines = {"Host": "127.0.0.1:3001", "Authorization": f"Bearer {token or fake.access_token()}"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    return fake.answer(FakeRequest(method, target, tuple(lines.items())), fake.epoch if now is None else now)


def ids(answer: FakeResponse) -> list[str]:
    """Return the ids of a page, in order."""
    return [item["id"] for item in orjson.loads(answer.body)]


def code(answer: FakeResponse) -> str | None:
    """Return the code of an error, or `None` if it has none."""
    code: str | None = orjson.loads(answer.body).get("code")
    return code


def pages(answer: FakeResponse) -> dict[str, str]:
    """Return the URLs of the links by relation, in the order sent."""
    return {
        line.rpartition('"')[0].rpartition('"')[2]: line[1 : line.index(">")] for line in answer.header_lines("Link")
    }


# Paging


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        ("page=-1", 400, "guard.invalid_pagination"),
        ("page=NaN", 400, "guard.invalid_pagination"),
        ("page=null", 400, "guard.invalid_pagination"),
        ("page=true", 400, "guard.invalid_pagination"),
        ("page=1&page=1", 400, "guard.invalid_pagination"),
        ("page_size=0", 400, "guard.invalid_pagination"),
        ("page_size=Infinity", 400, "guard.invalid_pagination"),
        ("page_size=20&page_size=20", 400, "guard.invalid_pagination"),
        ("page_size=1.5", 422, "entity.invalid_input"),
        ("page_size=0.5", 422, "entity.invalid_input"),
        ("page_size=99.5", 422, "entity.invalid_input"),
        ("page=1.5&page_size=3", 422, "entity.invalid_input"),
        ("page=Infinity", 422, "entity.invalid_input"),
        ("page=1e20", 422, "entity.invalid_input"),
        ("page=1e308", 422, "entity.invalid_input"),
        ("page=0.5", 500, None),
        ("page=461168601842738791", 500, None),
    ],
)
def test_an_invalid_page_is_refused(query: str, status: int, error: str | None) -> None:
    """An invalid page is refused with the measured status, without a count and without links."""
    answer = ask(f"/api/logs?{query}")
    assert (status, error) == (answer.status, code(answer))
    assert answer.header("Total-Number") is None
    assert not answer.header_lines("Link")


@pytest.mark.parametrize(
    ("page", "offset"),
    [("", 0), ("1e1", 180), ("0x10", 300), ("%2010%20", 180), ("%2B10", 180), ("010", 180), ("10.0", 180), ("1.5", 10)],
)
def test_page_is_a_javascript_number(page: str, offset: int) -> None:
    """A page is parsed as JavaScript parses numbers."""
    answer = ask(f"/api/logs?page={page}")
    assert list(FAKE.truth()[offset : offset + 20]) == ids(answer)


@pytest.mark.parametrize(("page_size", "count"), [("", 20), ("100", 100), ("100.0", 100), ("0x10", 16), ("1e1", 10)])
def test_page_size_is_a_javascript_number(page_size: str, count: int) -> None:
    """A page holds 20 logs by default, and up to 100 on request."""
    assert list(FAKE.truth()[:count]) == ids(ask(f"/api/logs?page_size={page_size}"))


@pytest.mark.parametrize("page", ["9999", "1e15", "9007199254740993"])
def test_a_page_past_the_end_is_empty(page: str) -> None:
    """A page past the end is empty, never an error, and still has the count."""
    answer = ask(f"/api/logs?page={page}")
    assert (answer.status, answer.body, answer.header("Total-Number")) == (200, b"[]", "403")


def test_links_past_the_end() -> None:
    """Past the end, prev is the preceding page, even if it is empty, last is correct and next is missing."""
    assert pages(ask("/api/logs?page=9999")) == {
        "first": "http://127.0.0.1:3001/logs?page=1",
        "prev": "http://127.0.0.1:3001/logs?page=9998",
        "last": "http://127.0.0.1:3001/logs?page=21",
    }


def test_links_of_a_page_between_two() -> None:
    """Page 1.5 has no page before it: its links are first, last and next."""
    assert list(pages(ask("/api/logs?page=1.5"))) == ["first", "last", "next"]
    assert list(pages(ask("/api/logs?page=2"))) == ["first", "prev", "last", "next"]


def test_links_keep_other_parameters() -> None:
    """Links keep every parameter in order, unknown ones too, and encode it again as a form."""
    links = pages(ask("/api/logs?b=x%20y~&page=2&a&page_size=10&b=z"))
    assert links["next"] == "http://127.0.0.1:3001/logs?b=x+y%7E%2Cz&page=3&a=&page_size=10"


def test_link_origin_is_the_host_header() -> None:
    """Links have the host of the request and http, with any forwarding header of a proxy."""
    answer = ask("/api/logs", Host="logs.example", X_Forwarded_Proto="https", X_Forwarded_Host="other.example")
    assert pages(answer)["first"] == "http://logs.example/logs?page=1"


def test_links_without_a_host_are_relative() -> None:
    """Without a Host header, links are relative."""
    answer = ask("/api/logs", Host="")
    assert pages(answer)["first"] == "/logs?page=1"


def test_links_lead_to_the_sign_in_page() -> None:
    """A link that is followed unchanged gives the sign-in page, since it lacks /api."""
    answer = ask(pages(ask("/api/logs"))["next"].removeprefix("http://127.0.0.1:3001"))
    assert (answer.status, answer.header("Content-Type")) == (200, "text/html; charset=utf-8")


def test_an_empty_log_has_one_page() -> None:
    """The single page of an empty log is the first and the last."""
    answer = ask("/api/logs", fake=LogtoFake(records=0))
    assert (answer.status, answer.body, answer.header("Total-Number")) == (200, b"[]", "0")
    assert {name: link.partition("=")[2] for name, link in pages(answer).items()} == {"first": "1", "last": "1"}


def test_logs_come_newest_first() -> None:
    """Logs come newest first, and some neighbours share a millisecond."""
    fake = LogtoFake(records=403)
    times = [
        item["createdAt"]
        for page in range(1, 6)
        for item in orjson.loads(ask(f"/api/logs?page_size=100&page={page}").body)
    ]
    assert times == sorted(times, reverse=True)
    assert times[0] == fake.epoch // MILLISECOND
    assert 5 < len(times) - len(set(times)) < 30


def test_pages_shift() -> None:
    """New logs move the others to later pages."""
    later = FAKE.epoch + 600 * SECOND
    new = len(FAKE.truth(now=later)) - len(FAKE.truth())
    assert 0 < new < 20
    assert ids(ask("/api/logs"))[-new:] == ids(ask("/api/logs?page=2", now=later))[:new]


def test_unstable_ties_have_another_order_on_each_page() -> None:
    """Each page has its own order of logs of one microsecond, the same in every request."""
    rows = [Row(time=FAKE.epoch) for _ in range(60)]
    fake = LogtoFake(rows=rows, stable_ties=False)
    pages = [ids(ask(f"/api/logs?page_size=20&page={page}", fake=fake)) for page in (1, 2, 3)]
    assert pages == [ids(ask(f"/api/logs?page_size=20&page={page}", fake=fake)) for page in (1, 2, 3)]
    met = {log_id for page in pages for log_id in page}
    assert 30 < len(met) < 60
    assert met < set(fake.truth())
    assert [len(set(page)) for page in pages] == [20, 20, 20]


def test_ties_keep_their_order_in_a_narrow_window() -> None:
    """Ties keep their order in a window of up to a second, as measured; logs of different microseconds always do."""
    fake = LogtoFake(rows=[Row(time=FAKE.epoch) for _ in range(60)], stable_ties=False)
    moment = FAKE.epoch // MILLISECOND
    window = f"start_time={moment}&end_time={moment}"
    pages = [ids(ask(f"/api/logs?page_size=20&page={page}&{window}", fake=fake)) for page in (1, 2, 3)]
    assert [log_id for page in pages for log_id in page] == list(fake.truth())
    finer = LogtoFake(rows=[Row(time=FAKE.epoch + 1000 * number) for number in range(60)], stable_ties=False)
    pages = [ids(ask(f"/api/logs?page_size=20&page={page}", fake=finer)) for page in (1, 2, 3)]
    assert [log_id for page in pages for log_id in page] == list(finer.truth())
    (created,) = {item["createdAt"] for item in orjson.loads(ask("/api/logs?page_size=60", fake=finer).body)}
    assert created == moment


# Filters


def test_filters_are_exact() -> None:
    """Filters match exactly: case-sensitive, without trimming, prefixes or wildcards."""
    for value in ("interaction.end", "Interaction", "Interaction.%25", "%20Interaction.End", "x" * 1000):
        answer = ask(f"/api/logs?logKey={value}")
        assert (answer.status, answer.header("Total-Number")) == (200, "0")


def test_filters_are_combined() -> None:
    """Several filters must all match."""
    item = next(item for item in orjson.loads(ask("/api/logs").body) if "userId" in item["payload"])
    user, key = item["payload"]["userId"], item["key"]
    found = orjson.loads(ask(f"/api/logs?userId={user}&logKey={key}&applicationId=").body)
    assert item["id"] in [entry["id"] for entry in found]
    assert {(user, key)} == {(entry["payload"]["userId"], entry["key"]) for entry in found}


@pytest.mark.parametrize(
    "query", ["userId=", "applicationId=", "logKey=", "pageSize=3", "PAGE=3", "page[]=3", "UserId=x"]
)
def test_empty_and_unknown_filters_are_ignored(query: str) -> None:
    """Empty filters and unknown parameters are ignored."""
    assert ask("/api/logs").body == ask(f"/api/logs?{quote(query, safe='=')}").body


@pytest.mark.parametrize("name", ["userId", "applicationId", "logKey", "start_time", "end_time", "enableCap"])
def test_a_repeated_filter_is_refused(name: str) -> None:
    """A repeated filter is refused with details, even if the values are equal."""
    answer = ask(f"/api/logs?{name}=1&{name}=1")
    body = orjson.loads(answer.body)
    assert (answer.status, body["code"]) == (400, "guard.invalid_input")
    assert [name] == body["data"]["issues"][0]["path"]


@pytest.mark.parametrize("name", ["userId", "applicationId", "logKey"])
def test_a_nul_in_a_filter_is_an_error(name: str) -> None:
    """A NUL byte in a filter makes the query fail; the error has no code."""
    answer = ask(f"/api/logs?{name}=a%00b")
    assert (answer.status, orjson.loads(answer.body)) == (500, {"message": "Internal server error."})


def test_other_control_bytes_in_a_filter_match_no_log() -> None:
    """Other control bytes match no log."""
    assert ask("/api/logs?userId=%FF%FE%0A").body == b"[]"


def test_webhook_logs_are_not_listed() -> None:
    """Webhook logs are never listed, even by their key, and can be read by id."""
    assert ask("/api/logs?logKey=TriggerHook.PostSignIn").body == b"[]"
    answer = ask(f"/api/logs/{FAKE.webhook_id(7)}")
    assert (answer.status, orjson.loads(answer.body)["key"]) == (200, "TriggerHook.PostSignIn")
    assert ask(f"/api/logs/{FAKE.webhook_id(403)}").status == 404


def test_most_logs_have_no_user() -> None:
    """Most logs have no user id, so a filter by user finds few."""
    count = len(FAKE.truth())
    users = {item["payload"].get("userId") for item in orjson.loads(ask("/api/logs?page_size=100").body)} - {None}
    assert 0.2 < sum(len(FAKE.truth(user_id=user)) for user in users) / count < 0.5


# Time


def times_of(fake: LogtoFake) -> list[int]:
    """Return the times of the newest hundred logs, in milliseconds, newest first."""
    return [item["createdAt"] for item in orjson.loads(ask("/api/logs?page_size=100", fake=fake).body)]


def test_bounds_are_inclusive() -> None:
    """Since 1.42 both bounds are part of the window."""
    times = times_of(FAKE)
    answer = ask(f"/api/logs?start_time={times[9]}&end_time={times[2]}&page_size=100")
    assert [time for time in times if times[9] <= time <= times[2]] == [
        i["createdAt"] for i in orjson.loads(answer.body)
    ]
    assert ask(f"/api/logs?start_time={times[2]}&end_time={times[2]}").header("Total-Number") == str(
        times.count(times[2])
    )


@pytest.mark.parametrize("release", ["1.40.0", "1.41.0"])
def test_bounds_are_exclusive(release: str) -> None:
    """In 1.40 and 1.41 bounds are exclusive by microseconds, which are not shown; equal bounds are refused."""
    fake = LogtoFake(records=403, release=release)
    times = times_of(fake)
    answer = ask(f"/api/logs?start_time={times[9]}&end_time={times[2]}&page_size=100", fake=fake)
    assert [time for time in times if times[9] <= time < times[2]] == [
        i["createdAt"] for i in orjson.loads(answer.body)
    ]
    answer = ask(f"/api/logs?start_time={times[2]}&end_time={times[2]}", fake=fake)
    assert (answer.status, code(answer)) == (400, "log.invalid_time_window")


def test_old_releases_ignore_time_filters() -> None:
    """Before 1.40 the time filters and the cap are ignored, even with invalid values."""
    fake = LogtoFake(records=20_000, release="1.36.0")
    plain = ask("/api/logs", fake=fake)
    answer = ask("/api/logs?start_time=abc&end_time=1&end_time=2&enableCap=true", fake=fake)
    assert (plain.body, "20000") == (answer.body, answer.header("Total-Number"))
    assert answer.header("Total-Number-Is-Capped") is None


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        ("start_time=Infinity", 400, "guard.invalid_input"),
        ("end_time=1x", 400, "guard.invalid_input"),
        ("start_time=2&end_time=1", 400, "log.invalid_time_window"),
        ("start_time=1e300", 500, None),
        ("end_time=-1e300", 500, None),
    ],
)
def test_an_invalid_time_is_refused(query: str, status: int, error: str | None) -> None:
    """A time that is not a number is refused; a number that is no date makes the query fail."""
    answer = ask(f"/api/logs?{query}")
    assert (status, error) == (answer.status, code(answer))


def test_empty_time_is_zero() -> None:
    """An empty start is the epoch, and an empty end leaves no logs."""
    assert ask("/api/logs?start_time=").header("Total-Number") == "403"
    assert ask("/api/logs?end_time=").header("Total-Number") == "0"


def test_the_cap_limits_the_count() -> None:
    """With the cap, more than 10,000 matches count as 10,001, and neither last nor next is given."""
    fake = LogtoFake(records=10_001)
    answer = ask("/api/logs?enableCap=true&page=2", fake=fake)
    assert (answer.header("Total-Number"), answer.header("Total-Number-Is-Capped")) == ("10001", "true")
    assert list(pages(answer)) == ["first", "prev"]
    assert ids(ask("/api/logs?enableCap=true&page=501", fake=fake)) == [fake.truth()[-1]]


@pytest.mark.parametrize("cap", ["1", "true", "yes", "YES", "True", "y", "yep", "yeah"])
def test_several_words_switch_the_cap_on(cap: str) -> None:
    """The cap is switched on by several words, in any case."""
    assert ask(f"/api/logs?enableCap={cap}", fake=LogtoFake(records=10_001)).header("Total-Number-Is-Capped") == "true"


@pytest.mark.parametrize(("records", "cap"), [(10_000, "true"), (10_001, "false"), (10_001, "0"), (10_001, "")])
def test_the_uncapped_count_is_exact(records: int, cap: str) -> None:
    """Up to 10,000 matches, or without the cap, the count is exact."""
    answer = ask(f"/api/logs?enableCap={cap}", fake=LogtoFake(records=records))
    assert str(records) == answer.header("Total-Number")
    assert answer.header("Total-Number-Is-Capped") is None
    assert list(pages(answer)) == ["first", "last", "next"]


# Routes and methods


@pytest.mark.parametrize("target", ["/api/logs/", "/api/LOGS", "/api/Logs/"])
def test_paths_are_lenient(target: str) -> None:
    """Trailing slashes and capitals are accepted."""
    assert ask("/api/logs").body == ask(target).body


@pytest.mark.parametrize("target", ["/api//logs", "/api/nope", "/api/", "/api", "/api/logs/a/b"])
def test_an_unknown_route_is_plain_text(target: str) -> None:
    """An unknown route gives plain text, also without a token."""
    answer = FAKE.answer(FakeRequest("GET", target), FAKE.epoch)
    assert (
        answer.status,
        answer.body,
        answer.header("Content-Type"),
    ) == (404, b"Not Found", "text/plain; charset=utf-8")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("target", ["/api/logs", "/api/logs/x"])
def test_other_methods_are_refused(method: str, target: str) -> None:
    """Writing methods are refused as plain text with the allowed ones, also without a token."""
    answer = FAKE.answer(FakeRequest(method, target), FAKE.epoch)
    assert (answer.status, answer.header("Allow")) == (405, "HEAD, GET")


def test_trace_is_not_implemented() -> None:
    """TRACE is not implemented."""
    assert ask("/api/logs", method="TRACE").status == 501


def test_head_has_the_headers_of_get() -> None:
    """HEAD has the headers of GET, including the count, but no tag and no body."""
    answer, whole = ask("/api/logs", method="HEAD"), ask("/api/logs")
    assert (answer.status, answer.body, answer.header("Total-Number")) == (200, b"", "403")
    assert (whole.header("Content-Length"), None) == (answer.header("Content-Length"), answer.header("ETag"))


def test_options_need_no_token() -> None:
    """OPTIONS needs no token; only a preflight from the admin console gets CORS headers."""
    plain = FAKE.answer(FakeRequest("OPTIONS", "/api/logs"), FAKE.epoch)
    assert (plain.status, plain.body, plain.header("Content-Type")) == (200, b"", "text/plain; charset=utf-8")
    preflight = ask("/api/logs", method="OPTIONS", Origin="http://localhost:3002", Access_Control_Request_Method="GET")
    assert (preflight.status, preflight.header("Access-Control-Allow-Origin")) == (204, "http://localhost:3002")
    foreign = ask("/api/logs", method="OPTIONS", Origin="http://evil.example", Access_Control_Request_Method="GET")
    assert (foreign.status, foreign.header("Access-Control-Allow-Origin")) == (200, None)


def test_scripts_of_the_admin_console_may_read_answers() -> None:
    """Scripts of the admin console may read every answer, also refusals; other scripts may read none."""
    for answer in (
        ask("/api/logs", Origin="http://localhost:3002"),
        ask("/api/logs", token="x", Origin="http://localhost:3002"),
    ):
        assert answer.header("Access-Control-Allow-Origin") == "http://localhost:3002"
        assert answer.header("Access-Control-Expose-Headers") == "*"
    assert ask("/api/logs", Origin="http://evil.example").header("Access-Control-Allow-Origin") is None


def test_a_log_can_be_read_by_id() -> None:
    """A log read by id equals the log in the list."""
    item = orjson.loads(ask("/api/logs").body)[3]
    assert item == orjson.loads(ask(f"/api/logs/{item['id']}").body)


@pytest.mark.parametrize("log_id", ["x", "%2B0", "0" * 21, "A" * 21, "1_0"])
def test_an_unknown_id_is_an_error(log_id: str) -> None:
    """The error has the unknown id in its message."""
    answer = ask(f"/api/logs/{log_id}")
    assert (answer.status, code(answer)) == (404, "entity.not_exists_with_id")


def test_a_nul_in_an_id_is_an_error() -> None:
    """An id with a NUL byte makes the query fail."""
    answer = ask("/api/logs/%00")
    assert (answer.status, code(answer)) == (500, None)


@pytest.mark.parametrize("log_id", ["%zz", "%41%zz", "%ff"])
def test_an_undecodable_id_is_repeated(log_id: str) -> None:
    """An id that cannot be decoded is repeated as sent."""
    assert f"ID `{log_id}`" in orjson.loads(ask(f"/api/logs/{log_id}").body)["message"]


def test_a_future_log_cannot_be_read() -> None:
    """A log cannot be read before it was written."""
    later = FAKE.epoch + 3600 * SECOND
    newest = FAKE.truth(now=later)[0]
    assert ask(f"/api/logs/{newest}").status == 404
    assert ask(f"/api/logs/{newest}", token=FAKE.access_token(now=later), now=later).status == 200


# Transfer


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("gzip, deflate", "gzip"),
        ("gzip, deflate, br", "br"),
        ("*", "br"),
        ("br;q=0.5, gzip", "gzip"),
        ("br, gzip;q=0", "br"),
    ],
)
def test_large_bodies_are_compressed(accepted: str, coding: str) -> None:
    """A body of 1 KiB or more has an accepted compression, br preferred, in chunks, under the same tag."""
    plain, packed = ask("/api/logs"), ask("/api/logs", Accept_Encoding=accepted)
    assert plain.header("ETag") == packed.header("ETag")
    assert tuple(packed.header(name) for name in ("Content-Encoding", "Transfer-Encoding", "Content-Length")) == (
        coding,
        "chunked",
        None,
    )
    decoders: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.decompress,
        "deflate": zlib.decompress,
        "br": stored_blocks,
    }
    assert plain.body == decoders[coding](packed.body)


def stored_blocks(data: bytes) -> bytes:
    """Decode a Brotli stream of stored blocks (RFC 7932, section 9.2), bit by bit."""
    bits, place, body = int.from_bytes(data, "little"), 0, b""

    def read(count: int) -> int:
        nonlocal place
        place += count
        return bits >> place - count & (1 << count) - 1

    assert read(1) == 0  # a window of 64 KiB
    while not read(1):  # the last block
        assert read(2) == 0  # a length of four digits
        length = read(16) + 1
        assert read(1) == 1  # stored
        start = -(-place // 8)
        body += data[start : start + length]
        place = 8 * (start + length)
    assert read(1) == 1  # the last block is empty
    return body


def test_other_bodies_are_not_compressed() -> None:
    """Small bodies, requests without Accept-Encoding, and fakes without compression have plain bodies."""
    plain = LogtoFake(compression=False)
    for answer in (
        ask("/api/logs?page=99", Accept_Encoding="gzip"),
        ask("/api/logs", Accept_Encoding="gzip;q=0"),
        ask("/api/logs", Accept_Encoding="identity, zstd"),
        ask("/api/logs", fake=plain, Accept_Encoding="gzip"),
    ):
        assert answer.header("Content-Encoding") is None
        assert answer.header("Content-Length") == str(len(answer.body))


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_a_known_tag_gives_304(form: str) -> None:
    """A known tag, weak or strong, gives 304 without a body, and with the count."""
    tag = ask("/api/logs").header("ETag")
    answer = ask("/api/logs", If_None_Match=form.format(tag))
    assert (answer.status, answer.body, answer.header("Total-Number")) == (304, b"", "403")


def test_a_request_can_close_the_connection() -> None:
    """The connection is closed if the request asks for it."""
    answer = ask("/api/logs", Connection="close")
    assert (answer.header("Connection"), answer.header("Keep-Alive")) == ("close", None)


@pytest.mark.parametrize(
    ("accepted", "message"),
    [
        ("fr-FR, en;q=0.5", "L'en-tête d'autorisation est manquant."),
        ("en, fr;q=0.5", "Authorization header is missing."),
        ("tlh", "Authorization header is missing."),
    ],
)
def test_messages_are_localized(accepted: str, message: str) -> None:
    """Messages are in the language of the request, codes are not."""
    answer = FAKE.answer(FakeRequest("GET", "/api/logs", (("Accept-Language", accepted),)), FAKE.epoch)
    assert {"code": "auth.authorization_header_missing", "message": message} == orjson.loads(answer.body)


# The logs themselves


def test_the_shape_depends_on_the_release() -> None:
    """Until 1.41 the sign-in context is called injectedHeaders; 1.36 shows tokens and client secrets."""
    contexts: dict[str, int] = {}
    masks: dict[str, int] = {}
    for release in ("1.36.0", "1.41.0", "1.42.0"):
        fake = LogtoFake(records=150, release=release)
        payloads = [
            item["payload"]
            for page in "12"
            for item in orjson.loads(ask(f"/api/logs?page_size=100&page={page}", fake=fake).body)
        ]
        contexts[release] = sum("signInContext" in payload for payload in payloads)
        assert sum("injectedHeaders" in payload for payload in payloads) == 1 - contexts[release]
        masks[release] = sum("******" in payload.get("params", {}).values() for payload in payloads)
        assert sum(payload.get("params", {}).get("refresh_token", "***")[0] != "*" for payload in payloads) == (
            7 if release == "1.36.0" else 0
        )
    assert contexts == {"1.36.0": 0, "1.41.0": 0, "1.42.0": 1}
    assert masks["1.36.0"] == 0 < masks["1.41.0"] == masks["1.42.0"]


def test_some_secrets_are_not_masked() -> None:
    """Authorization codes, and passwords set in a profile update, are not masked in any release."""
    payloads = [
        item["payload"] for page in "12" for item in orjson.loads(ask(f"/api/logs?page_size=100&page={page}").body)
    ]
    assert any(payload.get("params", {}).get("code", "*")[0] != "*" for payload in payloads)
    assert any(payload.get("payload", {}).get("value") == "N0t-so-c0mmon-pass" for payload in payloads)


def test_every_log_has_the_tenant() -> None:
    """The tenant is in every log."""
    assert {"acme"} == {item["tenantId"] for item in orjson.loads(ask("/api/logs", fake=LogtoFake(tenant="acme")).body)}


def test_settings_are_values() -> None:
    """Fakes with equal settings are equal, can be changed, and survive a pickle."""
    fake = LogtoFake(records=5)
    assert len(fake.truth()) == 5
    assert len(attrs.evolve(fake, records=7).truth()) == 7
    copy = pickle.loads(pickle.dumps(fake))  # noqa: S301 - pickled a moment ago
    assert (copy, list(copy.truth())) == (fake, list(fake.truth()))


@pytest.mark.parametrize("change", [{"records": -1}, {"spacing": 0}])
def test_invalid_settings_are_refused(change: dict[str, Any]) -> None:
    """Invalid settings are refused."""
    with pytest.raises(ValueError, match="must be >"):
        LogtoFake(**change)
