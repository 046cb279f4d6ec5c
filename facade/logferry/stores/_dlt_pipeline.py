"""The operations of dlt that the store uses: merge a table, read a table, load pending packages."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import dlt
import pyarrow as pa
from dlt.common.configuration import resolve_configuration
from dlt.common.configuration.exceptions import ConfigFieldMissingException, ConfigurationException
from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.common.destination import Destination
from dlt.common.destination.configuration import ParquetFormatConfiguration
from dlt.common.destination.exceptions import DestinationUndefinedEntity, UnknownDestinationModule
from dlt.common.exceptions import MissingDependencyException, TerminalValueError
from dlt.common.runtime import run_context, telemetry

from logferry._errors import ConfigurationError, LogferryError, StoreError

if TYPE_CHECKING:
    from dlt.common.destination import DestinationCapabilitiesContext
    from dlt.common.schema.typing import TColumnSchema, TDeleteInsertStrategyDict, TMergeDispositionDict
    from dlt.extract import DltResource

_NAME: Final = "logferry"
_NANOSECONDS: Final = 9
MOMENTS: Final = ("timestamp", "observed_timestamp")
"""The columns of times."""


class Pipeline:
    """
    A pipeline of dlt that merges into one destination.

    Args:
        destination: The destination's name in dlt, or the path of its class.
        credentials: The credentials that it takes; ``None`` for those that dlt finds.
        dataset: The name of the data set that holds the tables.
        folder: The folder of pending packages.
    """

    def __init__(self, destination: str, credentials: object, dataset: str, folder: Path) -> None:
        _be_quiet()
        self._folder = folder
        # A full path: for a bare name dlt would also import a module of that name from the working directory.
        path = destination if "." in destination else f"dlt.destinations.{destination}"
        # Older versions of the format truncate nanoseconds.
        made = Destination.from_reference(
            path, credentials=credentials, parquet_format=ParquetFormatConfiguration(version="2.6")
        )
        self._dlt = dlt.pipeline(_NAME, pipelines_dir=str(folder), destination=made, dataset_name=dataset)
        try:
            self._client = self._dlt.destination_client()
        except BaseException:
            self.close()
            raise

    @property
    def place(self) -> str:
        """Identifies the destination, without secrets."""
        return f"{self._client.config} {self._client.config.fingerprint()}"

    @property
    def capabilities(self) -> DestinationCapabilitiesContext:
        """The capabilities of the destination."""
        return self._client.capabilities

    @property
    def moment(self) -> pa.DataType:
        """The type of its times."""
        if self.keeps_nanoseconds:
            return pa.timestamp("ns", None)
        return pa.timestamp("us", "UTC")

    @property
    def keeps_nanoseconds(self) -> bool:
        """Whether its times have nanoseconds; those have no time zone in dlt's tables."""
        return self.capabilities.max_timestamp_precision >= _NANOSECONDS

    def refuse_appending(self) -> None:
        """
        Raise if the destination can only append rows.

        Raises:
            StoreError: It cannot replace rows, so records that are read again would be duplicated.
        """
        if not self._strategies:
            raise StoreError(
                f"the destination {self._dlt.destination.destination_name} cannot replace rows, only append them",
                hint="For Parquet files name a folder, such as logs/",
            )

    @property
    def _strategies(self) -> Sequence[str]:
        """The merge strategies that it supports."""
        found = self.capabilities.supported_merge_strategies or []
        select: Any = (
            self.capabilities.merge_strategies_selector
        )  # None for most destinations, contrary to its annotation
        return found if select is None else select(found, table_schema={"name": "logs"})

    def rows(self, table: str, columns: str, rest: str = "") -> Sequence[Sequence[Any]]:
        """The rows of a table; none if it does not exist yet."""
        with self._dlt.sql_client() as client:
            query = f"SELECT {columns} FROM {client.make_qualified_table_name(table)} {rest}"  # noqa: S608  # our names
            try:
                return client.execute_sql(query) or []
            except DestinationUndefinedEntity:
                return []

    def load(self, table: str, rows: pa.Table, *, key: Sequence[str], json: Sequence[str] = ()) -> None:
        """Merge rows into a table, and wait until they are loaded."""
        columns: dict[str, TColumnSchema] = {name: {"nullable": False} for name in key}
        if len(key) == 1:
            columns[key[0]]["unique"] = True  # an index, if the destination supports it and dlt creates it
        columns |= {name: {"data_type": "json"} for name in json if self._has_json(name)}
        if self.keeps_nanoseconds:
            columns |= {
                name: {"data_type": "timestamp", "precision": _NANOSECONDS, "timezone": False}
                for name in MOMENTS
                if name in rows.schema.names
            }
        merging: TMergeDispositionDict | TDeleteInsertStrategyDict = {"disposition": "merge"}
        if "delete-insert" in self._strategies:
            merging = {"disposition": "merge", "strategy": "delete-insert", "deduplicated": True}
        resource: DltResource = dlt.resource(
            [rows],
            name=table,
            columns=columns,
            primary_key=list(key),
            write_disposition=merging,
        )
        self._dlt.run(resource)

    def _has_json(self, column: str) -> bool:
        mapper = self.capabilities.get_type_mapper()
        try:
            mapper.ensure_supported_type({"name": column, "data_type": "json"}, {"name": "logs"}, "parquet")
        except TerminalValueError:
            return False
        return True

    @property
    def pending(self) -> Sequence[str]:
        """The ids of the pending packages."""
        return [*self._dlt.list_extracted_load_packages(), *self._dlt.list_normalized_load_packages()]

    def is_overtaken(self) -> bool:
        """Whether the destination has newer packages than the pending ones, which are outdated then."""
        loads = self.rows("_dlt_loads", "max(load_id)")
        last = max((float(load) for (load,) in loads if load is not None), default=0.0)
        return any(float(load) < last for load in self.pending)

    def finish(self) -> None:
        """Load the pending packages."""
        self._dlt.run()

    def close(self) -> None:
        """Release dlt's state of the whole process."""
        if self._dlt.is_active:
            self._dlt.deactivate()

    def forget(self) -> None:
        """Delete the pending packages and dlt's local state; the pipeline cannot be used afterwards."""
        self.close()
        shutil.rmtree(self._folder / _NAME, ignore_errors=True)


