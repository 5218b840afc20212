-- The statements of the SQLite store, by name. {where} is a condition on `memories m`, made by filters.py.

-- name: identity
SELECT application_id, user_version, NOT EXISTS (SELECT 1 FROM sqlite_schema)
FROM pragma_application_id, pragma_user_version

-- name: holds
SELECT (SELECT count(*) FROM memories), (SELECT count(*) FROM sessions WHERE document IS NOT NULL)

-- name: forget_last_numbers
DELETE FROM sqlite_sequence WHERE name IN ('memories', 'changes')

-- name: remember_last_numbers
INSERT INTO sqlite_sequence (name, seq) VALUES ('memories', ?), ('changes', ?)

-- name: scope_numbers
SELECT
    (SELECT number FROM names WHERE kind = 0 AND name = ?),
    (SELECT number FROM names WHERE kind = 1 AND name = ?),
    (SELECT number FROM names WHERE kind = 2 AND name = ?)

-- name: add_name
INSERT INTO names (kind, name) VALUES (?, ?) RETURNING number

-- name: numbers_of_names
SELECT number FROM names WHERE kind = ? AND {test}

-- name: handles_of_labels
SELECT handle FROM labels WHERE kind = ? AND {test}

-- name: records
SELECT
    m.handle,
    m.created_at, m.updated_at, f.last_accessed, m.persisted_at, m.event_date, m.valid_from, m.valid_to,
    n.name, u.name, s.name,
    m.id, m.text, m.memory_type, m.source, m.memory_hash, m.extracted, m.strategy, m.pinned, f.access_count, m.version,
    m.details
FROM memories m
JOIN facets f ON f.handle = m.handle
LEFT JOIN names n ON n.number = m.namespace
LEFT JOIN names u ON u.number = m.user
LEFT JOIN names s ON s.number = m.session
WHERE {where}

-- name: is_among
m.handle IN (SELECT value FROM carray(?))

-- name: has_content
m.session = ? AND m.content = ?

-- name: has_id
m.handle IN (SELECT handle FROM memories WHERE id = ? UNION SELECT handle FROM aliases WHERE id = ?)

-- name: first_stored
ORDER BY m.handle

-- name: newest_first
ORDER BY m.created_at DESC, m.handle DESC LIMIT ? OFFSET ?

-- name: by_handle
ORDER BY m.handle LIMIT ?

-- name: oldest_first
ORDER BY m.created_at, m.handle

-- name: count
SELECT count(*) FROM memories m WHERE {where}

-- name: handles
SELECT m.handle FROM memories m WHERE {where}

-- name: shared_contents
SELECT m.content, m.session, m.memory_hash, m.handle FROM memories m
WHERE m.content IN (SELECT m.content FROM memories m WHERE m.content IS NOT NULL AND {where}
    GROUP BY m.content HAVING count(*) > 1) AND {where}
ORDER BY m.created_at, m.handle

-- name: changed_after
m.handle IN (SELECT handle FROM memories WHERE updated_at >= ?1 OR persisted_at >= ?1)

-- name: open_postings
CREATE VIRTUAL TABLE temp.postings USING fts5vocab (main, words, instance);
CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab (main, words, row)

-- name: rare_words
SELECT term FROM temp.vocabulary WHERE doc BETWEEN 2 AND ?

-- name: postings
SELECT group_concat(doc) FROM temp.postings WHERE term = ?

-- name: fresh
SELECT handle, terms FROM fresh

-- name: vectors
SELECT f.handle, f.vector FROM carray(?1) c CROSS JOIN facets f ON f.handle = c.value
WHERE f.generation = ?2

-- name: facets
SELECT f.last_accessed, f.cues, f.speaker
FROM carray(?) c CROSS JOIN facets f ON f.handle = c.value

-- name: known_handles
SELECT f.handle FROM carray(?) c CROSS JOIN facets f ON f.handle = c.value

-- name: namespaces
SELECT n.name FROM names n
WHERE n.kind = 0 AND {prefix} AND EXISTS (SELECT 1 FROM memories m WHERE m.namespace = n.number AND m.namespace <> 0 AND {where})
ORDER BY n.name LIMIT ?

-- name: by_namespace
SELECT coalesce((SELECT name FROM names WHERE number = m.namespace), ''), count(*)
FROM memories m WHERE {where} GROUP BY m.namespace

