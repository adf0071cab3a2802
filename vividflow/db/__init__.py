"""The database: engine, the one writer, migrations."""
