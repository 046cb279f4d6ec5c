"""``logferry.specs.diff``: seeded changes, each with whom it breaks."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import pytest
import yaml
from attrs import field, frozen
from click.testing import CliRunner

from logferry._json import is_array
from logferry.cli import main
from logferry.specs import diff

Document: TypeAlias = dict[str, Any]
Breaks: TypeAlias = Literal["sends", "reads", "both", "neither", "same"]
"""Whom a change breaks; ``same`` where it is no change at all."""

SHOP: Final[Document] = yaml.safe_load(
    (Path(__file__).with_name("documents") / "shop.yaml").read_text(encoding="utf-8")
)
SCHEMAS: Final = "components/schemas"
LOG: Final = f"{SCHEMAS}/Log/properties"
QUERY: Final = f"{SCHEMAS}/Query/properties"
LIST: Final = "paths/~rooms~{room}~logs/get"
SEARCH: Final = "paths/~search/post"
REF_USER: Final = {"$ref": "#/components/schemas/User"}


def _place(document: Document, path: str) -> tuple[Any, str]:
    """Return the container and the last part of a path, in which ``~`` is a slash and ``=x`` the item of that name."""
    *parts, last = path.split("/")
    value: Any = document
    for part in parts:
        value = value[_key(value, part)]
    return value, last


def _key(value: Any, part: str) -> Any:
    part = part.replace("~", "/")
    if is_array(value) and part.startswith("="):
        return next(index for index, one in enumerate(value) if one["name"] == part[1:])
    return int(part) if is_array(value) else part


def put(path: str, value: Any, /) -> Callable[[Document], None]:
    """Return a change that sets a value."""

    def change(document: Document) -> None:
        container, last = _place(document, path)
        if is_array(container) and last == "-":
            container.append(value)
        else:
            container[_key(container, last)] = value

    return change


def drop(path: str) -> Callable[[Document], None]:
    """Return a change that removes a value."""

    def change(document: Document) -> None:
        container, last = _place(document, path)
        del container[_key(container, last)]

    return change


def both(*changes: Callable[[Document], None]) -> Callable[[Document], None]:
    """Return several changes as one."""

    def change(document: Document) -> None:
        for one in changes:
            one(document)

    return change


def parameter(name: str, **schema: Any) -> Callable[[Document], None]:
    """Return a change that gives a query parameter another schema."""
    return put(f"{LIST}/parameters/={name}/schema", schema)


def _as_3_0(document: Document) -> None:
    """Write the document as OpenAPI 3.0 has it: nullable, a switch for exclusive bounds, ``example``, enums of one."""
    document["openapi"] = "3.0.3"
    document["components"]["schemas"]["Page"]["properties"]["next"] = {
        "type": "string",
        "nullable": True,
        "example": "x",
    }
    document["components"]["schemas"]["Query"]["properties"]["note"] = {"type": "string", "nullable": True}
    bounded = {"type": "integer", "minimum": 0, "exclusiveMinimum": True, "maximum": 101, "exclusiveMaximum": True}
    put(f"{LIST}/parameters/=size/schema", {**bounded, "default": 20})(document)


def _inlined(document: Document) -> None:
    """Write components where they are used."""
    schemas = document["components"]["schemas"]
    put(f"{LOG}/user", copy.deepcopy(schemas["User"]))(document)
    put(f"{LOG}/target/oneOf/0", copy.deepcopy(schemas["User"]))(document)
    put(f"{SEARCH}/requestBody/content/application~json/schema", copy.deepcopy(schemas["Query"]))(document)


def _all_of(document: Document) -> None:
    """Split an object into parts that hold together."""
    schemas = document["components"]["schemas"]
    log = schemas["Log"]
    names = list(log["properties"])
    schemas["Base"] = {
        "type": "object",
        "required": ["id"],
        "properties": {name: log["properties"].pop(name) for name in names[:3]},
    }
    log["required"] = ["state"]
    schemas["Log"] = {"allOf": [{"$ref": "#/components/schemas/Base"}, log], "description": "A log."}


def _renamed(document: Document) -> None:
    """Give a component another name."""
    text = json.dumps(document).replace("schemas/User", "schemas/Person")
    document.clear()
    document.update(json.loads(text))
    document["components"]["schemas"]["Person"] = document["components"]["schemas"].pop("User")


def _shared_parts(document: Document) -> None:
    """Move parameters, a response, a header and a body to the components, and parameters to the path."""
    components = document["components"]
    get = document["paths"]["/rooms/{room}/logs"]["get"]
    components["parameters"] = {"Level": get["parameters"].pop(0)}
    document["paths"]["/rooms/{room}/logs"]["parameters"].append({"$ref": "#/components/parameters/Level"})
    components["headers"] = {"Total": get["responses"]["200"]["headers"]["Total"]}
    get["responses"]["200"]["headers"]["Total"] = {"$ref": "#/components/headers/Total"}
    components["responses"] = {"Page": get["responses"]["200"]}
    get["responses"]["200"] = {"$ref": "#/components/responses/Page"}
    post = document["paths"]["/search"]["post"]
    components["requestBodies"] = {"Query": post["requestBody"]}
    post["requestBody"] = {"$ref": "#/components/requestBodies/Query"}


@frozen
class Seed:
    """One change and whom it breaks."""

    name: str
    change: Callable[[Document], None] = field(repr=False)
    breaks: Breaks

    def __str__(self) -> str:
        return self.name


SEEDS: Final = (
    # Operations.
    Seed("operation removed", drop("paths/~ping"), "both"),
    Seed("operation added", put("paths/~new", {"get": {"responses": {"204": {"description": "x"}}}}), "neither"),
    Seed("method added", put("paths/~ping/post", {"responses": {"204": {"description": "x"}}}), "neither"),
    Seed("path renamed", both(drop("paths/~ping"), put("paths/~pong", SHOP["paths"]["/ping"])), "both"),
    Seed("operation deprecated", put(f"{LIST}/deprecated", True), "neither"),
    Seed("operation has another id", put(f"{LIST}/operationId", "list_logs"), "neither"),
    Seed("server added", put("servers/-", {"url": "https://eu.shop.example/v1"}), "neither"),
    # Parameters.
    Seed("parameter removed", drop(f"{LIST}/parameters/=free"), "sends"),
    Seed("header parameter removed", drop(f"{LIST}/parameters/=X-Trace"), "sends"),
    Seed("optional parameter added", put(f"{LIST}/parameters/-", {"name": "n", "in": "query", "schema": {"type": "string"}}), "neither"),
    Seed("required parameter added", put(f"{LIST}/parameters/-", {"name": "n", "in": "query", "required": True, "schema": {"type": "string"}}), "sends"),
    Seed("parameter renamed", put(f"{LIST}/parameters/=free/name", "text"), "sends"),
    Seed("parameter moved to a header", put(f"{LIST}/parameters/=free/in", "header"), "sends"),
    Seed("parameter became required", put(f"{LIST}/parameters/=free/required", True), "sends"),
    Seed("parameter became optional", drop(f"{LIST}/parameters/=since/required"), "neither"),
    Seed("parameter deprecated", put(f"{LIST}/parameters/=free/deprecated", True), "neither"),
    Seed("parameter in the path renamed", both(put("paths/~rooms~{room}~logs/parameters/0/name", "name"), lambda spec: spec["paths"].update({"/rooms/{name}/logs": spec["paths"].pop("/rooms/{room}/logs")})), "neither"),
    Seed("bound of a parameter in the path lowered", put("paths/~rooms~{room}~logs/parameters/0/schema/maxLength", 20), "sends"),
    Seed("parameter type narrowed", parameter("free", type="integer"), "sends"),
    Seed("parameter type widened to a text", parameter("plain", type="string"), "neither"),
    Seed("parameter type changed", parameter("plain", type="boolean"), "sends"),
    Seed("parameter is a list", parameter("free", type="array", items={"type": "string"}), "sends"),
    Seed("list is written in one", put(f"{LIST}/parameters/=kind/explode", False), "sends"),
    Seed("list is written with pipes", put(f"{LIST}/parameters/=kind/style", "pipeDelimited"), "sends"),
    Seed("explode of a scalar", put(f"{LIST}/parameters/=free/explode", False), "same"),
    Seed("parameter enum value removed", parameter("level", type="string", enum=["error", "info"]), "sends"),
    Seed("parameter enum value added", parameter("level", type="string", enum=["error", "warn", "info", "debug"]), "neither"),
    Seed("parameter enum value renamed", parameter("level", type="string", enum=["error", "warning", "info"]), "sends"),
    Seed("parameter enum order", parameter("level", type="string", enum=["info", "warn", "error"]), "same"),
    Seed("enum value within a list removed", put(f"{LIST}/parameters/=kind/schema/items/enum", ["a"]), "sends"),
    Seed("parameter became an enum", parameter("free", type="string", enum=["x"]), "sends"),
    Seed("parameter is no enum any more", parameter("level", type="string"), "neither"),
    Seed("parameter maximum lowered", put(f"{LIST}/parameters/=size/schema/maximum", 50), "sends"),
    Seed("parameter maximum raised", put(f"{LIST}/parameters/=size/schema/maximum", 500), "neither"),
    Seed("parameter maximum removed", drop(f"{LIST}/parameters/=size/schema/maximum"), "neither"),
    Seed("parameter minimum raised", put(f"{LIST}/parameters/=size/schema/minimum", 5), "sends"),
    Seed("parameter minimum set", put(f"{LIST}/parameters/=plain/schema/minimum", 5), "sends"),
    Seed("parameter bound exclusive", both(drop(f"{LIST}/parameters/=size/schema/maximum"), put(f"{LIST}/parameters/=size/schema/exclusiveMaximum", 100)), "sends"),
    Seed("parameter bound written exclusively", both(drop(f"{LIST}/parameters/=size/schema/maximum"), put(f"{LIST}/parameters/=size/schema/exclusiveMaximum", 101)), "same"),
    Seed("parameter length lowered", put(f"{LIST}/parameters/=user/schema/maxLength", 5), "sends"),
    Seed("parameter length raised", put(f"{LIST}/parameters/=user/schema/maxLength", 50), "neither"),
    Seed("parameter minimum length lowered", put(f"{LIST}/parameters/=user/schema/minLength", 1), "neither"),
    Seed("parameter pattern set", put(f"{LIST}/parameters/=free/schema/pattern", "^a"), "sends"),
    Seed("parameter pattern changed", put(f"{LIST}/parameters/=user/schema/pattern", "^a"), "sends"),
    Seed("parameter pattern removed", drop(f"{LIST}/parameters/=user/schema/pattern"), "neither"),
    Seed("parameter format set", put(f"{LIST}/parameters/=free/schema/format", "uuid"), "sends"),
    Seed("parameter format changed", put(f"{LIST}/parameters/=since/schema/format", "date"), "sends"),
    Seed("parameter format removed", drop(f"{LIST}/parameters/=since/schema/format"), "neither"),
    Seed("parameter format that says nothing", put(f"{LIST}/parameters/=plain/schema/format", "int64"), "same"),
    Seed("parameter default changed", put(f"{LIST}/parameters/=size/schema/default", 30), "neither"),
    Seed("parameter default removed", drop(f"{LIST}/parameters/=size/schema/default"), "neither"),
    Seed("Accept as a parameter", put(f"{LIST}/parameters/-", {"name": "Accept", "in": "header", "required": True, "schema": {"type": "string"}}), "same"),
    # Request bodies.
    Seed("body became required", put(f"{SEARCH}/requestBody/required", True), "sends"),
    Seed("body removed", drop(f"{SEARCH}/requestBody"), "sends"),
    Seed("optional body added", put(f"{LIST}/requestBody", {"content": {"application/json": {"schema": {"type": "object"}}}}), "neither"),
    Seed("required body added", put(f"{LIST}/requestBody", {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}), "sends"),
    Seed("body media type removed", drop(f"{SEARCH}/requestBody/content/application~x-www-form-urlencoded"), "sends"),
    Seed("body media type added", put(f"{SEARCH}/requestBody/content/text~csv", {"schema": {"type": "string"}}), "neither"),
    Seed("charset of a media type", lambda spec: spec["paths"]["/search"]["post"]["requestBody"]["content"].update({"application/json; charset=utf-8": spec["paths"]["/search"]["post"]["requestBody"]["content"].pop("application/json")}), "same"),
    Seed("optional property of a body added", put(f"{QUERY}/more", {"type": "string"}), "neither"),
    Seed("required property of a body added", both(put(f"{QUERY}/more", {"type": "string"}), put(f"{SCHEMAS}/Query/required/-", "more")), "sends"),
    Seed("required property with a default added", both(put(f"{QUERY}/more", {"type": "string", "default": "x"}), put(f"{SCHEMAS}/Query/required/-", "more")), "neither"),
    Seed("property of a body removed", drop(f"{QUERY}/order"), "sends"),
    Seed("property of a body became required", put(f"{SCHEMAS}/Query/required/-", "order"), "sends"),
    Seed("property of a body became optional", put(f"{SCHEMAS}/Query/required", []), "neither"),
    Seed("property of a body has another type", put(f"{QUERY}/text", {"type": "integer"}), "sends"),
    Seed("property of a body is not nullable any more", put(f"{QUERY}/note", {"type": "string"}), "sends"),
    Seed("property of a body became nullable", put(f"{QUERY}/text", {"type": ["string", "null"]}), "neither"),
    Seed("enum value of a body removed", put(f"{QUERY}/order/enum", ["asc"]), "sends"),
    Seed("enum value of a body added", put(f"{QUERY}/order/enum", ["asc", "desc", "none"]), "neither"),
    Seed("bound of a body lowered", put(f"{QUERY}/limit/maximum", 20), "sends"),
    Seed("default of a body changed", put(f"{QUERY}/limit/default", 20), "neither"),
    Seed("fewer items in a body", put(f"{QUERY}/tags/maxItems", 3), "sends"),
    Seed("items of a body have to differ", put(f"{QUERY}/tags/uniqueItems", True), "sends"),
    Seed("multiple of a body is coarser", put(f"{QUERY}/step/multipleOf", 4), "sends"),
    Seed("multiple of a body is finer", put(f"{QUERY}/step/multipleOf", 1), "neither"),
    Seed("form of a body removed", put(f"{QUERY}/when/oneOf", [REF_USER]), "sends"),
    Seed("form of a body added", put(f"{QUERY}/when/oneOf/-", {"type": "object", "properties": {"x": {"type": "string"}}}), "neither"),
    Seed("other properties of a body refused", put(f"{QUERY}/rest/additionalProperties", False), "sends"),
    Seed("property that only the service writes", put(f"{QUERY}/made/maxLength", 5), "same"),
    # Responses.
    Seed("success removed", both(drop(f"{LIST}/responses/200"), put(f"{LIST}/responses/206", {"description": "x"})), "reads"),
    Seed("error removed", drop(f"{LIST}/responses/404"), "reads"),
    Seed("error added", put(f"{LIST}/responses/403", {"description": "x"}), "neither"),
    Seed("error covered by a range", lambda spec: spec["paths"]["/rooms/{room}/logs"]["get"]["responses"].update({"4XX": spec["paths"]["/rooms/{room}/logs"]["get"]["responses"].pop("404")}), "neither"),
    Seed("response media type removed", drop(f"{LIST}/responses/200/content/text~csv"), "reads"),
    Seed("response media type added", put(f"{LIST}/responses/200/content/text~plain", {"schema": {"type": "string"}}), "neither"),
    Seed("header removed", drop(f"{LIST}/responses/200/headers/Link"), "reads"),
    Seed("header added", put(f"{LIST}/responses/200/headers/ETag", {"schema": {"type": "string"}}), "neither"),
    Seed("header can be missing", drop(f"{LIST}/responses/200/headers/Total/required"), "reads"),
    Seed("header has another type", put(f"{LIST}/responses/200/headers/Total/schema", {"type": "string"}), "reads"),
    Seed("header in other letters", lambda spec: spec["paths"]["/rooms/{room}/logs"]["get"]["responses"]["200"]["headers"].update({"total": spec["paths"]["/rooms/{room}/logs"]["get"]["responses"]["200"]["headers"].pop("Total")}), "same"),
    Seed("required property removed", both(drop(f"{LOG}/state"), put(f"{SCHEMAS}/Log/required", ["id"])), "reads"),
    Seed("optional property removed", drop(f"{LOG}/at"), "reads"),
    Seed("property renamed", both(drop(f"{LOG}/at"), put(f"{LOG}/time", {"type": "string"})), "reads"),
    Seed("property added", put(f"{LOG}/more", {"type": "string"}), "neither"),
    Seed("property can be missing", put(f"{SCHEMAS}/Log/required", ["id"]), "reads"),
    Seed("property is always there", put(f"{SCHEMAS}/Log/required/-", "at"), "neither"),
    Seed("property has another type", put(f"{LOG}/count", {"type": "string"}), "reads"),
    Seed("property has a wider type", put(f"{LOG}/count/type", "number"), "reads"),
    Seed("property has a narrower type", put(f"{LOG}/ratio", {"type": "integer"}), "neither"),
    Seed("property has one more type", put(f"{LOG}/ratio", {"type": ["number", "string"]}), "reads"),
    Seed("property became nullable", put(f"{LOG}/id/type", ["string", "null"]), "reads"),
    Seed("property is not nullable any more", put(f"{SCHEMAS}/Page/properties/next", {"type": "string"}), "neither"),
    Seed("property became anything", put(f"{LOG}/code", {}), "reads"),
    Seed("closed enum value added", put(f"{LOG}/state/enum", ["up", "down", "gone"]), "reads"),
    Seed("closed enum value removed", put(f"{LOG}/state/enum", ["up"]), "neither"),
    Seed("closed enum value renamed", put(f"{LOG}/state/enum", ["up", "off"]), "reads"),
    Seed("closed enum became open", put(f"{LOG}/state", {"anyOf": [{"type": "string", "enum": ["up", "down"]}, {"type": "string"}]}), "reads"),
    Seed("open enum value added", put(f"{LOG}/level/anyOf/0/enum", ["error", "info", "debug"]), "neither"),
    Seed("open enum value removed", put(f"{LOG}/level/anyOf/0/enum", ["error"]), "neither"),
    Seed("open enum became closed", put(f"{LOG}/level", {"type": "string", "enum": ["error", "info"]}), "neither"),
    Seed("length raised", put(f"{LOG}/id/maxLength", 36), "reads"),
    Seed("length lowered", put(f"{LOG}/id/maxLength", 12), "neither"),
    Seed("maximum raised", put(f"{LOG}/count/maximum", 20), "reads"),
    Seed("minimum removed", drop(f"{LOG}/count/minimum"), "reads"),
    Seed("more items", put(f"{SCHEMAS}/Page/properties/items/maxItems", 1000), "reads"),
    Seed("pattern removed", drop(f"{LOG}/code/pattern"), "reads"),
    Seed("pattern changed", put(f"{LOG}/code/pattern", "^[a-z]+$"), "reads"),
    Seed("format changed", put(f"{LOG}/at/format", "date"), "reads"),
    Seed("format removed", drop(f"{LOG}/at/format"), "reads"),
    Seed("format set", put(f"{LOG}/id/format", "uuid"), "neither"),
    Seed("integer grew", put(f"{LOG}/small/format", "int64"), "reads"),
    Seed("items have another type", put(f"{SCHEMAS}/Group/properties/members/items", {"type": "integer"}), "both"),
    Seed("other properties have another type", put(f"{LOG}/labels/additionalProperties", {"type": "integer"}), "reads"),
    Seed("other properties can be anything", put(f"{LOG}/labels/additionalProperties", True), "reads"),
    Seed("other properties appear", put(f"{LOG}/strict/additionalProperties", True), "neither"),
    Seed("form added", put(f"{LOG}/target/oneOf/-", {"type": "object", "required": ["x"], "properties": {"x": {"type": "string"}}}), "reads"),
    Seed("form removed", put(f"{LOG}/target/oneOf", [REF_USER]), "neither"),
    Seed("object became one of several", put(f"{LOG}/user", {"oneOf": [REF_USER, {"$ref": "#/components/schemas/Group"}]}), "reads"),
    Seed("property within an object removed", drop(f"{SCHEMAS}/Problem/properties/code"), "reads"),
    Seed("property that only the client writes", put(f"{LOG}/secret/maxLength", 5), "same"),
    Seed("property became write-only", put(f"{LOG}/code/writeOnly", True), "reads"),
    Seed("default of a response", put(f"{LOG}/count/default", 5), "same"),
    Seed("property deprecated", put(f"{LOG}/at/deprecated", True), "neither"),
    # Security.
    Seed("alternative credentials removed", put("security", [{"bearer": []}]), "sends"),
    Seed("alternative credentials added", put("security/-", {"oauth": ["read"]}), "neither"),
    Seed("credentials needed together", put("security", [{"bearer": [], "key": []}]), "sends"),
    Seed("credentials for an open operation", put("paths/~ping/get/security", []), "neither"),
    Seed("another scope", put(f"{SEARCH}/security", [{"oauth": ["read", "write"]}]), "sends"),
    Seed("fewer scopes", put(f"{SEARCH}/security", [{"oauth": []}]), "neither"),
    Seed("another kind of credentials", put("components/securitySchemes/bearer/scheme", "basic"), "sends"),
    Seed("key in the query", put("components/securitySchemes/key/in", "query"), "sends"),
    Seed("another token address", put("components/securitySchemes/oauth/flows/clientCredentials/tokenUrl", "https://id.shop.example/token"), "sends"),
    Seed("scheme renamed", lambda spec: (spec["components"]["securitySchemes"].update({"token": spec["components"]["securitySchemes"].pop("bearer")}), put("security", [{"token": []}, {"key": []}])(spec))[-1], "same"),
    Seed("security written at each operation", both(put(f"{LIST}/security", [{"bearer": []}, {"key": []}]), put("paths/~ping/get/security", [{"key": []}, {"bearer": []}]), drop("security")), "same"),
    # Other ways to write the same.
    Seed("texts", both(put(f"{LIST}/summary", "Logs!"), put(f"{LOG}/at/description", "When."), put(f"{LOG}/at/examples", ["2026"]), put("info/version", "2")), "same"),
    Seed("OpenAPI 3.0", _as_3_0, "same"),
    Seed("components written in place", _inlined, "same"),
    Seed("object split by allOf", _all_of, "same"),
    Seed("component renamed", _renamed, "same"),
    Seed("parts moved to the components", _shared_parts, "same"),
    Seed("const for an enum of one", both(put(f"{LOG}/state", {"const": "up"}), put(f"{LOG}/state", {"enum": ["up"], "type": "string"}), put(f"{LOG}/state/enum", ["up", "down"])), "same"),
    Seed("anyOf with null", put(f"{SCHEMAS}/Page/properties/next", {"anyOf": [{"type": "string"}, {"type": "null"}]}), "same"),
    Seed("oneOf in another order", lambda spec: spec["components"]["schemas"]["Log"]["properties"]["target"]["oneOf"].reverse(), "same"),
    Seed("oneOf of one", put(f"{LOG}/user", {"oneOf": [REF_USER]}), "same"),
    Seed("allOf of one", put(f"{LOG}/user", {"allOf": [REF_USER], "description": "Who."}), "same"),
    Seed("open object written out", put(f"{LOG}/open/additionalProperties", {}), "same"),
    Seed("list of one type", put(f"{LOG}/at/type", ["string"]), "same"),
    Seed("type left to the keywords", drop(f"{SCHEMAS}/User/type"), "same"),
    Seed("unused component removed", put(f"{SCHEMAS}/Unused", {"type": "object"}), "same"),
)  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS, ids=str)
def test_a_seeded_change_is_judged(seed: Seed) -> None:
    """Each breaking change is breaking, for whom it breaks; no other one is; another way to write the same is none."""
    changed = copy.deepcopy(SHOP)
    seed.change(changed)
    found = diff(SHOP, changed)
    if seed.breaks == "same":
        assert found.changes == ()
        return
    assert found.changes
    whom = {whom for one in found.breaking for whom in ("sends", "reads") if getattr(one, whom)}
    assert whom == {"sends": {"sends"}, "reads": {"reads"}, "both": {"sends", "reads"}, "neither": set()}[seed.breaks]


def test_there_are_enough_seeds() -> None:
    """At least 60 seeds, of each kind several, with names of their own."""
    assert len({seed.name for seed in SEEDS}) == len(SEEDS) >= 60
    for kind in ("sends", "reads", "neither", "same"):
        assert sum(seed.breaks == kind for seed in SEEDS) >= 15


@pytest.mark.parametrize("seed", SEEDS, ids=str)
def test_the_way_back_of_no_change_is_no_change(seed: Seed) -> None:
    """What is the same is the same in the other direction too, and a document equals itself."""
    changed = copy.deepcopy(SHOP)
    seed.change(changed)
    assert diff(changed, changed).changes == ()
    assert bool(diff(changed, SHOP).changes) == (seed.breaks != "same")


# Names in logferry, and the command.

ROOT: Final = Path(__file__).parents[2]


def _service(service: str) -> Document:
    document: Document = yaml.safe_load((ROOT / f"specs/{service}/openapi.yaml").read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize(
    ("service", "change", "touches"),
    [
        (
            "logto",
            drop("paths/~api~logs/get/parameters/=logKey"),
            {"filter log_key of logto.audit_logs"},
        ),
        (
            "logto",
            drop(f"{SCHEMAS}/AuditLogPayload/properties/userId"),
            {"AuditLogPayload.user_id", "attribute user.id of logto.audit_logs"},
        ),
        ("daily", drop("paths/~logs~api"), {"daily.api_logs"}),
        ("cognigy", put(f"{SCHEMAS}/LogLevel/enum", ["fatal"]), {"filter type_ of cognigy.project_logs"}),
        ("signalwire", drop(f"{SCHEMAS}/VideoLog/properties/room_name"), {"VideoLog.room_name"}),
    ],
    ids=["filter", "entry and attribute", "stream", "enum of a filter", "entry"],
)  # fmt: skip
def test_a_change_names_what_it_touches(service: str, change: Callable[[Document], None], touches: set[str]) -> None:
    """A change of an installed spec names the streams, filters, entries and attributes that it touches."""
    document = _service(service)
    change(document)
    found = diff(service, document)
    assert touches <= {name for one in found.breaking for name in one.touches}


def test_installed_specs_equal_their_sources() -> None:
    """The specs that are installed are those of the repository."""
    for service in ("cognigy", "daily", "logto", "signalwire"):
        assert diff(service, ROOT / f"specs/{service}/openapi.yaml").changes == ()


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """Return the files of two documents with one breaking change, and one that is not."""
    changed = copy.deepcopy(SHOP)
    both(drop(f"{LIST}/parameters/=free"), put(f"{LOG}/more", {"type": "string"}))(changed)
    for name, document in (("old.yaml", SHOP), ("new.json", changed)):
        (tmp_path / name).write_text(json.dumps(document), encoding="utf-8")
    return str(tmp_path / "old.yaml"), str(tmp_path / "new.json")


def test_the_command_exits_with_1_where_something_breaks(files: tuple[str, str]) -> None:
    """Breaking changes come first; the way without any exits with 0."""
    done = CliRunner().invoke(main, ["spec", "diff", *files])
    assert done.exit_code == 1
    first, *others = done.stdout.splitlines()
    assert first == (
        "BREAKING  GET /rooms/{room}/logs, parameter free: the parameter went away: it is ignored, or refused (breaks who sends)"
    )
    assert all(line.startswith("ok  ") for line in others)
    assert CliRunner().invoke(main, ["spec", "diff", files[0], files[0]]).exit_code == 0


def test_the_command_writes_json_and_markdown(files: tuple[str, str]) -> None:
    """JSON has each change as an object; Markdown has a heading for breaking and for compatible changes."""
    done = CliRunner().invoke(main, ["spec", "diff", *files, "--format", "json"])
    found = json.loads(done.stdout)
    assert found["breaking"] is True
    assert [one["sends"] for one in found["changes"]] == [True, False, False]
    text = CliRunner().invoke(main, ["spec", "diff", *files, "--format", "markdown"]).stdout
    assert text.startswith("## Breaking\n\n### `GET /rooms/{room}/logs`\n\n- `parameter free`: ")
    assert "## Compatible" in text


def test_the_command_refuses_what_is_no_spec(tmp_path: Path) -> None:
    """A file that cannot be read exits with 2."""
    assert CliRunner().invoke(main, ["spec", "diff", "logto", str(tmp_path / "none.yaml")]).exit_code == 2
