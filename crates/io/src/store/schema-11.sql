-- Version 11: how far rules were walked has a checksum too (none in rows of earlier versions).
ALTER TABLE cursor ADD COLUMN sum INTEGER;
