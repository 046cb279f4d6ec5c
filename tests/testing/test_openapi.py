"""Requests checked against specs."""

from typing import Any

import pytest

from logferry.testing import FakeRequest, LogtoFake
from logferry.testing._openapi import SpecChecker

LOGTO = LogtoFake()
BEARER = (("Authorization", "Bearer x"),)
FORM = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
BASIC = ("Authorization", "Basic YTpi")

SPEC: dict[str, Any] = {
    "servers": [{"url": "https://api.example/v1"}, {"url": "https://api.example"}],
    "paths": {
        "/things/{name}.json": {
            "parameters": [{"$ref": "#/components/parameters/Version"}],
            "get": {
                "security": [{"key": []}, {"queryKey": []}],
                "parameters": [
                    {"name": "tags", "in": "query", "schema": {"type": "array", "items": {"enum": ["a", "b"]}}},
                    {
                        "name": "list",
                        "in": "query",
                        "explode": False,
                        "schema": {"type": "array", "items": {"type": "integer"}},
                    },
                    {"name": "ratio", "in": "query", "schema": {"type": ["number", "null"], "maximum": 1}},
                    {"name": "when", "in": "query", "schema": {"anyOf": [{"type": "integer"}, {"type": "boolean"}]}},
                    {"name": "name", "in": "path", "required": True, "schema": {"$ref": "#/components/schemas/Name"}},
                    {"name": "key", "in": "query", "schema": {"type": "string"}},
                ],
            },
        },
    },
    "components": {
        "parameters": {
            "Version": {"name": "X-Version", "in": "header", "required": True, "schema": {"type": "integer"}}
        },
        "schemas": {"Name": {"type": "string", "minLength": 2}},
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "queryKey": {"type": "apiKey", "in": "query", "name": "key"},
        },
    },
}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (FakeRequest("GET", "/api/logs?pageSize=5", BEARER), "GET /api/logs: unknown query parameter 'pageSize'"),
        (FakeRequest("GET", "/api/logs?page=x", BEARER), "GET /api/logs: query parameter 'page' is no integer"),
        (
            FakeRequest("GET", "/api/logs?page=0", BEARER),
            "GET /api/logs: query parameter 'page' is not large enough: at least 1",
        ),
        (
            FakeRequest("GET", "/api/logs?page_size=101", BEARER),
            "GET /api/logs: query parameter 'page_size' is too large: at most 100",
        ),
        (
            FakeRequest("GET", "/api/logs?userId=a&userId=b", BEARER),
            "GET /api/logs: query parameter 'userId' is sent 2 times",
        ),
        (
            FakeRequest("GET", f"/api/logs/{'x' * 22}", BEARER),
            "GET /api/logs/{id}: path parameter 'id' is too long: at most 21",
        ),
        (FakeRequest("GET", "/api/logs"), "GET /api/logs: no credentials of a kind that the spec names"),
        (FakeRequest("GET", "/logs?page=2", BEARER), "GET /logs: the spec has no such path"),
        (FakeRequest("POST", "/api/logs", BEARER), "POST /api/logs: the spec has no such method for this path"),
        (
            FakeRequest("POST", "/oidc/token", (FORM, BASIC), b"grant_type=password"),
            "POST /oidc/token: form field 'grant_type' is none of those that the spec lists",
        ),
        (
            FakeRequest("POST", "/oidc/token", (FORM, BASIC), b"scope=all"),
            "POST /oidc/token: form field 'grant_type' is missing",
        ),
        (
            FakeRequest("POST", "/oidc/token", (FORM, BASIC), b"grant_type=client_credentials&client_key=x"),
            "POST /oidc/token: unknown form field 'client_key'",
        ),
        (
            FakeRequest("POST", "/oidc/token", (BASIC,), b"{}"),
            "POST /oidc/token: the body is not application/x-www-form-urlencoded",
        ),
    ],
)
def test_violations_of_the_logto_spec_are_named(request_: FakeRequest, message: str) -> None:
    """Each violation of the Logto spec is named."""
    assert LOGTO.violations(request_) == [message]


@pytest.mark.parametrize(
    "request_",
    [
        FakeRequest("GET", "/api/logs", BEARER),
        FakeRequest("GET", "/api/logs?userId=&page=1&page_size=100&start_time=-5&enableCap=true", BEARER),
        FakeRequest("GET", "/api/logs/abc", BEARER),
        FakeRequest("POST", "/oidc/token", (FORM, BASIC), b"grant_type=client_credentials&resource=x&scope=all"),
    ],
)
def test_a_conforming_request_has_no_violations(request_: FakeRequest) -> None:
    """A request that conforms to the spec has no violations."""
    assert LOGTO.violations(request_) == []


@pytest.mark.parametrize(
    ("target", "messages"),
    [
        ("/v1/things/ab.json?tags=a&tags=b&list=1,2&ratio=0.5&when=true", []),
        ("/things/ab.json?ratio=&when=3", []),
        ("/things/ab.json?tags=c", ["query parameter 'tags' is none of those that the spec lists"]),
        ("/things/ab.json?list=1,x", ["query parameter 'list' is no integer"]),
        ("/things/ab.json?ratio=2", ["query parameter 'ratio' is too large: at most 1"]),
        ("/things/ab.json?when=x", ["query parameter 'when' is no integer"]),
        ("/things/a.json", ["path parameter 'name' is not long enough: at least 2"]),
    ],
)
def test_schemas_are_supported(target: str, messages: list[str]) -> None:
    """Arrays, several types, references and the paths of servers are supported."""
    request = FakeRequest("GET", target, (("x-key", "secret"), ("x-version", "1")))
    assert SpecChecker(SPEC).violations(request) == [f"GET /things/{{name}}.json: {message}" for message in messages]


def test_one_kind_of_credentials_is_enough() -> None:
    """Any one of several kinds of credentials is enough, and a missing required header is named."""
    assert SpecChecker(SPEC).violations(FakeRequest("GET", "/things/ab.json?key=secret")) == [
        "GET /things/{name}.json: header parameter 'X-Version' is missing"
    ]


def test_dots_in_paths_are_literal() -> None:
    """A path of the spec is not a regular expression."""
    assert SpecChecker(SPEC).violations(FakeRequest("GET", "/things/abXjson")) == [
        "GET /things/abXjson: the spec has no such path"
    ]
