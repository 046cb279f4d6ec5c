"""What a package for a service is made of: guesses from the spec of one operation, each to be checked by a person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from shlex import quote
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import evolve, field, frozen
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import ModelProperty, Property
from openapi_python_client.parser.properties.list_property import ListProperty

from logferry._errors import InvalidRequestError
from logferry._json import is_object
from logferry._redaction import printable
from logferry.specs._document import Document, operations

_SIZES: Final = ("limit", "page_size", "pagesize", "per_page", "perpage", "size", "count", "max_results", "maxresults")
_CURSORS: Final = (
    "cursor", "after", "next", "page_token", "next_token", "next_page_token", "continuation", "starting_after", "nextcursor",
    "next_cursor", "nextpagetoken", "pagetoken",
)  # fmt: skip
_SINCE: Final = (
    "since",
    "start_time",
    "starttime",
    "from",
    "start",
    "start_date",
    "startdate",
    "created_after",
    "after_time",
)
_UNTIL: Final = ("until", "end_time", "endtime", "to", "end", "end_date", "enddate", "created_before", "before_time")
_IDS: Final = ("id", "uuid", "_id", "event_id", "eventid", "log_id", "logid", "uid")
_TIMES: Final = (
    "timestamp", "time", "created_at", "createdat", "published", "created", "date", "event_time", "eventtime", "occurred_at",
    "occurredat", "at", "ts", "start_time", "starttime", "updated_at",
)  # fmt: skip
_LARGEST_PAGE: Final = 100


@frozen
class Given:
    """A parameter of the operation: its name on the wire, in Python, and a value for a test."""

    name: str
    python: str
    sample: str = '""'


@frozen(kw_only=True)
class Plan:
    """
    The package.  All texts are identifiers, or are written by ``literal``.

    Attributes:
        name: The service's name.
        operation_id: What the operation is called on the command line, quoted for a shell.
        tag: The module of the generated operations.
        operation: The module of the operation.
        item: The class of an entry, and its module in *item_module*.
        items: The property of a page that has the entries; empty where a page is an array.
        page_sample: A page without entries, as Python.
        item_sample: An entry, as Python.
        id_name: The property with the id of an entry.
        time_name: The property with its time; *time_is_text* says whether it is a text, *unit* what a number counts.
        cursor_in: The parameter that takes the cursor; *cursor_out* is the property of a page that has it.
        size: The parameter for the number of entries; *page_size* is the largest.
        since: The parameter for the begin of a window, and *until* for its end.
        filters: Other optional parameters that are texts; *required* are other ones that are required.
        authorizer: What makes the credentials; *header* is that of an API key.
        base_url: The address of the service, or an empty text.
        to_do: What a person has to look at.
    """

    name: str
    operation_id: str
    tag: str
    operation: str
    item: str
    item_module: str
    items: str
    page_sample: str
    item_sample: str
    id_name: str
    time_name: str
    time_is_text: bool
    unit: str
    cursor_in: Given | None
    cursor_out: str
    size: Given | None
    page_size: int
    since: Given | None
    until: Given | None
    filters: Sequence[Given]
    required: Sequence[Given]
    authorizer: str
    header: str
    base_url: str
    to_do: Sequence[str] = field(factory=tuple)

    @property
    def package(self) -> str:
        """The name of the Python package."""
        return f"logferry_{self.name}"

    @property
    def client(self) -> str:
        """The name of the client's class."""
        return self.name.capitalize()

    @property
    def method(self) -> str:
        """The method that opens the stream."""
        return "logs"

    @property
    def stream_name(self) -> str:
        """The name of the stream."""
        return f"{self.name}.{self.method}"

    @property
    def authentication(self) -> str:
        """The credentials, in words."""
        return {"basic": "user and password, as user:password", "api_key": "API key"}.get(
            self.authorizer, "bearer token"
        )


def plan_of(name: str, document: Document, data: GeneratorData) -> Plan:
    """
    Guess the parts of the package.

    Raises:
        InvalidRequestError: The operation has no list of objects in its response.
    """
    tag, endpoint = next(
        (tag, one) for tag, found in data.endpoint_collections_by_tag.items() for one in found.endpoints
    )
    page = endpoint.responses.patterns[0].prop
    item, items, page_model = _item(data, page)
    names = {_text(one): one for one in (*(item.required_properties or ()), *(item.optional_properties or ()))}
    id_name, time_name = _first(names, _IDS), _first(names, _TIMES)
    time_kind = names[time_name].get_base_type_string().as_unembedded_code()
    given = {_text(one): one for one in endpoint.query_parameters}
    roles = {role: _first(given, words, known=False) for role, words in (("size", _SIZES), ("cursor", _CURSORS), ("since", _SINCE), ("until", _UNTIL))}  # fmt: skip
    dated = all(roles[role] and _is_text(given[roles[role]]) for role in ("since", "until"))
    used = {one for role, one in roles.items() if dated or role in {"size", "cursor"}}
    others = [one for wire, one in given.items() if wire not in used]
    cursor_out = (
        _first({_text(one): one for one in _properties(page_model)}, _CURSORS, known=False) if page_model else ""
    )
    scheme = _scheme(document)
    plan = Plan(
        name=name,
        operation_id=_id_of(document),
        tag=str(tag),
        operation=str(endpoint.name),
        item=str(item.class_info.name),
        item_module=str(item.class_info.module_name),
        items=items,
        page_sample=_sample_of(page_model, data) if page_model else "{}",
        item_sample=_sample_of(item, data),
        id_name=id_name,
        time_name=time_name,
        time_is_text=time_kind == "str",
        unit="" if time_kind == "str" else "MILLISECOND",
        cursor_in=_given(given, roles["cursor"]),
        cursor_out=cursor_out,
        size=_given(given, roles["size"]),
        page_size=_LARGEST_PAGE,
        since=_given(given, roles["since"]) if dated else None,
        until=_given(given, roles["until"]) if dated else None,
        filters=[Given(_text(one), str(one.python_name)) for one in others if not one.required and _is_text(one)],
        required=[
            Given(_text(one), str(one.python_name), _sample(one, data))
            for one in (*endpoint.path_parameters, *others, *endpoint.header_parameters)
            if one.required
        ],
        authorizer={"basic": "basic", "apiKey": "api_key"}.get(scheme[0], "bearer"),
        header=scheme[1],
        base_url=_address(document),
    )
    return _with_to_do(plan, endpoint)


