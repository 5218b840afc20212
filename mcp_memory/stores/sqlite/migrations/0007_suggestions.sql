-- What compaction leaves for people to decide.
CREATE TABLE suggestions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    closeness REAL,
    text TEXT,
    one INTEGER NOT NULL, -- handles of two memories, and their versions when they were read
    one_version INTEGER NOT NULL,
    other INTEGER NOT NULL,
    other_version INTEGER NOT NULL
) STRICT;
-- The same two memories, in either order, are looked up by the smaller handle first.
CREATE UNIQUE INDEX suggestions_by_pair ON suggestions (min(one, other), max(one, other));
CREATE INDEX suggestions_by_other ON suggestions (other);
CREATE INDEX suggestions_by_one ON suggestions (one);

-- Up to when the memories of a scope have been compared with each other; 0 for an open part of the scope.
CREATE TABLE compared (
    namespace INTEGER NOT NULL,
    user INTEGER NOT NULL,
    session INTEGER NOT NULL,
    at INTEGER NOT NULL,
    distance REAL NOT NULL,
    PRIMARY KEY (namespace, user, session)
) STRICT, WITHOUT ROWID;
