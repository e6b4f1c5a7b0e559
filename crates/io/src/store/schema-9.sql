-- Version 9: findings of vulnerability scanners. A finding is known by its key and has one row, however often it was
-- seen; what is asked of many findings at once stands in columns, the rest in the body (JSON).

CREATE TABLE finding (
  key BLOB PRIMARY KEY, scanner TEXT NOT NULL, host TEXT NOT NULL, chk TEXT NOT NULL, port INTEGER,
  level INTEGER NOT NULL, policy TEXT NOT NULL, first_seen_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL,
  last_missed_ms INTEGER, body TEXT NOT NULL
);
CREATE INDEX finding_by_place ON finding (scanner, host);

-- Scans that were imported; the id is a hash of the report, the body (JSON) says what the scan looked at.
CREATE TABLE finding_scan (id TEXT PRIMARY KEY, scanner TEXT NOT NULL, at_ms INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX finding_scan_by_time ON finding_scan (scanner, at_ms);

-- Which address a host's name stands for, as reports that give both say.
CREATE TABLE finding_host (name TEXT PRIMARY KEY, address TEXT NOT NULL);

-- What lists that people bring in say of a vulnerability, by the list's name.
CREATE TABLE finding_list (list TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (list, id)) WITHOUT ROWID;
