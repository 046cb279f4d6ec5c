"""The stream of Logto's audit logs."""

from __future__ import annotations

from typing import Final

from logferry.extend import (
    MILLISECOND,
    Incremental,
    StreamDefinition,
)
from logferry.services.logto._position import WalkPosition
from logferry.services.logto._query import AuditLogFilters
from logferry.services.logto._records import NORMALIZER
from logferry.services.logto._rows import LARGEST_PAGE
from logferry.services.logto._walk import walk
from logferry_clients.logto.models.audit_log import AuditLog, AuditLogJson, fits_audit_log, repair_audit_log

AUDIT_LOGS: Final[StreamDefinition[AuditLog, AuditLogJson, AuditLogFilters]] = StreamDefinition(
    name="logto.audit_logs",
    summary="what users and applications did to sign in and to get tokens",
    paging="page number",
    order="newest first",
    time_filter="server since 1.40, else client",
    resolution=MILLISECOND,
    promise=(
        "each log once, by id, also while others come and go, however many have one time; where a server before 1.40 has "
        "more of one time than a page holds (100), an issue says that some may be missing"
    ),
    filters=AuditLogFilters,
    page_size=LARGEST_PAGE,
    largest_page_size=LARGEST_PAGE,
    walk=walk,
    fits=fits_audit_log,
    repair=repair_audit_log,
    entry=AuditLog.from_dict,
    normalizer=NORMALIZER,
    attributes_home="logferry.services.logto._attributes:ATTRIBUTES",
    incremental=Incremental(
        ignores_bounds=lambda position: position is not None and WalkPosition.from_json(position).counting
    ),
)
