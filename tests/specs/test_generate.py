"""``logferry.specs.generate``: a client of any spec, by the wheel alone."""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
import yaml
from click.testing import CliRunner

from logferry import InvalidRequestError
from logferry.cli import main
from logferry.specs import generate

Document = dict[str, Any]
Write = Callable[..., Path]

EVENTS = Path(__file__).with_name("documents") / "events.yaml"
BODY_USE = """
from typing import Any

from events_client.api.audit_events import get_audit_events
from events_client.models import AuditEventItems, Cursor, ResetCursor
from events_client.types import Request

first: Request[AuditEventItems] = get_audit_events.request(body=ResetCursor(limit=100, start_time="2026-01-01T00:00:00Z"))
later: Request[AuditEventItems] = get_audit_events.request(body=Cursor(cursor="c"))
body: Any = later.json
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the client of the one operation that takes a JSON body."""
    folder = tmp_path_factory.mktemp("events") / "events_client"
    generate(EVENTS, folder, operations=["getAuditEvents"])
    return folder


@pytest.fixture(scope="module")
def operation(client: Path) -> ModuleType:
    """Return the module of that operation."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(client.parent), *sys.path])
        return importlib.import_module("events_client.api.audit_events.get_audit_events")


@pytest.fixture(scope="module")
def models(operation: ModuleType) -> ModuleType:
    """Return the models of the client."""
    del operation
    return sys.modules["events_client.models"]


def test_a_json_body_is_built(operation: ModuleType, models: ModuleType) -> None:
    """Both forms of the body become JSON, without what was not given, and without the spec's default."""
    first = operation.request(body=models.ResetCursor(start_time="2026-01-01T00:00:00Z"))
    assert (first.method, first.path, first.form) == ("POST", "/api/v2/auditevents", None)
    assert first.json == {"start_time": "2026-01-01T00:00:00Z"}
    assert operation.request(body=models.Cursor(cursor="abc")).json == {"cursor": "abc"}


def test_a_json_body_is_sent_by_the_client(operation: ModuleType, models: ModuleType) -> None:
    """The client's own functions send the same body, and the answer becomes a model."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"cursor": "d", "has_more": False, "items": [{"uuid": "u", "timestamp": "t"}]})

    module = importlib.import_module("events_client.client")
    client = module.AuthenticatedClient(base_url="https://events.example", token="x")
    client.set_httpx_client(httpx.Client(base_url="https://events.example", transport=httpx.MockTransport(answer)))
    page = operation.sync(client=client, body=models.Cursor(cursor="abc"))
    assert sent[0].read() == b'{"cursor":"abc"}'
    assert page.items[0].timestamp == "t"


def test_other_operations_and_their_parts_are_left_out(client: Path) -> None:
    """Of an operation that is named, only what it refers to is generated."""
    names = {path.relative_to(client).as_posix() for path in client.rglob("*")}
    assert "models/audit_event.py" in names
    assert not {"models/unused.py", "api/auth"} & names
    assert "py.typed" in names


def test_the_security_of_the_document_is_that_of_its_operations(client: Path) -> None:
    """An operation without a security of its own wants an authenticated client where the document says so."""
    text = (client / "api/audit_events/get_audit_events.py").read_text(encoding="utf-8")
    assert "client: AuthenticatedClient,\n" in text


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_json_bodies_are_strictly_typed(client: Path, checker: str, tmp_path: Path) -> None:
    """The generated code, and code that uses it, passes the strict mode of both type checkers."""
    (tmp_path / "use.py").write_text(BODY_USE, encoding="utf-8")
    settings = {"typeCheckingMode": "strict", "include": ["use.py"], "extraPaths": [str(client.parent)]}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", checker]
    if checker == "mypy":
        command += ["--strict", "--config-file=", "--cache-dir", str(tmp_path / "cache"), "use.py", str(client)]
    else:
        command += ["--pythonpath", sys.executable, "--project", str(tmp_path)]
    paths = {**os.environ, "MYPYPATH": str(client.parent)}
    done = subprocess.run(command, cwd=tmp_path, env=paths, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_client_is_generated_again(events: Document, written: Write, tmp_path: Path) -> None:
    """A second run replaces the package, and says what it wrote, what it removed and what changed."""
    folder = tmp_path / "events_client"
    assert generate(written(events), folder).difference is None
    again = generate(written(events), folder)
    assert (again.written, again.removed) == ((), ())
    assert again.difference
    assert again.difference.changes == ()
    del events["paths"]["/api/v2/introspect"]
    events["components"]["schemas"]["AuditEvent"]["properties"]["action"]["enum"].append("purge")
    changed = generate(written(events), folder)
    assert "models/audit_event_action.py" in changed.written
    assert "api/auth/introspect.py" in changed.removed
    assert changed.difference
    assert [one.what for one in changed.difference.breaking] == [
        "the value purge came",
        "the operation went away",
    ]


def test_a_folder_with_something_else_is_kept(tmp_path: Path) -> None:
    """A folder that no generator wrote is refused, and stays as it is."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "__init__.py").write_text("mine = 1\n", encoding="utf-8")
    with pytest.raises(InvalidRequestError, match="something else than a generated client"):
        generate(EVENTS, folder)
    assert [path.name for path in folder.iterdir()] == ["__init__.py"]


