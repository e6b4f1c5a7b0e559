-- The store's tables, version 1. Times are milliseconds since the Unix epoch.

CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

-- Series. Numbers are given in order, from 1.
CREATE TABLE series (id INTEGER PRIMARY KEY, name TEXT NOT NULL, labels TEXT NOT NULL);

-- Batches as they came, until their samples and events lie in blocks.
CREATE TABLE journal (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);

-- Compressed samples: step_ms 0 as written, otherwise one row per step. start_ms and end_ms are inside.
CREATE TABLE block (
  id INTEGER PRIMARY KEY, series INTEGER NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
  step_ms INTEGER NOT NULL, n_rows INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX block_by_time ON block (series, start_ms, end_ms, step_ms, n_rows);

CREATE TABLE stream (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

-- Compressed events, in order of time within a block; blocks may overlap.
CREATE TABLE event_block (
  id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
  n_events INTEGER NOT NULL, plain_bytes INTEGER NOT NULL, size INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX event_block_by_time ON event_block (stream, start_ms, end_ms, n_events, plain_bytes, size);

-- Each evaluation once: its id is a hash of the columns of the unique index.
CREATE TABLE evaluation (
  seq INTEGER PRIMARY KEY, rule TEXT NOT NULL, version INTEGER NOT NULL, grp TEXT NOT NULL,
  start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, value REAL, base REAL, score REAL,
  outcome TEXT NOT NULL, error TEXT, state TEXT NOT NULL, late INTEGER NOT NULL, evaluated_ms INTEGER NOT NULL
);
CREATE UNIQUE INDEX evaluation_once ON evaluation (rule, end_ms, start_ms, version, grp);

CREATE TABLE history (
  query INTEGER NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, grp TEXT NOT NULL, value REAL,
  PRIMARY KEY (query, start_ms, end_ms, grp)
) WITHOUT ROWID;

CREATE TABLE alert (
  rule TEXT NOT NULL, grp TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (rule, grp)
) WITHOUT ROWID;

CREATE TABLE cursor (rule TEXT PRIMARY KEY, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE told (
  receiver TEXT NOT NULL, grp TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (receiver, grp)
) WITHOUT ROWID;

-- Messages. state: 0 to send, 1 sent, 2 given up.
CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, receiver TEXT NOT NULL, grp TEXT NOT NULL,
  body TEXT NOT NULL, state INTEGER NOT NULL, attempts INTEGER NOT NULL, due_ms INTEGER NOT NULL, error TEXT,
  done_ms INTEGER
);
CREATE INDEX outbox_by_group ON outbox (state, receiver, grp, seq);

CREATE TABLE silence (
  id TEXT PRIMARY KEY, end_ms INTEGER NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;

-- Versioned documents: rules, receivers, switches, ... A version without body is a deletion.
CREATE TABLE document (
  kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, body TEXT, actor TEXT NOT NULL,
  message TEXT NOT NULL, changed_ms INTEGER NOT NULL, PRIMARY KEY (kind, id, version)
) WITHOUT ROWID;

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
  subject TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE INDEX audit_by_subject ON audit (subject);