-- name: by_type
SELECT m.memory_type, count(*) FROM memories m WHERE {where} GROUP BY m.memory_type

-- name: without_vector
SELECT count(*) FROM memories m JOIN facets f ON f.handle = m.handle
WHERE f.generation IN (SELECT value FROM carray(?)) AND {where}

-- name: other_generations
SELECT number FROM generations WHERE model <> ? OR dimensions <> ? OR digest <> ?

-- name: handles_of_generation
SELECT handle FROM facets WHERE generation = ? AND handle > ? ORDER BY handle LIMIT ?

-- name: count_of_generation
SELECT count(*) FROM facets WHERE generation = ?

-- name: generation_number
SELECT number FROM generations WHERE model = ? AND dimensions = ? AND digest = ?

-- name: add_generation
INSERT INTO generations (model, dimensions, digest) VALUES (?, ?, ?) RETURNING number

-- name: last_handle
SELECT seq FROM sqlite_sequence WHERE name = 'memories'

-- name: last_numbers
SELECT
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'memories'), 0),
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0),
    (SELECT seq FROM forgotten)

-- name: changed_since
SELECT DISTINCT handle FROM changes WHERE seq > ? ORDER BY handle

-- name: index_rows
SELECT
    m.handle, m.thread, m.namespace, m.user, m.session, f.generation, f.length, m.valid_to,
    CASE f.generation WHEN ?1 THEN f.vector END
FROM memories m JOIN facets f ON f.handle = m.handle
WHERE m.handle > ?2 AND m.handle <= ?3
ORDER BY m.handle

-- name: index_rows_among
SELECT
    m.handle, m.thread, m.namespace, m.user, m.session, f.generation, f.length, m.valid_to,
    CASE f.generation WHEN ?1 THEN f.vector END
FROM carray(?2) c CROSS JOIN memories m ON m.handle = c.value JOIN facets f ON f.handle = m.handle

-- name: blocks
SELECT number, seq, generation, rows, columns, ends, codes FROM blocks ORDER BY number

-- name: last_block
SELECT max(number) FROM blocks

-- name: put_block
REPLACE INTO blocks (number, seq, generation, rows, columns, ends, codes) VALUES (?, ?, ?, ?, ?, ?, ?)

-- name: common_generation
SELECT f.generation, g.dimensions FROM facets f JOIN generations g ON g.number = f.generation
WHERE f.handle > ? AND f.handle <= ? GROUP BY f.generation ORDER BY count(*) DESC LIMIT 1

-- name: held_handle
SELECT handle FROM memories WHERE id = ? AND namespace = ? AND user = ?

-- name: held
SELECT 'name', m.id, m.handle
FROM carray(?1) c CROSS JOIN memories m ON m.id = CAST(c.value AS TEXT) AND m.namespace = ?2 AND m.user = ?3
UNION ALL
SELECT 'alias', a.id, a.handle
FROM carray(?1) c CROSS JOIN aliases a ON a.id = CAST(c.value AS TEXT) AND a.namespace = ?2 AND a.user = ?3
UNION ALL
SELECT 'content', m.content, m.handle
FROM carray(?5) c CROSS JOIN memories m ON m.session = ?4 AND m.content = c.value

-- name: content_handle
SELECT handle FROM memories WHERE session = ? AND content = ? LIMIT 1

-- name: alias_handle
SELECT handle FROM aliases WHERE id = ? AND namespace = ? AND user = ?

