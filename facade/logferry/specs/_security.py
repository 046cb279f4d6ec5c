"""What changed in the credentials that an operation asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from logferry._json import is_object
from logferry.specs._changes import Change
from logferry.specs._document import Document
from logferry.specs._preparation import followed

_Requirement: TypeAlias = frozenset[tuple[str, str]]
"""Schemes by what they are, with an empty text and with each scope; all of them are needed."""


def security_changes(old: Document, before: Document, new: Document, after: Document) -> Iterator[Change]:
    """
    Yield the changes of an operation's security.

    Requirements are alternatives: who meets one of the old ones has to meet one of the new ones with the same credentials.
    """
    was, is_ = _requirements(old, before), _requirements(new, after)
    if was == is_:
        return
    unmet = [one for one in sorted(was, key=sorted) if not any(other <= one for other in is_)]
    what = f"credentials were {_words(was)}, and are {_words(is_)}"
    yield Change(operation="", place="security", what=what, sends=bool(unmet))


def _requirements(document: Document, operation: Document) -> frozenset[_Requirement]:
    given: Sequence[Any] = operation.get("security", document.get("security")) or ({},)
    schemes = document.get("components", {}).get("securitySchemes", {})
    found = [
        frozenset(
            (_described(followed(document, schemes.get(name)), name), scope)
            for name, scopes in one.items()
            for scope in ("", *scopes)
        )
        for one in given
        if is_object(one)
    ]
    return frozenset(found)


def _described(scheme: Mapping[str, Any], name: str) -> str:
    """What a scheme is, whatever the document calls it."""
    kind = scheme.get("type", name)
    if kind == "http":
        return f"HTTP {scheme.get('scheme', '')}".lower().replace("http", "HTTP")
    if kind == "apiKey":
        key = str(scheme.get("name", ""))
        return f"the key {key.lower() if scheme.get('in') == 'header' else key} in the {scheme.get('in')}"
    if kind == "openIdConnect":
        return f"OpenID Connect at {scheme.get('openIdConnectUrl')}"
    if kind == "oauth2":
        flows = scheme.get("flows", {})
        places = [
            f"{flow} at {one.get('tokenUrl') or one.get('authorizationUrl')}" for flow, one in sorted(flows.items())
        ]
        return f"OAuth 2 ({', '.join(places)})"
    return str(kind)


def _words(requirements: frozenset[_Requirement]) -> str:
    texts = [
        " and ".join(f"the scope {scope}" if scope else name for name, scope in sorted(one)) or "not needed"
        for one in requirements
    ]
    return " or ".join(sorted(texts))
