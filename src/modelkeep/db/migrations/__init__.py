"""The history of the schema: a single line of revisions, each of which runs on SQLite and PostgreSQL."""