-- name: add_memory
INSERT INTO memories (
    handle, namespace, user, session, thread, content, created_at, event_date, valid_from, valid_to, updated_at,
    persisted_at, memory_type, strategy, extracted, pinned, version, id, source, memory_hash, details, text
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: change_memory
UPDATE memories SET (
    namespace, user, session, thread, content, created_at, event_date, valid_from, valid_to, updated_at,
    persisted_at, memory_type, strategy, extracted, pinned, version, id, source, memory_hash, details, text
) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE handle = ?

-- name: change_memory_in_place
UPDATE memories SET (
    thread, valid_from, valid_to, updated_at, persisted_at, memory_type, strategy, extracted, pinned, version, source,
    memory_hash, details, text
) = (?4, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?18, ?19, ?20, ?21) WHERE handle = ?22

-- name: add_facets
INSERT INTO facets (handle, last_accessed, access_count, cues, speaker, length, generation, vector)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- name: change_facets
UPDATE facets SET last_accessed = ?, access_count = ?, cues = ?, speaker = ?, length = ? WHERE handle = ?

-- name: change_cues
UPDATE facets SET cues = ?, speaker = ?, length = ? WHERE handle = ?

-- name: change_vector
UPDATE facets SET generation = ?, vector = ? WHERE handle = ?

-- name: add_words
INSERT INTO words (rowid, terms) VALUES (?, ?)

-- name: oldest_fresh
SELECT min(handle) FROM fresh

-- name: add_fresh
INSERT INTO fresh (handle, terms) VALUES (?, ?)

-- name: index_fresh
INSERT INTO words (rowid, terms) SELECT handle, terms FROM fresh ORDER BY handle

-- name: empty_fresh
DELETE FROM fresh

-- name: remove_fresh
DELETE FROM fresh WHERE handle = ?

-- name: remove_words
DELETE FROM words WHERE rowid = ?

-- name: add_label
INSERT INTO labels (kind, label, handle) VALUES (?, ?, ?)

-- name: remove_labels
DELETE FROM labels WHERE handle = ?

-- name: add_alias
REPLACE INTO aliases (id, namespace, user, handle)
SELECT id, namespace, user, ?1 FROM memories WHERE handle = ?2

-- name: name_memory
INSERT INTO aliases (id, namespace, user, handle) VALUES (?, ?, ?, ?)

-- name: names_of
SELECT a.handle, n.name, u.name, a.id
FROM carray(?1) c CROSS JOIN aliases a ON a.handle = c.value
LEFT JOIN names n ON n.number = a.namespace
LEFT JOIN names u ON u.number = a.user
ORDER BY a.handle, a.id

-- name: vectors_of
SELECT f.handle, f.vector, g.model, g.dimensions, g.digest
FROM carray(?1) c CROSS JOIN facets f ON f.handle = c.value JOIN generations g ON g.number = f.generation
WHERE f.vector IS NOT NULL

-- name: move_aliases
UPDATE aliases SET handle = ? WHERE handle = ?

-- name: remove_alias
DELETE FROM aliases WHERE id = ? AND namespace = ? AND user = ?

-- name: remove_aliases
DELETE FROM aliases WHERE handle = ?

-- name: remove_memory
DELETE FROM memories WHERE handle = ?

-- name: remove_facets
DELETE FROM facets WHERE handle = ?

-- name: add_change
INSERT INTO changes (handle) VALUES (?)

-- name: end_memory
UPDATE memories SET valid_to = ?, version = ? WHERE handle = ?

-- name: aged
SELECT m.handle, m.id, n.name, u.name, m.memory_type, m.created_at, f.last_accessed, m.pinned, m.version
FROM memories m NOT INDEXED
JOIN facets f ON f.handle = m.handle
LEFT JOIN names n ON n.number = m.namespace
LEFT JOIN names u ON u.number = m.user
WHERE m.handle > ? AND {where}
ORDER BY m.handle LIMIT ?

-- name: touch
UPDATE facets SET last_accessed = ?2, access_count = access_count + 1
WHERE handle IN (SELECT value FROM carray(?1)) AND (
    access_count = 0 OR last_accessed < max(?3, (SELECT updated_at FROM memories WHERE memories.handle = facets.handle))
)

-- name: said
SELECT m.handle, n.name, u.name, m.text, f.returned
FROM carray(?) c CROSS JOIN memories m ON m.handle = c.value JOIN facets f ON f.handle = m.handle
LEFT JOIN names n ON n.number = m.namespace
LEFT JOIN names u ON u.number = m.user

-- name: note_returned
UPDATE facets SET returned = ? WHERE handle = ?

-- name: returned
SELECT f.handle, f.returned FROM carray(?) c CROSS JOIN facets f ON f.returned = c.value ORDER BY f.handle

-- name: version
SELECT version, namespace, user, session FROM memories WHERE handle = ?

-- name: sessions_whole
SELECT namespace, user, session, document, messages FROM sessions
WHERE document IS NOT NULL AND (expires_at IS NULL OR expires_at > ?) AND {where}

-- name: count_sessions
SELECT count(*) FROM sessions WHERE document IS NOT NULL AND (expires_at IS NULL OR expires_at > ?) AND {where}

-- name: page_of_sessions
SELECT document FROM sessions
WHERE document IS NOT NULL AND (expires_at IS NULL OR expires_at > ?) AND {where}
ORDER BY updated_at DESC, number DESC LIMIT ? OFFSET ?

-- name: session_version
SELECT version, document IS NOT NULL FROM sessions WHERE namespace = ? AND user = ? AND session = ?

-- name: put_session
INSERT INTO sessions (namespace, user, session, version, updated_at, expires_at, document, messages)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (session, namespace, user) DO UPDATE SET
    version = excluded.version, updated_at = excluded.updated_at, expires_at = excluded.expires_at,
    document = excluded.document, messages = excluded.messages

-- name: end_session
UPDATE sessions SET document = NULL, messages = NULL, expires_at = NULL
WHERE namespace = ? AND user = ? AND session = ?

-- name: end_expired
UPDATE sessions SET document = NULL, messages = NULL, expires_at = NULL WHERE expires_at <= ?

-- name: block_rows
SELECT sum(rows) FROM blocks

-- name: block_numbers
SELECT number FROM blocks

-- name: count_changes
SELECT count(*) FROM changes

-- name: forget_changes
DELETE FROM changes WHERE seq <= ?

-- name: remember_forgotten
UPDATE forgotten SET seq = ?

-- name: operation_number
SELECT number FROM operations WHERE id = ?

-- name: add_operation
INSERT INTO operations (id, kind, at, who, note, undoes, first, last, namespace, user) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING

-- name: add_creation
INSERT INTO creations (first, last, operation, namespace, user) VALUES (?, ?, ?, ?, ?)

-- name: add_image
INSERT INTO images (operation, handle, unit, id, namespace, user, after, generation, vector, aliases, record)
SELECT
    ?1, m.handle, ?2, m.id, m.namespace, m.user, ?3,
    CASE ?4 WHEN 1 THEN f.generation END, CASE ?4 WHEN 1 THEN f.vector END,
    (SELECT json_group_array(json_array(id, namespace, user)) FROM aliases WHERE handle = m.handle), ?5
FROM memories m JOIN facets f ON f.handle = m.handle WHERE m.handle = ?6

-- name: add_empty_image
INSERT INTO images (operation, handle, unit, id, namespace, user, after) VALUES (?, ?, ?, ?, ?, ?, ?)

-- name: highest_version
SELECT max(after) FROM images WHERE handle = ?

-- name: operations
SELECT
    o.id, o.kind, o.at, o.who, o.note, b.id,
    (SELECT id FROM operations WHERE undoes = o.number ORDER BY number DESC LIMIT 1),
    (SELECT coalesce(sum(last - first + 1), 0) FROM operations m WHERE m.number = o.number AND {where})
        + (SELECT coalesce(sum(last - first + 1), 0) FROM creations m WHERE m.operation = o.number AND {where})
        + (SELECT count(*) FROM images m WHERE m.operation = o.number AND m.record IS NULL AND {where}),
    (SELECT count(*) FROM images m WHERE m.operation = o.number AND m.record IS NOT NULL AND m.after IS NOT NULL AND {where}),
    (SELECT count(*) FROM images m WHERE m.operation = o.number AND m.after IS NULL AND {where})
FROM operations o LEFT JOIN operations b ON b.number = o.undoes
WHERE {touches}
ORDER BY o.number DESC LIMIT ? OFFSET ?

-- name: operation_is
o.id = ? AND

-- name: operation_touches
(EXISTS (SELECT 1 FROM operations m WHERE m.number = o.number AND m.last >= m.first AND {where})
    OR EXISTS (SELECT 1 FROM creations m WHERE m.operation = o.number AND {where})
    OR EXISTS (SELECT 1 FROM images m WHERE m.operation = o.number AND {where}))

-- name: count_operations
SELECT count(*) FROM operations o WHERE {touches}

-- name: steps
SELECT
    m.number, m.handle, m.unit, m.id, n.name, u.name, m.after, m.undone, m.generation, m.vector, m.aliases, m.record,
    o.number, o.id, o.kind, o.at, b.id
FROM images m JOIN operations o ON o.number = m.operation LEFT JOIN operations b ON b.number = o.undoes
LEFT JOIN names n ON n.number = m.namespace
LEFT JOIN names u ON u.number = m.user
WHERE {where}
ORDER BY m.number

-- name: steps_of_operation
m.operation = ?

-- name: steps_of_operation_among
+m.operation = ? AND m.handle IN (SELECT value FROM carray(?))

-- name: steps_of_handles
m.handle IN (SELECT value FROM carray(?))

-- name: touched
SELECT m.number, m.handle, m.unit, m.id, m.undone IS NOT NULL, {where} FROM images m WHERE m.operation = ? ORDER BY 1

-- name: spans_of_operation
SELECT m.first, m.last, {where} FROM operations m WHERE m.number = ? AND m.last >= m.first
UNION ALL SELECT m.first, m.last, {where} FROM creations m WHERE m.operation = ? ORDER BY 1

-- name: creations_undone
SELECT i.handle FROM operations o JOIN images i ON i.operation = o.number
WHERE o.undoes = ? AND i.after IS NULL AND i.undone IS NULL

-- name: creations_of_operation
SELECT m.first, m.last FROM operations m WHERE m.number = ? AND m.last >= ? AND m.first <= ? AND {where}
UNION ALL SELECT m.first, m.last FROM creations m WHERE m.operation = ? AND m.last >= ? AND m.first <= ? AND {where}
ORDER BY 1

-- name: newest_operation
SELECT max(number) FROM operations

-- name: first_from
SELECT first FROM operations WHERE number >= ? ORDER BY number LIMIT 1

-- name: span_of_handle
SELECT 1, number, first, last, namespace, user FROM operations WHERE number = ?1 AND first <= ?2 AND last >= ?2
UNION ALL SELECT 0, operation, first, last, namespace, user
FROM (SELECT * FROM creations WHERE first <= ?2 ORDER BY first DESC LIMIT 1) WHERE last >= ?2

-- name: operation_head
SELECT o.number, o.id, o.kind, o.at, b.id
FROM operations o LEFT JOIN operations b ON b.number = o.undoes WHERE {where}

-- name: operation_of_id
o.id = ?

-- name: operation_of_number
o.number = ?

-- name: handles_between
SELECT handle FROM memories WHERE handle BETWEEN ?1 AND ?2
UNION SELECT handle FROM images WHERE handle BETWEEN ?1 AND ?2 ORDER BY 1

-- name: handles_once_named
SELECT DISTINCT m.handle FROM images m WHERE m.id = ? AND {where}

-- name: mark_undone
UPDATE images SET undone = ? WHERE number = ?

-- name: stand_again
UPDATE images SET undone = NULL WHERE undone = ? AND handle = ?

-- name: set_alias
INSERT INTO aliases (id, namespace, user, handle) SELECT ?1, ?2, ?3, ?4
WHERE NOT EXISTS (SELECT 1 FROM memories WHERE id = ?1 AND namespace = ?2 AND user = ?3)
ON CONFLICT DO NOTHING

-- name: vector_of
SELECT generation, vector FROM facets WHERE handle = ?

-- name: known_of
SELECT value FROM carray(?) c
WHERE EXISTS (SELECT 1 FROM memories WHERE handle = c.value) OR EXISTS (SELECT 1 FROM images WHERE handle = c.value)

-- name: merged_into
SELECT DISTINCT handle FROM images
WHERE unit IN (SELECT value FROM carray(?)) AND handle <> unit AND after IS NULL AND undone IS NULL

-- name: took_in
SELECT DISTINCT unit FROM images
WHERE handle IN (SELECT value FROM carray(?)) AND handle <> unit AND (after IS NULL OR record IS NULL)

-- name: forget_suggestions_of
DELETE FROM suggestions WHERE one = ?1 OR other = ?1

-- name: narrow_operation
UPDATE operations SET first = ?, last = ? WHERE number = ?

-- name: forget_creation
DELETE FROM creations WHERE first = ?

-- name: forget_images_of
DELETE FROM images WHERE handle = ?

-- name: old_operations
SELECT number FROM operations WHERE at < ?

-- name: forget_images
DELETE FROM images WHERE operation = ?

-- name: forget_creations
DELETE FROM creations WHERE operation = ?

-- name: forget_operation
DELETE FROM operations WHERE number = ?

-- name: rewrite_words
INSERT INTO words (words) VALUES ('optimize')

-- name: put_suggestion
REPLACE INTO suggestions (id, kind, state, at, reason, closeness, text, one, one_version, other, other_version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: suggestions
SELECT s.id, s.kind, s.state, s.at, s.reason, s.closeness, s.text, s.one, s.one_version, s.other, s.other_version
FROM suggestions s
JOIN memories m ON m.handle = s.one AND m.version = s.one_version
JOIN memories o ON o.handle = s.other AND o.version = s.other_version
WHERE {where}

-- name: suggestions_in_state
s.state = ?

-- name: suggestion_of_id
s.id = ? AND s.state = 'open'

-- name: newest_suggestions
ORDER BY s.number DESC LIMIT ? OFFSET ?

-- name: count_suggestions
SELECT count(*) FROM suggestions s
JOIN memories m ON m.handle = s.one AND m.version = s.one_version
JOIN memories o ON o.handle = s.other AND o.version = s.other_version
WHERE {where}

-- name: settle_suggestion
UPDATE suggestions SET state = ? WHERE id = ?

-- name: settled
SELECT state FROM suggestions
WHERE min(one, other) = min(?1, ?3) AND max(one, other) = max(?1, ?3)
    AND ((one = ?1 AND one_version = ?2 AND other_version = ?4) OR (one = ?3 AND one_version = ?4 AND other_version = ?2))

-- name: compared
SELECT at, distance FROM compared WHERE namespace = ? AND user = ? AND session = ?

-- name: note_compared
REPLACE INTO compared (namespace, user, session, at, distance) VALUES (?, ?, ?, ?, ?)

-- name: end_suggestions
DELETE FROM suggestions WHERE NOT EXISTS (SELECT 1 FROM memories WHERE handle = one AND version = one_version)
    OR NOT EXISTS (SELECT 1 FROM memories WHERE handle = other AND version = other_version)

-- name: unfinished_job
SELECT document FROM jobs WHERE dedup_key = ? AND due_at IS NOT NULL

-- name: add_job
INSERT INTO jobs (id, name, namespace, user, session, dedup_key, state, due_at, finished_at, document)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: change_job
UPDATE jobs SET (namespace, user, session, dedup_key, state, due_at, finished_at, document) = (?, ?, ?, ?, ?, ?, ?, ?)
WHERE id = ?

-- name: begin_period
INSERT INTO periods (name, put_at) VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET put_at = ?2 WHERE put_at < ?3 OR put_at > ?2
RETURNING put_at

-- name: job
SELECT document FROM jobs WHERE {where}

-- name: has_state
state IN (SELECT value FROM json_each(?))

-- name: count_jobs
SELECT count(*) FROM jobs WHERE {where}

-- name: page_of_jobs
SELECT document FROM jobs WHERE {where} ORDER BY number DESC LIMIT ? OFFSET ?

-- name: ready_jobs
SELECT id FROM jobs WHERE due_at <= ? AND name IN (SELECT value FROM json_each(?)) ORDER BY due_at, number LIMIT ?

-- name: prune_jobs
DELETE FROM jobs WHERE finished_at < ?

-- name: merge_words
INSERT INTO words (words, rank) VALUES ('merge', ?)

-- name: add_token
INSERT INTO tokens (id, lookup, namespace, user, record) VALUES (?, ?, ?, ?, ?) ON CONFLICT (lookup) DO NOTHING

-- name: token
SELECT record FROM tokens WHERE lookup = ?

-- name: tokens_within
SELECT record FROM tokens
WHERE (?1 IS NULL OR namespace = ?1) AND (?2 IS NULL OR user = ?2)
ORDER BY number

-- name: replace_token
UPDATE tokens SET lookup = ?, namespace = ?, user = ?, record = ? WHERE id = ?

-- name: remove_token
DELETE FROM tokens WHERE id = ?

-- name: add_view
INSERT INTO views (id, namespace, user, session, document) VALUES (?, ?, ?, ?, ?)

-- name: view
SELECT document FROM views WHERE id = ? AND {where}

-- name: views
SELECT document FROM views WHERE {where} ORDER BY number DESC

-- name: view_number
SELECT number FROM views WHERE id = ? AND {where}

-- name: remove_view
DELETE FROM views WHERE number = ?

-- name: remove_summaries
DELETE FROM partitions WHERE view = ?

-- name: put_summary
REPLACE INTO partitions (view, group_key, state, document) SELECT number, ?, ?, ? FROM views WHERE id = ?

-- name: summaries
SELECT p.document FROM views v JOIN partitions p ON p.view = v.number WHERE v.id = ? AND {where} ORDER BY p.group_key

-- name: summary_has
json_extract(p.group_key, ?) = ?

-- name: summary_states
SELECT p.group_key, p.state FROM views v JOIN partitions p ON p.view = v.number WHERE v.id = ?

-- name: remove_summary
DELETE FROM partitions WHERE view = (SELECT number FROM views WHERE id = ?) AND group_key = ?

-- name: groups
SELECT {values}, count(*), sum(m.handle), sum(m.version), sum(m.updated_at % 2147483647)
FROM memories m WHERE {where} GROUP BY {columns}

-- name: name_of
(SELECT name FROM names WHERE number = {column})

-- name: further_back
(m.created_at, m.handle) < (?, ?)

-- name: forget_summaries_of
DELETE FROM partitions AS p WHERE EXISTS (
    SELECT 1 FROM (
        SELECT namespace, user FROM memories WHERE handle = ?1 UNION SELECT namespace, user FROM images WHERE handle = ?1
    ) m
    JOIN views v ON v.number = p.view
    LEFT JOIN names n ON n.number = m.namespace
    LEFT JOIN names u ON u.number = m.user
    WHERE (v.namespace IS NULL OR v.namespace IS n.name) AND (v.user IS NULL OR v.user IS u.name)
        AND coalesce(json_extract(p.group_key, '$.namespace'), n.name) IS n.name
        AND coalesce(json_extract(p.group_key, '$.user_id'), u.name) IS u.name
)

-- name: numbers
SELECT
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'memories'), 0),
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'operations'), 0),
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'images'), 0)

