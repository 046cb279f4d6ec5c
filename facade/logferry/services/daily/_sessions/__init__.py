"""The two streams of a call, its logs and its metrics: rows without ids, walked by their time."""
