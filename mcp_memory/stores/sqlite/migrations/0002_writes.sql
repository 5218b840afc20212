-- Words of the newest memories that are not in `words` yet: a transaction of FTS5 costs as much for one as for many.
CREATE TABLE fresh (
    handle INTEGER PRIMARY KEY,
    terms TEXT NOT NULL
) STRICT;

-- Contents are as good as random numbers. After the session, those that are stored together stand together.
DROP INDEX memories_by_content;
CREATE INDEX memories_by_content ON memories (session, content) WHERE content IS NOT NULL;
