-- Summary views. The documents are the truth; the columns are what is searched by.
CREATE TABLE views (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    namespace TEXT, -- what its filters hold it to
    user TEXT,
    session TEXT,
    document TEXT NOT NULL -- JSON
) STRICT;

-- Their summaries.
CREATE TABLE partitions (
    view INTEGER NOT NULL,   -- number of the view
    group_key TEXT NOT NULL, -- JSON of the group, its keys sorted
    state TEXT NOT NULL,     -- what the group was like then
    document TEXT NOT NULL,  -- JSON
    PRIMARY KEY (view, group_key)
) STRICT, WITHOUT ROWID;
