"""
Incremental reading: a sync reads what a store does not have yet, every record once.

``logferry.open_accounts().sync(...)`` makes a `Sync`; this package has the types it uses.
"""

from logferry._extras import needing

with needing("sync"):
    from logferry.sync._report import StreamReport, SyncReport
    from logferry.sync._slices import Slice
    from logferry.sync._sync import Sync

__all__ = ["Slice", "StreamReport", "Sync", "SyncReport"]
