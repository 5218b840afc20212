-- What is kept of access tokens: never the secret itself.
CREATE TABLE tokens (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    lookup TEXT NOT NULL UNIQUE,
    namespace TEXT, -- NULL: not bound to one
    user TEXT,
    record TEXT NOT NULL -- JSON
) STRICT;
