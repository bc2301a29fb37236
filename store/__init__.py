"""The match store: one validated match table in SQLite or PostgreSQL.

Sits below ``ingest`` (which fills it), ``training`` and serving (which read
it), so that serving can travel without anything that downloads.
"""
