"""A SignalWire account: a project of a space, and an API token of the project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from logferry.extend import (
    Authorizer,
    ConfigurationError,
    PagingError,
    Refusal,
    basic,
    is_array,
    is_foreign,
    is_object,
    text_in,
)

if TYPE_CHECKING:
    from logferry_clients.signalwire.models.validation_error import ValidationErrorKey

_DOMAIN: Final = ".signalwire.com"
_SPACE: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)


def space_url(space: str, *, setting: str) -> str:
    """The address of a space, by its name or its host; *setting* is its name in the error if it is neither."""
    name = space.lower().removesuffix(_DOMAIN)
    if not _SPACE.fullmatch(name):
        raise ConfigurationError(
            f"{setting} is no name of a space",
            hint="It looks like acme or acme.signalwire.com; any other address goes into SIGNALWIRE_BASE_URL",
        )
    return f"https://{name}{_DOMAIN}"


def space_of(host: str) -> str | None:
    """The name of the space that has this host; ``None`` for a custom host."""
    return host.removesuffix(_DOMAIN) if host.endswith(_DOMAIN) else None


def project_token(*, project_id: str, api_token: str) -> Authorizer:
    """Authorize with an API token of a project."""
    if ":" in project_id:  # it separates the id from the token in the header
        raise ConfigurationError("project_id has a colon", hint="Check SIGNALWIRE_PROJECT_ID")
    return basic(project_id, api_token)


_ATTRIBUTE: Final[ValidationErrorKey] = "attribute"
_PAGE_TOKEN: Final = "page_token"  # noqa: S105  # the name of a parameter

_ADDRESS_HINT: Final = (
    "Check SIGNALWIRE_SPACE, or SIGNALWIRE_BASE_URL where it is set: it looks like https://acme.signalwire.com"
)
_HINTS: Final[Mapping[int, str]] = {
    # The service's documentation is inconsistent: a missing scope is 401 on one page, 403 on another.
    HTTPStatus.UNAUTHORIZED: (
        "Check SIGNALWIRE_PROJECT_ID and SIGNALWIRE_API_TOKEN, that SIGNALWIRE_SPACE is the project's space, "
        "and that the token has the scope Video, Voice, Messaging or Fax, as the stream needs"
    ),
    HTTPStatus.FORBIDDEN: (
        "Give the API token the scope Video, Voice, Messaging or Fax, as the stream needs, "
        "and check that SIGNALWIRE_SPACE is the project's space"
    ),
    HTTPStatus.NOT_FOUND: _ADDRESS_HINT,
}


def api_refusal(status: int, body: Mapping[str, Any]) -> Refusal:
    """The details of an error body: a text ``error``, or for 422 a list ``errors``, one entry for each mistake."""
    hint = _HINTS.get(status) or (_ADDRESS_HINT if is_foreign(status, body) else None)
    errors = body.get("errors")
    mistakes = [one for one in errors if is_object(one)] if is_array(errors) else []
    if mistakes:
        codes = [code for code in (text_in(one.get("code")) for one in mistakes) if code]
        texts = [words for words in map(_words, mistakes) if words]
        lost = any(one.get(_ATTRIBUTE) == _PAGE_TOKEN for one in mistakes)
        return Refusal(
            code=codes[0] if codes else None,
            message="; ".join(texts) or None,
            hint="The service no longer knows the page: start again without the checkpoint" if lost else hint,
            error=PagingError if lost else None,
        )
    return Refusal(
        code=text_in(body.get("code")), message=text_in(body.get("error")) or text_in(body.get("message")), hint=hint
    )


def _words(mistake: Mapping[str, Any]) -> str | None:
    message = text_in(mistake.get("message")) or text_in(mistake.get("detail"))
    attribute = text_in(mistake.get(_ATTRIBUTE))
    return f"{attribute}: {message}" if attribute and message else message
