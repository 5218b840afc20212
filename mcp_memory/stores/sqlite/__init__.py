"""The embedded store: one SQLite file that many processes share. It is the only truth; what is kept in RAM is derived."""
