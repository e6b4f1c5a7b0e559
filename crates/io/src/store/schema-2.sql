-- Version 2: every entry of the audit carries a hash over itself and the entry before it ('' in entries of
-- version 1), and the audit is only ever added to.
ALTER TABLE audit ADD COLUMN hash TEXT NOT NULL DEFAULT '';

CREATE TRIGGER audit_keeps_its_entries BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;

CREATE TRIGGER audit_loses_no_entry BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END;
