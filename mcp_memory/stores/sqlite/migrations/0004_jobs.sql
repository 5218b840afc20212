-- Work for later. The document is the truth; the columns are what is searched by.
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    namespace TEXT,
    user TEXT,
    session TEXT,
    dedup_key TEXT,
    state TEXT NOT NULL,
    due_at INTEGER,      -- from when on it may be taken; NULL when it is finished
    finished_at INTEGER,
    document TEXT NOT NULL -- JSON
) STRICT;

CREATE UNIQUE INDEX jobs_by_key ON jobs (dedup_key) WHERE due_at IS NOT NULL;
CREATE INDEX jobs_by_due ON jobs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX jobs_by_end ON jobs (finished_at) WHERE finished_at IS NOT NULL;

-- When the last periodic job of each name was put.
CREATE TABLE periods (
    name TEXT PRIMARY KEY,
    put_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