def _multipart(spec: Document) -> None:
    operation = spec["paths"]["/api/v2/auditevents"]["post"]
    operation["requestBody"]["content"] = {"multipart/form-data": {"schema": {"type": "object"}}}


def _binary_body(spec: Document) -> None:
    operation = spec["paths"]["/api/v2/auditevents"]["post"]
    operation["requestBody"]["content"] = {"application/octet-stream": {"schema": {"type": "string"}}}


def _cookie(spec: Document) -> None:
    parameters = spec["paths"]["/api/v2/auditevents"]["post"]["parameters"]
    parameters.append({"name": "sid", "in": "cookie", "schema": {"type": "string"}})


def _binary(spec: Document) -> None:
    spec["components"]["schemas"]["AuditEvent"]["properties"]["blob"] = {"type": "string", "format": "binary"}


def _csv(spec: Document) -> None:
    del spec["paths"]["/api/v2/auditevents"]["post"]["responses"]["200"]["content"]["application/json"]


def _no_success(spec: Document) -> None:
    del spec["paths"]["/api/v2/auditevents"]["post"]["responses"]["200"]


def _method_name(spec: Document) -> None:
    spec["components"]["schemas"]["AuditEvent"]["properties"]["from_dict"] = {"type": "string"}


def _nowhere(spec: Document) -> None:
    spec["components"]["schemas"]["AuditEventItems"]["properties"]["items"]["items"]["$ref"] = "#/components/schemas/No"


def _other_file(spec: Document) -> None:
    spec["components"]["schemas"]["AuditEventItems"]["properties"]["items"]["items"]["$ref"] = "other.yaml#/Event"