def _be_quiet() -> None:
    """
    Switch off dlt's telemetry and its log on stderr; failures are raised.

    dlt starts telemetry once in a process, so it is stopped before the first pipeline.
    """
    telemetry.stop_telemetry()
    runtime = resolve_configuration(RuntimeConfiguration())
    runtime.dlthub_telemetry = False
    runtime.log_level = "CRITICAL"
    run_context.active().initialize_runtime(runtime)


def as_told(error: Exception, store: str) -> LogferryError:
    """Convert an exception of dlt, or of a driver below it, to an error of logferry."""
    if isinstance(error, LogferryError):
        return error
    causes = [error]
    while isinstance(cause := getattr(causes[-1], "inner_exc", None) or causes[-1].__cause__, Exception):
        causes.append(cause)
    for cause in causes:
        if isinstance(cause, UnknownDestinationModule):
            return ConfigurationError(f"{store} names no destination of dlt", hint="Name one such as dlt:postgres")
        if isinstance(cause, MissingDependencyException):
            return ConfigurationError(
                f"{store} needs more packages",
                hint=" ".join(["pip install", *(f"'{name}'" for name in cause.dependencies)]),
            )
        if isinstance(cause, ConfigFieldMissingException):
            return ConfigurationError(
                f"{store} lacks {', '.join(sorted(cause.traces))}",
                hint="dlt looks in the environment and in secrets.toml: https://dlthub.com/docs/general-usage/credentials",
            )
        if isinstance(cause, ConfigurationException):
            return ConfigurationError(f"{store} is not configured right: {type(cause).__name__}", hint="See dlt's page")
    reason = str(causes[-1]).strip().partition("\n")[0][:200] or type(causes[-1]).__name__
    return StoreError(
        f"{store} cannot be used: {reason}",
        hint="What it had committed is still there; is the destination reachable, writable, with room?",
    )
