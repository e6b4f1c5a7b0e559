-- Version 8: what one turn of the engine writes lies together, however many rules there are. Rules have numbers, given in
-- the order in which they are first walked, and that is the order of every turn after: alerts and cursors are kept by
-- these numbers, and evaluations in order of time. A rule belongs to a shard, and a shard to whoever claimed it last.

CREATE TABLE shard (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, owner TEXT NOT NULL);

-- Trained models; the id is the SHA-256 of the body.
CREATE TABLE model (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, data TEXT NOT NULL, threshold REAL NOT NULL, metrics TEXT NOT NULL,
  created_ms INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX model_by_kind ON model (kind, created_ms);

-- How far each rule was walked (both NULL: not at all, or it is forgotten), the shard that it belongs to (NULL: nobody
-- has walked it since there are shards), and the ends of its first and last windows that were evaluated.
CREATE TABLE cursor_8 (
  number INTEGER PRIMARY KEY, rule TEXT NOT NULL, shard INTEGER, start_ms INTEGER, end_ms INTEGER,
  first_ms INTEGER, last_ms INTEGER
);
INSERT INTO cursor_8 (rule, start_ms, end_ms) SELECT rule, start_ms, end_ms FROM cursor ORDER BY rule;
CREATE UNIQUE INDEX cursor_by_rule ON cursor_8 (rule);
CREATE INDEX cursor_by_shard ON cursor_8 (shard);
INSERT OR IGNORE INTO cursor_8 (rule) SELECT DISTINCT rule FROM alert ORDER BY rule;
INSERT INTO cursor_8 (rule, first_ms, last_ms)
  SELECT rule, min(end_ms), max(end_ms) FROM evaluation WHERE true GROUP BY rule
  ON CONFLICT (rule) DO UPDATE SET first_ms = excluded.first_ms, last_ms = excluded.last_ms;
DROP TABLE cursor;
ALTER TABLE cursor_8 RENAME TO cursor;

CREATE TABLE alert_8 (
  number INTEGER NOT NULL, grp TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (number, grp)
) WITHOUT ROWID;
INSERT INTO alert_8 (number, grp, body)
  SELECT number, grp, body FROM alert JOIN cursor USING (rule) ORDER BY number, grp;
DROP TABLE alert;
ALTER TABLE alert_8 RENAME TO alert;

-- Each evaluation once: its id is a hash of the columns of the unique index, with the rule for its number.
CREATE TABLE evaluation_8 (
  seq INTEGER PRIMARY KEY, rule TEXT NOT NULL, version INTEGER NOT NULL, grp TEXT NOT NULL,
  start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, value REAL, base REAL, score REAL,
  outcome TEXT NOT NULL, error TEXT, state TEXT NOT NULL, late INTEGER NOT NULL, evaluated_ms INTEGER NOT NULL,
  number INTEGER NOT NULL, sum INTEGER
);
INSERT INTO evaluation_8
  SELECT seq, rule, version, grp, e.start_ms, e.end_ms, value, base, score, outcome, error, state, late, evaluated_ms,
    number, row_sum(rule, version, grp, e.start_ms, e.end_ms, value, base, score, outcome, error, state, late,
      evaluated_ms, number)
  FROM evaluation AS e JOIN cursor USING (rule)
  WHERE sum IS NULL OR sum = row_sum(rule, version, grp, e.start_ms, e.end_ms, value, base, score, outcome, error, state,
    late, evaluated_ms)
  ORDER BY seq;
DROP TABLE evaluation;
ALTER TABLE evaluation_8 RENAME TO evaluation;
CREATE UNIQUE INDEX evaluation_once ON evaluation (end_ms, number, grp, start_ms, version);
