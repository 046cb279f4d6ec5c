"""
What a service is made of; the built-in ones import nothing else of logferry.

Names load when they are first used, so that a client costs no more than it needs.
"""

from typing import TYPE_CHECKING

from logferry._lazy import lazy_names

if TYPE_CHECKING:
    from logferry._client import Client, Connection
    from logferry._config.arguments import ClientOptions, StreamOptions
    from logferry._config.settings import Settings
    from logferry._errors import AuthenticationError, ConfigurationError, InvalidRequestError, PagingError
    from logferry._flow.auth import Authorizer, api_key, basic, bearer, client_credentials
    from logferry._flow.steps import Batch, Flow, Key, Position, SubFlow, exchange, fetch
    from logferry._http.messages import Request, Response, Send
    from logferry._http.rate import Rate
    from logferry._http.responses import Refusal, about_response, decoded, is_foreign, wrong_shape
    from logferry._json import digest, dumps, is_array, is_object, loads, text_in
    from logferry._paging.cursor import cursor_at, cursor_walk, restarted
    from logferry._paging.cursor_position import REMEMBERED, CursorPage
    from logferry._paging.delivered import Delivered, plausible
    from logferry._paging.end import Doubts, Evidence, believed, disagreement, shortage
    from logferry._paging.keys import keys_of
    from logferry._paging.loop_guard import STUCK
    from logferry._records.attributes import Attribute, Attributes, mapped, present
    from logferry._records.origin import Normalizer, Origin
    from logferry._records.record import ERROR, INFO, LogRecord, make_record
    from logferry._redaction import REDACTED, is_secret_name, printable, public_url, without_secrets
    from logferry._streams.definition import Repaired, StreamDefinition, filter_field, flag
    from logferry._streams.incremental import Incremental, Sessions
    from logferry._streams.lazy import Streams
    from logferry._streams.matching import shown_at
    from logferry._streams.views import Stream
    from logferry._time.page_times import PageTimes, TimeField, known_times
    from logferry._time.timestamps import LAST, MILLISECOND, SECOND, number_to_nano, rfc3339, text_to_nano
    from logferry._time.window import Window

_HOMES = {
    "_client": "Client Connection",
    "_config.arguments": "ClientOptions StreamOptions",
    "_config.settings": "Settings",
    "_errors": "AuthenticationError ConfigurationError InvalidRequestError PagingError",
    "_flow.auth": "Authorizer api_key basic bearer client_credentials",
    "_flow.steps": "Batch Flow Key Position SubFlow exchange fetch",
    "_http.messages": "Request Response Send",
    "_http.rate": "Rate",
    "_http.responses": "Refusal about_response decoded is_foreign wrong_shape",
    "_json": "digest dumps is_array is_object loads text_in",
    "_paging.cursor": "cursor_at cursor_walk restarted",
    "_paging.cursor_position": "CursorPage REMEMBERED",
    "_paging.delivered": "Delivered plausible",
    "_paging.end": "Doubts Evidence believed disagreement shortage",
    "_paging.keys": "keys_of",
    "_paging.loop_guard": "STUCK",
    "_records.attributes": "Attribute Attributes mapped present",
    "_records.origin": "Normalizer Origin",
    "_records.record": "ERROR INFO LogRecord make_record",
    "_redaction": "REDACTED is_secret_name printable public_url without_secrets",
    "_streams.definition": "Repaired StreamDefinition filter_field flag",
    "_streams.incremental": "Incremental Sessions",
    "_streams.lazy": "Streams",
    "_streams.matching": "shown_at",
    "_streams.views": "Stream",
    "_time.page_times": "PageTimes TimeField known_times",
    "_time.timestamps": "LAST MILLISECOND SECOND number_to_nano rfc3339 text_to_nano",
    "_time.window": "Window",
}

__all__ = [
    "ERROR",
    "INFO",
    "LAST",
    "MILLISECOND",
    "REDACTED",
    "REMEMBERED",
    "SECOND",
    "STUCK",
    "Attribute",
    "Attributes",
    "AuthenticationError",
    "Authorizer",
    "Batch",
    "Client",
    "ClientOptions",
    "ConfigurationError",
    "Connection",
    "CursorPage",
    "Delivered",
    "Doubts",
    "Evidence",
    "Flow",
    "Incremental",
    "InvalidRequestError",
    "Key",
    "LogRecord",
    "Normalizer",
    "Origin",
    "PageTimes",
    "PagingError",
    "Position",
    "Rate",
    "Refusal",
    "Repaired",
    "Request",
    "Response",
    "Send",
    "Sessions",
    "Settings",
    "Stream",
    "StreamDefinition",
    "StreamOptions",
    "Streams",
    "SubFlow",
    "TimeField",
    "Window",
    "about_response",
    "api_key",
    "basic",
    "bearer",
    "believed",
    "client_credentials",
    "cursor_at",
    "cursor_walk",
    "decoded",
    "digest",
    "disagreement",
    "dumps",
    "exchange",
    "fetch",
    "filter_field",
    "flag",
    "is_array",
    "is_foreign",
    "is_object",
    "is_secret_name",
    "keys_of",
    "known_times",
    "loads",
    "make_record",
    "mapped",
    "number_to_nano",
    "plausible",
    "present",
    "printable",
    "public_url",
    "restarted",
    "rfc3339",
    "shortage",
    "shown_at",
    "text_in",
    "text_to_nano",
    "without_secrets",
    "wrong_shape",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazy_names(globals(), _HOMES)
