-- Version 4: rows without a checksum of their own have one beside them (none in rows of earlier versions).
ALTER TABLE series ADD COLUMN sum INTEGER;
ALTER TABLE stream ADD COLUMN sum INTEGER;
ALTER TABLE evaluation ADD COLUMN sum INTEGER;
ALTER TABLE history ADD COLUMN sum INTEGER;