def _json_parameter(spec: Document) -> None:
    parameter = {"name": "filter", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}}
    spec["paths"]["/api/v2/auditevents"]["post"]["parameters"].append(parameter)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            _multipart,
            "POST /api/v2/auditevents: the request body is multipart/form-data; JSON and form bodies are built",
        ),
        (_binary_body, "POST /api/v2/auditevents: the request body is application/octet-stream"),
        (_cookie, "POST /api/v2/auditevents: the parameter sid is a cookie"),
        (_json_parameter, "POST /api/v2/auditevents: the parameter filter is a JSON document within the query"),
        (_binary, "blob cannot be generated: it is a value that JSON does not have"),
        (_csv, "POST /api/v2/auditevents: the response 200 is text/csv; only JSON is decoded"),
        (_no_success, "POST /api/v2/auditevents: no response has a status 2xx"),
        (_method_name, "AuditEvent cannot be generated: its property from_dict has the name of a method of models"),
        (_nowhere, "the document refers to #/components/schemas/No, which it does not have"),
        (_other_file, "the document refers to another one: other.yaml#/Event"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_the_templates_refuse(
    change: Callable[[Document], None], message: str, events: Document, written: Write, tmp_path: Path
) -> None:
    """The error says where it is, why it cannot be generated and what to do, and nothing is written."""
    change(events)
    with pytest.raises(InvalidRequestError) as raised:
        generate(written(events), tmp_path / "client", operations=["getAuditEvents"])
    assert message in str(raised.value)
    assert raised.value.hint
    assert not (tmp_path / "client").exists()


def test_an_unknown_operation_is_named(tmp_path: Path) -> None:
    """The error has operations with similar names."""
    with pytest.raises(InvalidRequestError, match=r"no operation getAuditEvent.*getAuditEvents"):
        generate(EVENTS, tmp_path / "client", operations=["getAuditEvent"])


def test_the_command_generates(tmp_path: Path) -> None:
    """The command lists the files and exits with 0; a refusal exits with 2."""
    folder = tmp_path / "client"
    done = CliRunner().invoke(
        main, ["spec", "generate", str(EVENTS), "-o", str(folder), "--operation", "GET /api/v2/introspect"]
    )
    assert done.exit_code == 0, done.output
    assert f"wrote    {folder}/models/unused.py" in done.output
    assert CliRunner().invoke(main, ["spec", "generate", str(EVENTS), "-o", "not-a-name"]).exit_code == 2


IMPORT_ALL = """
import importlib, pkgutil
import client.models, client.api
for module in pkgutil.walk_packages(client.api.__path__, "client.api."):
    importlib.import_module(module.name)
"""

# A spec is data from outside: no part of it may become code.

PAYLOADS = (
    '"""\nimport pwned\npwned.run()\n"""',
    "'; pwned.run(); '",
    '"; pwned.run(); "',
    'x"]; pwned.run(); ["',
    '\\"\\"\\"\npwned.run()\n\\',
    "\\",
    'ends with a quote "',
    "{{ pwned.run() }}{% raw %}{{ 7 * 7 }}",
    "{pwned.run()}",
    "line\npwned.run()\n#",
    "carriage\rpwned.run()\r",
    "\u2028pwned.run()\u2029\x0cpwned.run()\x85pwned.run()\x00",
    "../../../../pwned",
    "/etc/pwned",
    "C:\\pwned\\..\\pwned",
    "__import__('pwned').run()",
    "${pwned.run()} $(pwned) `pwned`",
    "a" * 75 + '\\""""\\' * 30 + "pwned.run()",
)


def _hostile(payload: str) -> Document:
    """Return a spec with the payload in each place that a text can have."""
    schema = {
        "type": "object",
        "title": payload,
        "description": payload,
        "required": [f"r {payload}"],
        "properties": {
            f"r {payload}": {"type": "string", "description": payload, "default": payload, "example": payload},
            f"e {payload}": {"type": "string", "enum": ["a", payload], "description": payload, "default": payload},
            f"o {payload}": {"anyOf": [{"type": "string", "enum": [payload]}, {"type": "string"}]},
            f"c {payload}": {"const": payload},
            f"n {payload}": {"$ref": "#/components/schemas/Free", "description": payload},
            f"f {payload}": {"type": "string", "format": payload, "pattern": payload, "x-secret": payload},
        },
        "additionalProperties": {"$ref": "#/components/schemas/Model"},
    }
    parameters: list[Document] = [
        {
            "name": f"{place} {payload}",
            "in": place,
            "description": payload,
            "schema": {"type": "string", "default": payload},
        }
        for place in ("query", "header")
    ]
    parameters.append(
        {"name": "kind", "in": "query", "schema": {"type": "array", "items": {"type": "string", "enum": [payload]}}}
    )
    parameters.append({"name": "id", "in": "path", "required": True, "schema": {"type": "string"}})
    body = {
        "description": payload,
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Model"}}},
    }
    ok = {"description": payload, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Model"}}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": payload, "version": payload, "description": payload},
        "servers": [{"url": payload, "description": payload}],
        "tags": [{"name": payload, "description": payload}],
        "paths": {
            f"/{payload}/{{id}}/{payload}": {
                "post": {
                    "operationId": f"do {payload}",
                    "tags": [payload],
                    "summary": payload,
                    "description": payload,
                    "parameters": parameters,
                    "requestBody": body,
                    "responses": {"200": ok, "404": {"description": payload}},
                    "security": [{payload: []}],
                }
            }
        },
        "components": {
            "securitySchemes": {payload: {"type": "http", "scheme": payload}},
            "schemas": {"Free": {"type": "object", "description": payload}, "Model": schema},
        },
    }