def _item(data: GeneratorData, page: Property) -> tuple[ModelProperty, str, ModelProperty | None]:
    """The model of an entry, the property of the page that has entries, and the model of the page."""
    if isinstance(page, ListProperty) and isinstance(page.inner_property, ModelProperty):
        return _model(data, page.inner_property), "", None
    if isinstance(page, ModelProperty):
        model = _model(data, page)
        for one in _properties(model):
            if isinstance(one, ListProperty) and isinstance(one.inner_property, ModelProperty):
                return _model(data, one.inner_property), _text(one), model
    raise InvalidRequestError(
        "the operation does not respond with a list of objects",
        hint="Name the operation that lists entries, and describe its response as an array, or an object with one",
    )


def _model(data: GeneratorData, model: ModelProperty) -> ModelProperty:
    # A reference is a copy that was made before its properties were known.
    return next(one for one in data.models if one.class_info.name == model.class_info.name)


def _properties(model: ModelProperty) -> list[Property]:
    return [*(model.required_properties or ()), *(model.optional_properties or ())]


def _text(one: Any) -> str:
    text: str = one.name.get_untrusted_value()
    return text


def _is_text(one: Property) -> bool:
    return str(one.get_base_type_string().as_unembedded_code()) == "str"


def _first(names: Mapping[str, Any], words: Sequence[str], *, known: bool = True) -> str:
    """The name that comes first in *words*; where there has to be one, the first text of all."""
    by_word = {re.sub(r"[^a-z0-9_]", "", one.lower()): one for one in names}
    found = next((by_word[word] for word in words if word in by_word), "")
    if found or not known:
        return found
    return next((name for name, one in names.items() if _is_text(one)), next(iter(names)))


def _given(given: Mapping[str, Property], name: str) -> Given | None:
    return Given(name, str(given[name].python_name)) if name else None


def _sample_of(model: ModelProperty, data: GeneratorData, depth: int = 0) -> str:
    parts = [f"{_text(one)!r}: {_sample(one, data, depth + 1)}" for one in model.required_properties or ()]
    return f"{{{', '.join(parts)}}}"


def _sample(one: Any, data: GeneratorData, depth: int = 0) -> str:
    """A value of a property, as Python."""
    if isinstance(one, ModelProperty):
        return _sample_of(_model(data, one), data, depth) if depth < 10 else "{}"  # noqa: PLR2004  # deep enough
    if isinstance(one, ListProperty):
        return "[]"
    if hasattr(one, "values"):
        return repr(min(one.values))
    if hasattr(one, "inner_properties"):
        return _sample(one.inner_properties[0], data, depth)
    kinds = {"str": '"made up"', "int": "0", "float": "0.5", "bool": "True"}
    return kinds.get(str(one.get_base_type_string().as_unembedded_code()), "None")


def _id_of(document: Document) -> str:
    path, method, _, operation = operations(document)[0]
    name = operation.get("operationId")
    return quote(printable(name if isinstance(name, str) else f"{method.upper()} {path}"))


def _scheme(document: Document) -> tuple[str, str]:
    """The kind of the first security scheme, and the header of an API key."""
    schemes: Mapping[str, Any] = document.get("components", {}).get("securitySchemes", {})
    nothing: Mapping[str, Any] = {}
    one = next((value for value in schemes.values() if is_object(value)), nothing)
    if one.get("type") == "apiKey" and one.get("in") == "header":
        return "apiKey", str(one.get("name"))
    return ("basic" if str(one.get("scheme", "")).lower() == "basic" else "bearer"), ""


def _address(document: Document) -> str:
    servers: Sequence[Mapping[str, Any]] = document.get("servers", ())
    url = str(servers[0].get("url", "")) if servers else ""
    fits = urlsplit(url).scheme == "https" and "{" not in url and url.isprintable() and " " not in url
    return url.rstrip("/") if fits else ""


def _with_to_do(plan: Plan, endpoint: Endpoint) -> Plan:
    body = "`stream.py`: build the request body, which the operation requires. Until then the tests of pulls fail."
    return evolve(
        plan,
        to_do=[
            *([body] if endpoint.bodies else []),
            f"`stream.py`: is the id `{plan.id_name}`, and does `{plan.cursor_out or 'the last id'}` name the next page?",
            "`stream.py`: the order of the entries, the largest page, the filters, the service's own errors.",
            f"`records.py`: is the time `{plan.time_name}`? Severity, event, body, names of attributes.",
            "`client.py`: the credentials, and which settings there are.",
            "`fake.py`: the service's real habits: errors, limits, filters, odd fields.",
            "`tests`: more than 20 seeds.",
        ],
    )
