"""Compares two OpenAPI documents: what changed, and whether it breaks who sends requests or who reads responses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from attrs import define, evolve

from logferry._json import is_object
from logferry.specs._bounds import Found
from logferry.specs._changes import Change, Difference, Effect
from logferry.specs._comparison import Comparison, Way
from logferry.specs._document import Document, described, is_service, load, operations
from logferry.specs._facade import Names, names_of
from logferry.specs._preparation import is_json
from logferry.specs._security import security_changes
from logferry.specs._shapes import Schemas

_PARAMETER_IN_PATH: Final = re.compile(r"\{([^{}]*)\}")


def diff(old: Document | str | Path, new: Document | str | Path, *, service: str | None = None) -> Difference:
    """
    What changed from one spec to another.

    Documentation, examples, names of components and the way a schema is written count as no change.

    Args:
        old: A document; or its file, or the name of a service for the spec that is installed.
        new: The other one.
        service: Whose names in logferry to look for.  Default: the service that *old* or *new* names, or that the document's
            title names.

    Raises:
        InvalidRequestError: A file is no OpenAPI 3 document, or a reference in it leads nowhere.
    """
    documents = [one if isinstance(one, Mapping) else load(one) for one in (old, new)]
    names = names_of(service or _service_of(old, new, documents))
    comparison = _Documents(documents[0], documents[1], Schemas(documents[0]), Schemas(documents[1]), names)
    changes = list(dict.fromkeys(comparison.changes()))
    return Difference(tuple(sorted(changes, key=lambda one: not one.breaking)))


def _service_of(old: object, new: object, documents: list[Document]) -> str | None:
    titles = [document.get("info", {}).get("title", "") for document in documents]
    given = [
        one
        for one in (old, new, *(title.lower() for title in titles if isinstance(title, str)))
        if isinstance(one, str)
    ]
    return next(filter(is_service, given), None)


@define
class _Documents:
    old: Document
    new: Document
    before: Schemas
    after: Schemas
    names: Names

    def changes(self) -> Iterator[Change]:
        yield from self._servers()
        before, after = self._operations(self.old), self._operations(self.new)
        for key in dict.fromkeys([*before, *after]):
            where = f"{key[0].upper()} {(after.get(key) or before[key])[0]}"
            touches = self.names.of_operation(
                self.old if key in before else self.new, (before.get(key) or after[key])[2]
            )
            if key not in after:
                yield Change(
                    operation=where, place="", what="the operation went away", sends=True, reads=True, touches=touches
                )
            elif key not in before:
                yield Change(operation=where, place="", what="the operation came")
            else:
                for one in self._operation(before[key], after[key]):
                    yield evolve(one, operation=where, touches=one.touches or (touches if one.breaking else ()))

    def _servers(self) -> Iterator[Change]:
        before, after = ({one.get("url") for one in document.get("servers", ())} for document in (self.old, self.new))
        for url in sorted(map(str, before ^ after)):
            yield Change(operation="", place="", what=f"the server {url} {'came' if url in after else 'went away'}")

    def _operations(self, document: Document) -> dict[tuple[str, str], tuple[str, Document, Document]]:
        """Operations by method and path; the names of parameters in a path do not count."""
        return {
            (method, _PARAMETER_IN_PATH.sub("{}", path)): (path, item, one)
            for path, method, item, one in operations(document)
        }

    def _operation(self, old: tuple[str, Document, Document], new: tuple[str, Document, Document]) -> Iterator[Change]:
        (_, _, before), (_, _, after) = old, new
        if bool(before.get("deprecated")) != bool(after.get("deprecated")):
            yield Change(operation="", place="", what=f"is {'' if after.get('deprecated') else 'not '}deprecated")
        if before.get("operationId") != after.get("operationId"):
            what = f"the operation was called {before.get('operationId')}, and is called {after.get('operationId')}"
            yield Change(operation="", place="", what=what)
        yield from self._parameters(old, new)
        yield from self._request_body(before, after)
        yield from self._responses(before, after)
        yield from security_changes(self.old, before, self.new, after)

    # What the client sends.

    def _parameters(self, old: tuple[str, Document, Document], new: tuple[str, Document, Document]) -> Iterator[Change]:
        before, after = self._given(self.before, *old), self._given(self.after, *new)
        for key in dict.fromkeys([*before, *after]):
            kind = "parameter" if key[0] == "query" else f"{key[0]} parameter"
            place = f"{kind} {(before.get(key) or after[key])['name']}"
            if key not in after:
                found = [Found("", "the parameter went away: it is ignored, or refused", "different")]
            elif key not in before:
                needed = after[key].get("required")
                found = [
                    Found("", f"the {'required ' if needed else ''}parameter came", "narrower" if needed else "none")
                ]
            else:
                found = list(self._parameter(before[key], after[key]))
            touches = self.names.of_parameter(self.old, old[2], str((before.get(key) or after[key])["name"]))
            for one in found:
                yield _change(one, place, "parameter", touches)

    def _given(
        self, schemas: Schemas, path: str, item: Document, operation: Document
    ) -> dict[tuple[str, str], Mapping[str, Any]]:
        positions = {name: str(number) for number, name in enumerate(_PARAMETER_IN_PATH.findall(path))}
        found: dict[tuple[str, str], Mapping[str, Any]] = {}
        for given in (*item.get("parameters", ()), *operation.get("parameters", ())):
            one = schemas.followed(given)
            place, name = str(one.get("in")), str(one.get("name"))
            if place == "header" and name.lower() in {"accept", "authorization", "content-type"}:
                continue  # OpenAPI has them ignored
            key = positions.get(name, name) if place == "path" else name.lower() if place == "header" else name
            found[place, key] = one
        return found

    def _parameter(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Found]:
        if old["name"] != new["name"] and old["in"] == "path":
            yield Found("", f"the parameter was called {old['name']}, and is called {new['name']}", "none")
        was, is_ = bool(old.get("required")), bool(new.get("required"))
        if was != is_ and old["in"] != "path":
            yield Found("", "is required" if is_ else "is not required any more", "narrower" if is_ else "wider")
        if bool(old.get("deprecated")) != bool(new.get("deprecated")):
            yield Found("", f"is {'' if new.get('deprecated') else 'not '}deprecated", "none")
        before, after = (_schema_of(one) for one in (old, new))
        several = any(
            "array" in (flat.kinds or ()) or "object" in (flat.kinds or ())
            for flat in self.before.alternatives((before,))
        )
        if several and _style(old) != _style(new):
            yield Found("", f"several values are written {_style(new)}, not {_style(old)}", "different")
        if ("content" in old) != ("content" in new):
            yield Found(
                "", "is written as JSON" if "content" in new else "is not written as JSON any more", "different"
            )
        yield from Comparison(self.before, self.after, "parameter").compare((before,), (after,))

    def _request_body(self, old: Document, new: Document) -> Iterator[Change]:
        before, after = (
            schemas.followed(one.get("requestBody")) for schemas, one in ((self.before, old), (self.after, new))
        )
        if not before or not after:
            if before:
                yield _change(Found("", "the request body went away", "different"), "request body", "request")
            elif after:
                needed = bool(after.get("required"))
                what = f"the {'required ' if needed else ''}request body came"
                yield _change(Found("", what, "narrower" if needed else "none"), "request body", "request")
            return
        was, is_ = bool(before.get("required")), bool(after.get("required"))
        if was != is_:
            what = "is required" if is_ else "is not required any more"
            yield _change(Found("", what, "narrower" if is_ else "wider"), "request body", "request")
        yield from self._content(before, after, "request body", "request")

    # What the service sends.

    def _responses(self, old: Document, new: Document) -> Iterator[Change]:
        before, after = old.get("responses", {}), new.get("responses", {})
        met: set[str] = set()
        for status in before:
            standing = described(after, status)
            place = f"response {status}"
            if standing is None:
                yield _change(Found("", "the response went away", "different"), place, "response")
                continue
            met.add(standing)
            if standing != status:
                yield _change(Found("", f"the response is part of {standing}", "none"), place, "response")
            one, other = self.before.followed(before[status]), self.after.followed(after[standing])
            yield from self._content(one, other, place, "response")
            yield from self._headers(one, other, place)
        for status in after:
            if status not in before and status not in met:
                yield _change(Found("", "the response came", "none"), f"response {status}", "response")

    def _headers(self, old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> Iterator[Change]:
        before, after = (
            {name.lower(): (name, schemas.followed(one)) for name, one in response.get("headers", {}).items()}
            for schemas, response in ((self.before, old), (self.after, new))
        )
        for key in dict.fromkeys([*before, *after]):
            name = (before.get(key) or after[key])[0]
            if key not in after:
                found = [Found("", "the header went away", "different")]
            elif key not in before:
                found = [Found("", "the header came", "none")]
            else:
                one, other = before[key][1], after[key][1]
                found = list(
                    Comparison(self.before, self.after, "response").compare((_schema_of(one),), (_schema_of(other),))
                )
                if bool(one.get("required")) != bool(other.get("required")):
                    always = bool(other.get("required"))
                    found.append(
                        Found("", "is always there" if always else "can be missing", "narrower" if always else "wider")
                    )
            for one in found:
                yield _change(one, f"{place}, header {name}", "response", ())

    def _content(self, old: Mapping[str, Any], new: Mapping[str, Any], place: str, way: Way) -> Iterator[Change]:
        before, after = _media(old), _media(new)
        for kind in dict.fromkeys([*before, *after]):
            media = place if is_json(kind) else f"{place} {kind}"
            if kind not in after:
                yield _change(Found("", f"the media type {kind} went away", "different"), place, way)
            elif kind not in before:
                yield _change(Found("", f"the media type {kind} came", "none"), place, way)
            else:
                for found in Comparison(self.before, self.after, way).compare((before[kind],), (after[kind],)):
                    touches = self.names.of_field(found.owner, found.at) if way == "response" else ()
                    yield _change(found, media, way, touches)


def _change(found: Found, place: str, way: Way, touches: tuple[str, ...] = ()) -> Change:
    breaks = found.effect in _BREAKING[way]
    where = f"{place}: {found.at}" if found.at else place
    return Change(
        operation="",
        place=where,
        what=found.what,
        sends=breaks and way != "response",
        reads=breaks and way == "response",
        touches=touches,
    )


_BREAKING: Final[Mapping[Way, frozenset[Effect]]] = {
    "parameter": frozenset({"narrower", "different"}),
    "request": frozenset({"narrower", "different"}),
    "response": frozenset({"wider", "different"}),
}


def _media(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schemas by media type, without parameters such as the charset."""
    return {
        name.partition(";")[0].strip().lower(): one.get("schema", {}) if is_object(one) else {}
        for name, one in value.get("content", {}).items()
    }


def _schema_of(value: Mapping[str, Any]) -> Any:
    content = value.get("content")
    if is_object(content) and content:
        return next(iter(content.values())).get("schema", {})
    return value.get("schema", {})


def _style(parameter: Mapping[str, Any]) -> str:
    style = parameter.get("style", "form" if parameter.get("in") in {"query", "cookie"} else "simple")
    explode = parameter.get("explode", style == "form")
    return f"as {style}{', each with the name' if explode else ', all in one'}"
