"""What to give instead of an address such as ``s3://…``, which names no store."""

from __future__ import annotations

from typing import Final

_COPIED: Final = {
    **dict.fromkeys(("abfs", "abfss", "az", "azure"), "azcopy sync"),
    **dict.fromkeys(("gcs", "gs"), "gcloud storage rsync"),
    **dict.fromkeys(("s3", "s3a", "s3n"), "aws s3 sync"),
    "r2": "rclone sync",
}
"""What copies a folder to an object store."""

_DATABASES: Final = (
    "bigquery",
    "clickhouse",
    "databricks",
    "ducklake",
    "motherduck",
    "mssql",
    "postgres",
    "redshift",
    "snowflake",
)
_DESTINATIONS: Final = {"md": "motherduck", "postgresql": "postgres", **{name: name for name in _DATABASES}}
"""The destinations of dlt for the schemes of databases."""

_ON_DISK: Final = ("duckdb", "file")


def store_instead(scheme: str) -> str:
    """What is a store instead of an address with this scheme."""
    kind = scheme.partition("+")[0]
    if kind in _ON_DISK:
        return f"Write the path alone, without {scheme}:"
    if kind in _COPIED:
        return f"Sync into a folder such as logs/, and copy that: {_COPIED[kind]} logs/ {scheme}://..."
    if kind in _DESTINATIONS:
        name = _DESTINATIONS[kind]
        return (
            f"Name dlt:{name}, and put the address where dlt looks for it: "
            f"DESTINATION__{name.upper()}__CREDENTIALS, or secrets.toml"
        )
    return "Name a file such as logs.duckdb, a folder such as logs/, or dlt:<destination>"
