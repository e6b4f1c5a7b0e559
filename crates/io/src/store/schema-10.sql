-- Version 10: all rows that say something have a checksum (none in rows of earlier versions).
ALTER TABLE alert ADD COLUMN sum INTEGER;
ALTER TABLE told ADD COLUMN sum INTEGER;
ALTER TABLE outbox ADD COLUMN sum INTEGER;
ALTER TABLE silence ADD COLUMN sum INTEGER;
ALTER TABLE document ADD COLUMN sum INTEGER;
ALTER TABLE finding ADD COLUMN sum INTEGER;
ALTER TABLE finding_scan ADD COLUMN sum INTEGER;
ALTER TABLE finding_host ADD COLUMN sum INTEGER;
ALTER TABLE finding_list ADD COLUMN sum INTEGER;

-- What lies in folders beside this file, in parts, as a copy of it carries them; nothing once the copy was opened.
CREATE TABLE beside (name TEXT NOT NULL, part INTEGER NOT NULL, body BLOB NOT NULL, sum INTEGER, PRIMARY KEY (name, part));
