-- A journal, version 1 (PRAGMA user_version). What filters ask stands in narrow tables, `call` and `event`, that a scan passes in milliseconds;
-- what is only shown stands in `content` and `finding`, which are read for the rows that a page shows.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,  -- salt, rules_hash; last_call, last_event (as of the last deletion, which alone can lower max(id)); discarded
    value
) WITHOUT ROWID;

-- Texts that come again and again: workspaces, paths without their query, kinds, contracts, rule ids.
CREATE TABLE word (
    id INTEGER PRIMARY KEY,
    sort TEXT NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (sort, text)
);

CREATE TABLE call (
    id INTEGER PRIMARY KEY,
    workspace INTEGER,          -- word; NULL: answered 401
    path INTEGER NOT NULL,      -- word
    accepted INTEGER NOT NULL,
    first INTEGER NOT NULL,     -- id of its first event; of a call without events, that of the next event to come
    count INTEGER NOT NULL      -- how many events it has; their ids follow each other
);
CREATE INDEX call_workspace ON call (workspace) WHERE workspace IS NOT NULL;
CREATE INDEX call_path ON call (path);
CREATE INDEX call_accepted ON call (accepted);

CREATE TABLE content (
    id INTEGER PRIMARY KEY,     -- the call's
    at TEXT NOT NULL,
    method TEXT NOT NULL,
    query TEXT,                 -- what followed the path's "?"; NULL: there was none
    status INTEGER NOT NULL,
    code TEXT,
    duration REAL NOT NULL,     -- ms
    total INTEGER NOT NULL,     -- of violations
    fault BLOB,                 -- JSON, as wire.fault; so are the others
    violations BLOB,
    headers BLOB NOT NULL,
    answer BLOB,
    body BLOB NOT NULL          -- last: SQLite reads a row only as far as it is asked
);

-- workspace, path and accepted are the call's, once more: so every filter is checked without a look elsewhere.
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    call INTEGER NOT NULL,
    workspace INTEGER,
    path INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    kind INTEGER NOT NULL,      -- word
    contract INTEGER NOT NULL,  -- word
    start INTEGER NOT NULL,     -- where its payload stands in the call's body, in bytes
    stop INTEGER NOT NULL,
    user_id TEXT,               -- the payload's own members where they are Strings: TEXT, or, of a long one, a digest (BLOB)
    anonymous_id TEXT,
    group_id TEXT,
    event TEXT
);
CREATE INDEX event_workspace ON event (workspace) WHERE workspace IS NOT NULL;
CREATE INDEX event_path ON event (path);
CREATE INDEX event_accepted ON event (accepted);
CREATE INDEX event_kind ON event (kind);
CREATE INDEX event_user_id ON event (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX event_anonymous_id ON event (anonymous_id) WHERE anonymous_id IS NOT NULL;
CREATE INDEX event_group_id ON event (group_id) WHERE group_id IS NOT NULL;
CREATE INDEX event_event ON event (event) WHERE event IS NOT NULL;

CREATE TABLE finding (
    event INTEGER PRIMARY KEY,
    violations BLOB,            -- JSON; NULL: none
    warnings BLOB
);

-- Rules that an event, and that a call with all its events, broke or was warned by: by owner for deleting, by rule for finding.
CREATE TABLE event_rule (
    event INTEGER NOT NULL,
    rule INTEGER NOT NULL,      -- word
    PRIMARY KEY (event, rule)
) WITHOUT ROWID;
CREATE INDEX event_rule_rule ON event_rule (rule, event);

CREATE TABLE call_rule (
    call INTEGER NOT NULL,
    rule INTEGER NOT NULL,      -- word
    PRIMARY KEY (call, rule)
) WITHOUT ROWID;
CREATE INDEX call_rule_rule ON call_rule (rule, call);
