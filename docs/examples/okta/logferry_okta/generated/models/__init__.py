"""Contains all the data models used in inputs/outputs"""

from .error_body import ErrorBody, ErrorBodyJson, ErrorBodyKey, fits_error_body, repair_error_body
from .json_object import JsonObject
from .list_log_events_sort_order import ListLogEventsSortOrder
from .log_actor import LogActor, LogActorJson, LogActorKey, fits_log_actor, repair_log_actor
from .log_authentication_context import (
    LogAuthenticationContext,
    LogAuthenticationContextJson,
    LogAuthenticationContextKey,
    fits_log_authentication_context,
    repair_log_authentication_context,
)
from .log_bot_protection import (
    LogBotProtection,
    LogBotProtectionJson,
    LogBotProtectionKey,
    fits_log_bot_protection,
    repair_log_bot_protection,
)
from .log_client import LogClient, LogClientJson, LogClientKey, fits_log_client, repair_log_client
from .log_debug_context import (
    LogDebugContext,
    LogDebugContextJson,
    LogDebugContextKey,
    fits_log_debug_context,
    repair_log_debug_context,
)
from .log_event import LogEvent, LogEventJson, LogEventKey, fits_log_event, repair_log_event
from .log_geographical_context import (
    LogGeographicalContext,
    LogGeographicalContextJson,
    LogGeographicalContextKey,
    fits_log_geographical_context,
    repair_log_geographical_context,
)
from .log_geolocation import (
    LogGeolocation,
    LogGeolocationJson,
    LogGeolocationKey,
    fits_log_geolocation,
    repair_log_geolocation,
)
from .log_ip_address import LogIpAddress, LogIpAddressJson, LogIpAddressKey, fits_log_ip_address, repair_log_ip_address
from .log_ip_details import LogIpDetails, LogIpDetailsJson, LogIpDetailsKey, fits_log_ip_details, repair_log_ip_details
from .log_ip_service_category import (
    LogIpServiceCategory,
    LogIpServiceCategoryJson,
    LogIpServiceCategoryKey,
    fits_log_ip_service_category,
    repair_log_ip_service_category,
)
from .log_issuer import LogIssuer, LogIssuerJson, LogIssuerKey, fits_log_issuer, repair_log_issuer
from .log_outcome import LogOutcome, LogOutcomeJson, LogOutcomeKey, fits_log_outcome, repair_log_outcome
from .log_request import LogRequest, LogRequestJson, LogRequestKey, fits_log_request, repair_log_request
from .log_risk import LogRisk, LogRiskJson, LogRiskKey, fits_log_risk, repair_log_risk
from .log_security_context import (
    LogSecurityContext,
    LogSecurityContextJson,
    LogSecurityContextKey,
    fits_log_security_context,
    repair_log_security_context,
)
from .log_target import LogTarget, LogTargetJson, LogTargetKey, fits_log_target, repair_log_target
from .log_transaction import (
    LogTransaction,
    LogTransactionJson,
    LogTransactionKey,
    fits_log_transaction,
    repair_log_transaction,
)
from .log_user_agent import LogUserAgent, LogUserAgentJson, LogUserAgentKey, fits_log_user_agent, repair_log_user_agent
from .log_user_behavior import (
    LogUserBehavior,
    LogUserBehaviorJson,
    LogUserBehaviorKey,
    fits_log_user_behavior,
    repair_log_user_behavior,
)

__all__ = (
    "ErrorBody",
    "ErrorBodyJson",
    "ErrorBodyKey",
    "fits_error_body",
    "fits_log_actor",
    "fits_log_authentication_context",
    "fits_log_bot_protection",
    "fits_log_client",
    "fits_log_debug_context",
    "fits_log_event",
    "fits_log_geographical_context",
    "fits_log_geolocation",
    "fits_log_ip_address",
    "fits_log_ip_details",
    "fits_log_ip_service_category",
    "fits_log_issuer",
    "fits_log_outcome",
    "fits_log_request",
    "fits_log_risk",
    "fits_log_security_context",
    "fits_log_target",
    "fits_log_transaction",
    "fits_log_user_agent",
    "fits_log_user_behavior",
    "JsonObject",
    "ListLogEventsSortOrder",
    "LogActor",
    "LogActorJson",
    "LogActorKey",
    "LogAuthenticationContext",
    "LogAuthenticationContextJson",
    "LogAuthenticationContextKey",
    "LogBotProtection",
    "LogBotProtectionJson",
    "LogBotProtectionKey",
    "LogClient",
    "LogClientJson",
    "LogClientKey",
    "LogDebugContext",
    "LogDebugContextJson",
    "LogDebugContextKey",
    "LogEvent",
    "LogEventJson",
    "LogEventKey",
    "LogGeographicalContext",
    "LogGeographicalContextJson",
    "LogGeographicalContextKey",
    "LogGeolocation",
    "LogGeolocationJson",
    "LogGeolocationKey",
    "LogIpAddress",
    "LogIpAddressJson",
    "LogIpAddressKey",
    "LogIpDetails",
    "LogIpDetailsJson",
    "LogIpDetailsKey",
    "LogIpServiceCategory",
    "LogIpServiceCategoryJson",
    "LogIpServiceCategoryKey",
    "LogIssuer",
    "LogIssuerJson",
    "LogIssuerKey",
    "LogOutcome",
    "LogOutcomeJson",
    "LogOutcomeKey",
    "LogRequest",
    "LogRequestJson",
    "LogRequestKey",
    "LogRisk",
    "LogRiskJson",
    "LogRiskKey",
    "LogSecurityContext",
    "LogSecurityContextJson",
    "LogSecurityContextKey",
    "LogTarget",
    "LogTargetJson",
    "LogTargetKey",
    "LogTransaction",
    "LogTransactionJson",
    "LogTransactionKey",
    "LogUserAgent",
    "LogUserAgentJson",
    "LogUserAgentKey",
    "LogUserBehavior",
    "LogUserBehaviorJson",
    "LogUserBehaviorKey",
    "repair_error_body",
    "repair_log_actor",
    "repair_log_authentication_context",
    "repair_log_bot_protection",
    "repair_log_client",
    "repair_log_debug_context",
    "repair_log_event",
    "repair_log_geographical_context",
    "repair_log_geolocation",
    "repair_log_ip_address",
    "repair_log_ip_details",
    "repair_log_ip_service_category",
    "repair_log_issuer",
    "repair_log_outcome",
    "repair_log_request",
    "repair_log_risk",
    "repair_log_security_context",
    "repair_log_target",
    "repair_log_transaction",
    "repair_log_user_agent",
    "repair_log_user_behavior",
)
