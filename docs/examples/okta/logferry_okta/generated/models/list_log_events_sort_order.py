from typing import Literal

ListLogEventsSortOrder = Literal["ASCENDING", "DESCENDING"]

LIST_LOG_EVENTS_SORT_ORDER_VALUES: set[ListLogEventsSortOrder] = {
    "ASCENDING",
    "DESCENDING",
}


def check_list_log_events_sort_order(value: str) -> ListLogEventsSortOrder:
    if value in LIST_LOG_EVENTS_SORT_ORDER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LIST_LOG_EVENTS_SORT_ORDER_VALUES!r}")