-- name: begin_numbers
INSERT INTO sqlite_sequence (name, seq) SELECT ?1, 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)

-- name: raise_number
UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?

-- name: acts
SELECT o.number, o.id, o.kind, o.at, o.who, o.note, b.id
FROM operations o LEFT JOIN operations b ON b.number = o.undoes
WHERE o.number > ? ORDER BY o.number LIMIT ?

-- name: traces
SELECT
    m.number, m.operation, m.handle, m.unit, m.id, n.name, u.name, m.after, m.undone, m.record,
    (SELECT json_group_array(json_array(
        (SELECT name FROM names WHERE number = a.value ->> 1), (SELECT name FROM names WHERE number = a.value ->> 2),
        a.value ->> 0
    )) FROM json_each(coalesce(m.aliases, '[]')) a),
    m.generation, m.vector, g.model, g.dimensions, g.digest
FROM images m
LEFT JOIN names n ON n.number = m.namespace
LEFT JOIN names u ON u.number = m.user
LEFT JOIN generations g ON g.number = m.generation
WHERE m.number > ? ORDER BY m.number LIMIT ?

-- name: handles_recorded
SELECT handle FROM (SELECT handle FROM memories WHERE handle > ?1 ORDER BY handle LIMIT ?2)
UNION SELECT handle FROM (SELECT DISTINCT handle FROM images WHERE handle > ?1 ORDER BY handle LIMIT ?2)
ORDER BY 1 LIMIT ?2

