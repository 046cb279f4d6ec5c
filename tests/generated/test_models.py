"""The generated models, shapes, guards and repairs."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from logferry_clients.logto.models import AccessToken, AuditLog, fits_audit_log, repair_audit_log
from logferry_clients.logto.types import UNSET

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WHOLE: dict[str, Any] = {
    "tenantId": "default",
    "id": "gua4s91a14gn351ecb8xo",
    "key": "Interaction.SignIn.Submit",
    "payload": {
        "key": "Interaction.SignIn.Submit",
        "result": "Error",
        "error": {"code": "session.invalid_credentials", "message": "Incorrect account or password."},
        "ip": "127.0.0.1",
        "userAgent": "acceptance-gen/1.0",
        "userAgentParsed": {
            "ua": "acceptance-gen/1.0",
            "browser": {"name": "Chrome", "version": "120.0.0.0", "major": "120", "type": "crawler"},
            "device": {"model": "iPhone", "type": "mobile", "vendor": "Apple"},
            "engine": {"name": "Blink", "version": "120.0.0.0"},
            "os": {"name": "iOS", "version": "17.2"},
            "cpu": {"architecture": "arm64"},
        },
        "injectedHeaders": {"city": "Berlin"},
        "signInContext": {"city": "Berlin", "country": "DE"},
        "userId": "sn5xdmvk7zzj",
        "applicationId": "acceptm2mapp000000001",
        "sessionId": "kKu8",
        "params": {"client_id": "acceptm2mapp000000001", "resource": ["a", "b"]},
        "tokenTypes": ["AccessToken"],
    },
    "createdAt": 1795164426496,
}
TEXT = st.text("aé0. ", max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container in a JSON value with each of its keys."""
    if isinstance(value, list):
        for index, child in enumerate(cast("Sequence[Any]", value)):
            yield value, index
            yield from places(child)
    if isinstance(value, dict):
        for key, child in cast("dict[str, Any]", value).items():
            yield value, key
            yield from places(child)


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """Draw a whole log in which some values are removed or replaced."""
    log = [copy.deepcopy(WHOLE)]
    for _ in range(draw(st.integers(0, 4))):
        container, key = draw(st.sampled_from(list(places(log))))
        if isinstance(container, dict) and draw(st.booleans()):
            del container[key]
        else:
            container[key] = draw(JSON)
    return log[0]


def test_real_logs_have_the_documented_shape(real_logs: list[dict[str, Any]]) -> None:
    """The guard accepts every log of a real server."""
    assert len(real_logs) == 150
    assert all(map(fits_audit_log, real_logs))


def test_real_logs_round_trip(real_logs: list[dict[str, Any]]) -> None:
    """A model returns the JSON from which it was made, with undocumented values."""
    assert real_logs == [AuditLog.from_dict(log).to_dict() for log in real_logs]


def test_the_page_example_round_trips(page_example: list[dict[str, Any]]) -> None:
    """The example of the documentation page becomes models and the same JSON again."""
    assert json.dumps(page_example, sort_keys=True) == json.dumps(
        [AuditLog.from_dict(log).to_dict() for log in page_example], sort_keys=True
    )


def test_a_model_does_not_change_its_source() -> None:
    """Making a model leaves the decoded JSON unchanged."""
    log = copy.deepcopy(WHOLE)
    AuditLog.from_dict(log)
    assert log == WHOLE


def test_a_model_has_typed_fields() -> None:
    """Fields have Python names, free objects are plain dicts, and undocumented values have their JSON name."""
    log = AuditLog.from_dict(WHOLE)
    assert log.payload.user_id == "sn5xdmvk7zzj"
    assert log.payload.params
    assert log.payload.params["client_id"] == "acceptm2mapp000000001"
    assert log.payload["tokenTypes"] == ["AccessToken"]
    assert log.payload.user_agent_parsed
    assert log.payload.user_agent_parsed.os
    assert log.payload.user_agent_parsed.os.name == "iOS"


def test_absent_values_are_unset() -> None:
    """A value that was not sent is UNSET, which is falsy."""
    log = AuditLog.from_dict({"id": "1", "key": "k", "payload": {"key": "k", "result": "Success"}, "createdAt": 0})
    assert log.tenant_id is UNSET
    assert not log.payload.user_agent_parsed


def test_an_unknown_result_is_kept() -> None:
    """An undocumented result is accepted and survives the round trip."""
    log = {**WHOLE, "payload": {"key": "k", "result": "Skipped"}}
    assert fits_audit_log(log)
    assert log == AuditLog.from_dict(log).to_dict()


def test_a_time_may_be_a_float() -> None:
    """A time with a fraction is accepted, a boolean is not."""
    assert fits_audit_log({**WHOLE, "createdAt": 42.5})
    assert not fits_audit_log({**WHOLE, "createdAt": True})


