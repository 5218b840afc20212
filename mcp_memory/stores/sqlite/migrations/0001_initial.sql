-- Moments are whole microseconds since 1970, UTC.

-- The text of scopes is kept once; memories hold its number, 0 for none. Names are never deleted.
CREATE TABLE names (
    number INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL, -- 0 namespace, 1 user, 2 session
    name TEXT NOT NULL,
    UNIQUE (kind, name)
) STRICT;

-- Handles are never used twice, so "greater than the last one seen" finds what is new.
CREATE TABLE memories (
    handle INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace INTEGER NOT NULL,
    user INTEGER NOT NULL,
    session INTEGER NOT NULL,
    thread INTEGER NOT NULL, -- hash of the session, or of the moment where there is none: neighbours share it
    content INTEGER,         -- hash of scope and memory_hash
    created_at INTEGER NOT NULL,
    event_date INTEGER,
    valid_from INTEGER,
    valid_to INTEGER,
    updated_at INTEGER NOT NULL,
    persisted_at INTEGER,
    memory_type TEXT NOT NULL,
    strategy TEXT NOT NULL,
    extracted TEXT NOT NULL,
    pinned INTEGER NOT NULL,
    version INTEGER NOT NULL,
    id TEXT NOT NULL,
    source TEXT,
    memory_hash TEXT,
    details TEXT, -- JSON of the lists and mappings that are not empty
    text TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX memories_by_id ON memories (id, namespace, user);
CREATE INDEX memories_by_content ON memories (content) WHERE content IS NOT NULL;
CREATE INDEX memories_by_moment ON memories (created_at);
CREATE INDEX memories_by_namespace ON memories (namespace, created_at) WHERE namespace <> 0;
CREATE INDEX memories_by_user ON memories (user, created_at) WHERE user <> 0;
CREATE INDEX memories_by_session ON memories (session, created_at) WHERE session <> 0;
CREATE INDEX memories_by_event ON memories (event_date) WHERE event_date IS NOT NULL;

-- What a memory that was merged away is now.
CREATE TABLE aliases (
    id TEXT NOT NULL,
    namespace INTEGER NOT NULL,
    user INTEGER NOT NULL,
    handle INTEGER NOT NULL,
    PRIMARY KEY (id, namespace, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_by_handle ON aliases (handle);

-- Labels in the form in which filters compare them.
CREATE TABLE labels (
    kind INTEGER NOT NULL, -- 0 topic, 1 entity, 2 source
    label TEXT NOT NULL,
    handle INTEGER NOT NULL,
    PRIMARY KEY (kind, label, handle)
) STRICT, WITHOUT ROWID;
CREATE INDEX labels_by_handle ON labels (handle);

CREATE TABLE generations (
    number INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    dimensions INTEGER NOT NULL,
    digest TEXT NOT NULL,
    UNIQUE (model, dimensions, digest)
) STRICT;

-- What changes often or is read by the hundred: small rows, apart from the texts.
CREATE TABLE facets (
    handle INTEGER PRIMARY KEY,
    last_accessed INTEGER NOT NULL,
    access_count INTEGER NOT NULL,
    length INTEGER NOT NULL,     -- words in the lexical index
    generation INTEGER NOT NULL, -- 0 where there is no vector
    cues BLOB NOT NULL,          -- created (f64, seconds), words, flags, day, unused (i32)
    speaker TEXT NOT NULL,
    vector BLOB                  -- scale (f32), then one i8 for each dimension
) STRICT;

-- The words as they are folded by retrieval.words.
CREATE VIRTUAL TABLE words USING fts5 (
    terms, content = '', contentless_delete = 1, tokenize = 'porter unicode61 remove_diacritics 2'
);

-- Memories that were changed or removed after they were stored: every process follows it to refresh what it holds in RAM.
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    handle INTEGER NOT NULL
) STRICT;

-- What a process needs in RAM of 1,024 successive handles each, ready to be copied, true as of change number `seq`.
CREATE TABLE blocks (
    number INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    columns BLOB NOT NULL,
    ends BLOB, -- valid_to of each row, where any row has one
    codes BLOB NOT NULL
) STRICT;

-- One row: changes up to this number are no longer in `changes`.
CREATE TABLE forgotten (seq INTEGER NOT NULL) STRICT;
INSERT INTO forgotten VALUES (0);

-- A session that was deleted keeps its row without a document, so that its versions go on.
CREATE TABLE sessions (
    number INTEGER PRIMARY KEY,
    session INTEGER NOT NULL,
    namespace INTEGER NOT NULL,
    user INTEGER NOT NULL,
    version INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER,
    document TEXT, -- JSON without the messages
    messages TEXT,
    UNIQUE (session, namespace, user)
) STRICT;
CREATE INDEX sessions_by_moment ON sessions (updated_at);
CREATE INDEX sessions_by_end ON sessions (expires_at) WHERE expires_at IS NOT NULL;