def _code(tree: ast.AST) -> set[str]:
    """Return the texts of calls, imports and names that a payload would be in as code."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call | ast.Attribute):
            found.add(ast.unparse(node))
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.update(alias.name.partition(".")[0] for alias in node.names if isinstance(node, ast.Import))
    return found


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_a_hostile_spec_injects_nothing(payload: str, tmp_path: Path) -> None:
    """
    Each module compiles without a warning, and has none of the payload as code; no file is outside of the folder.

    A document that is refused wrote nothing at all.
    """
    work = tmp_path / "a/b/c/d/e/work"
    work.mkdir(parents=True)
    (work / "openapi.yaml").write_text(yaml.safe_dump(_hostile(payload)), encoding="utf-8")
    before = set(tmp_path.rglob("*"))
    try:
        generate(work / "openapi.yaml", work / "client")
    except InvalidRequestError:
        assert set(tmp_path.rglob("*")) == before
        return
    assert all(path.is_relative_to(work / "client") for path in set(tmp_path.rglob("*")) - before)
    for module in (work / "client").rglob("*.py"):
        assert module.name.removesuffix(".py").isidentifier()
        tree = compile(module.read_bytes(), str(module), "exec", ast.PyCF_ONLY_AST)
        texts = _code(tree)
        assert not any(
            "pwned.run()" in text or text.startswith(("pwned", "__import__")) for text in map(_without_texts, texts)
        )
    # An import runs what became code: there is no module of this name, so that it would fail.
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT_ALL], cwd=work, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _without_texts(code: str) -> str:
    """Return code with its literal texts emptied."""

    class Emptied(ast.NodeTransformer):
        def visit_Constant(self, node: ast.Constant) -> ast.Constant:
            return ast.Constant("") if isinstance(node.value, str) else node

    return ast.unparse(Emptied().visit(ast.parse(code)))


def test_the_hostile_spec_is_not_refused_as_a_whole(tmp_path: Path) -> None:
    """Most payloads are generated, so that the test above tests the templates."""
    generated = 0
    for number, payload in enumerate(PAYLOADS):
        spec = tmp_path / f"{number}.yaml"
        spec.write_text(yaml.safe_dump(_hostile(payload)), encoding="utf-8")
        try:
            generate(spec, tmp_path / f"client_{number}")
        except InvalidRequestError:
            continue
        generated += 1
    assert generated >= len(PAYLOADS) // 2


BOMB = "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]\n" for n in range(1, 30))


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['true']",
        "openapi: 3.1.0\npaths: !!python/name:os.system ''",
        BOMB,
        "openapi: 3.1.0\npaths: &p {a: *p}",
        "[" * 100_000,
        "openapi: 2.0",
        "",
    ],
)  # fmt: skip
def test_a_document_that_is_no_spec_is_an_error(text: str, tmp_path: Path) -> None:
    """YAML that makes objects, endless aliases and endless nesting are refused."""
    path = tmp_path / "openapi.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidRequestError):
        generate(path, tmp_path / "client")


def test_one_operation_of_a_large_document_is_generated(events: Document, tmp_path: Path) -> None:
    """Of a document of more than 3 MB, of which much cannot be generated, one operation becomes a small client."""
    schemas, paths = events["components"]["schemas"], events["paths"]
    for number in range(4000):
        ref = {"$ref": f"#/components/schemas/Other{number}"}
        described = {"type": "string", "format": "binary", "description": "What it is. " * 40}
        schemas[f"Other{number}"] = {"type": "object", "properties": {"self": ref, "blob": described}}
        responses = {"200": {"description": "x", "content": {"application/json": {"schema": ref}}}}
        paths[f"/other/{number}"] = {"get": {"operationId": f"other{number}", "responses": responses}}
    text = json.dumps(events)
    assert len(text) > 3_000_000
    (tmp_path / "large.json").write_text(text, encoding="utf-8")
    done = generate(tmp_path / "large.json", tmp_path / "client", operations=["introspect"])
    assert "models/unused.py" in done.written
    assert len(done.written) < 15