@pytest.mark.parametrize(
    "log",
    [
        None,
        [],
        {},
        {**WHOLE, "id": 1},
        {**WHOLE, "tenantId": None},
        {**WHOLE, "payload": {"key": "k"}},
        {**WHOLE, "payload": {**WHOLE["payload"], "error": 1}},
        {**WHOLE, "payload": {**WHOLE["payload"], "signInContext": {"city": 1}}},
        {**WHOLE, "payload": {**WHOLE["payload"], "userAgentParsed": {"os": {"name": 1}}}},
    ],
)
def test_the_guard_rejects_other_shapes(log: object) -> None:
    """The guard detects missing values and wrong types at any depth."""
    assert not fits_audit_log(log)


def test_a_repair_removes_invalid_values() -> None:
    """An invalid value is removed and named by its path; its parent stays, and its content is not shown."""
    payload = {**WHOLE["payload"], "ip": 123, "userAgentParsed": {"ua": "x", "os": {"name": None, "version": "1"}}}
    repaired = repair_audit_log({**WHOLE, "payload": payload})
    assert repaired.issues == (
        "payload.ip: expected string, got number",
        "payload.userAgentParsed.os.name: expected string, got null",
    )
    assert repaired.complete
    assert "ip" not in repaired.value["payload"]
    assert repaired.value["payload"].get("userAgentParsed") == {"ua": "x", "os": {"version": "1"}}


def test_a_repair_adds_required_values() -> None:
    """A required value that is missing or invalid becomes a neutral one, and the result is not complete."""
    repaired = repair_audit_log({"id": "1", "key": [], "payload": {"result": "Success", "error": 1}})
    assert repaired.value == {
        "id": "1",
        "key": "",
        "payload": {"key": "", "result": "Success"},
        "createdAt": 0,
    }
    assert repaired.issues == (
        "key: expected string, got array",
        "payload.error: expected object or string, got number",
        "payload.key: missing",
        "createdAt: missing",
    )
    assert not repaired.complete


def test_a_repair_of_a_non_object_is_neutral() -> None:
    """A value that is no object becomes an object without content."""
    repaired = repair_audit_log("secret")
    assert repaired.issues == ("expected object, got string",)
    assert not repaired.complete
    assert fits_audit_log(repaired.value)


@given(JSON | damaged())
def test_a_repaired_value_is_valid(value: Any) -> None:
    """The repair of any value is valid and can become a model."""
    repaired = repair_audit_log(value)
    assert fits_audit_log(repaired.value)
    AuditLog.from_dict(repaired.value)


@given(damaged())
def test_a_repair_has_issues_unless_the_value_is_valid(value: Any) -> None:
    """A valid value is repaired to itself; any other has issues."""
    repaired = repair_audit_log(value)
    assert (repaired.issues == ()) == fits_audit_log(value)
    if fits_audit_log(value):
        assert (repaired.value, repaired.complete) == (value, True)


@given(damaged())
def test_a_repair_does_not_change_its_input(value: Any) -> None:
    """The repaired value stays as received."""
    before = copy.deepcopy(value)
    repair_audit_log(value)
    assert before == value


@given(damaged())
def test_valid_values_round_trip(value: Any) -> None:
    """Every valid value survives as a model."""
    if fits_audit_log(value):
        assert value == AuditLog.from_dict(value).to_dict()


def test_unset_is_a_singleton() -> None:
    """UNSET is falsy, prints its name, and stays the same object after a copy and a pickle."""
    assert not UNSET
    assert repr(UNSET) == "UNSET"
    assert UNSET is copy.copy(UNSET)
    assert UNSET is copy.deepcopy([UNSET])[0]
    assert UNSET is pickle.loads(pickle.dumps(UNSET))  # noqa: S301


def test_a_model_can_be_pickled() -> None:
    """A model is equal after a pickle."""
    log = AuditLog.from_dict(WHOLE)
    assert log == pickle.loads(pickle.dumps(log))  # noqa: S301


def test_an_access_token_is_not_in_the_repr() -> None:
    """The repr of the token endpoint's answer does not contain the token."""
    token = AccessToken.from_dict({"access_token": "s3cret", "expires_in": 3600, "token_type": "Bearer"})
    assert token.access_token == "s3cret"
    assert "s3cret" not in repr(token)


@pytest.mark.parametrize(
    "module", ["models", "types", "api.audit_logs.list_audit_logs", "api.tokens.create_access_token"]
)
def test_models_and_requests_do_not_import_httpx(module: str) -> None:
    """Importing models or request builders does not import httpx."""
    code = f"import sys, logferry_clients.logto.{module}; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
