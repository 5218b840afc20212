-- Acts that changed memories, and what each stored as new: successive handles of one owner, none where `last` is less
-- than `first`. `first` was the next free handle when the act began, so it never falls from one to the next.
CREATE TABLE operations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    who TEXT,       -- NULL: whoever sat at the machine
    note TEXT,
    undoes INTEGER, -- number of the operation that this one took back
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    namespace INTEGER NOT NULL,
    user INTEGER NOT NULL
) STRICT;
CREATE INDEX operations_by_undone ON operations (undoes) WHERE undoes IS NOT NULL;

-- What an operation stored as new beyond that: for a second owner, say, or in a second transaction.
CREATE TABLE creations (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    operation INTEGER NOT NULL,
    namespace INTEGER NOT NULL,
    user INTEGER NOT NULL
) STRICT;
CREATE INDEX creations_by_operation ON creations (operation);

-- What a memory was before an operation changed or removed it.
CREATE TABLE images (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    operation INTEGER NOT NULL,
    handle INTEGER NOT NULL,
    unit INTEGER NOT NULL, -- handle of the memory whose change this belongs to
    id TEXT NOT NULL,
    namespace INTEGER NOT NULL,
    user INTEGER NOT NULL,
    after INTEGER,         -- its version then; NULL: it was gone
    undone INTEGER,        -- operation that took it back
    generation INTEGER,    -- NULL where the vector stayed
    vector BLOB,
    aliases TEXT,          -- JSON of the names that found it: [id, namespace, user]
    record TEXT            -- JSON; NULL: it did not exist
) STRICT;
CREATE INDEX images_by_operation ON images (operation);
CREATE INDEX images_by_handle ON images (handle);
CREATE INDEX images_by_name ON images (id, namespace, user);
