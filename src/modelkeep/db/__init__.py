"""Floor 1: what Git cannot hold, and the index of what it does, in SQLite or PostgreSQL.

Every function takes a :class:`~modelkeep.db.transaction.Transaction` and returns domain values; rows and
SQLAlchemy's names never leave this package, and driver errors come out as domain errors.
"""
