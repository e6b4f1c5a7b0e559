-- Version 5: what led to each version of a document, for programs; NULL in those of earlier versions. And how many
-- versions of each kind were made, so that nobody has to count them.

ALTER TABLE document ADD COLUMN cause TEXT;
INSERT INTO meta (key, value) SELECT 'revision.' || kind, count(*) FROM document GROUP BY kind;
