"""The embedded store: one SQLite file that many processes share; what is kept in RAM is derived from it."""