-- name: as_stored
SELECT
    c.value, coalesce(i.id, m.id), n.name, u.name,
    CASE WHEN i.number IS NULL THEN m.version ELSE i.record ->> 'version' END
FROM carray(?) c
LEFT JOIN images i ON i.number = (SELECT min(number) FROM images WHERE handle = c.value)
LEFT JOIN memories m ON m.handle = c.value
LEFT JOIN names n ON n.number = coalesce(i.namespace, m.namespace)
LEFT JOIN names u ON u.number = coalesce(i.user, m.user)
ORDER BY c.value

-- name: creation_undone
SELECT i.operation FROM images i JOIN operations o ON o.number = i.operation
WHERE o.undoes = ? AND i.handle = ? AND i.after IS NULL AND i.undone IS NULL ORDER BY i.number DESC LIMIT 1

-- name: proposals
SELECT number, id, kind, state, at, reason, closeness, text, one, one_version, other, other_version
FROM suggestions WHERE number > ? ORDER BY number LIMIT ?

-- name: take_in_operation
INSERT INTO operations (number, id, kind, at, who, note, undoes, first, last, namespace, user)
VALUES (?, ?, ?, ?, ?, ?, (SELECT number FROM operations WHERE id = ?), 1, 0, 0, 0) ON CONFLICT DO NOTHING

-- name: operations_of_kind
SELECT o.number FROM carray(?) c CROSS JOIN operations o ON o.number = c.value AND o.kind = ?

-- name: take_in_image
INSERT INTO images (
    number, operation, handle, unit, id, namespace, user, after, undone, generation, vector, aliases, record
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (number) DO UPDATE SET undone = excluded.undone WHERE undone IS NOT excluded.undone
