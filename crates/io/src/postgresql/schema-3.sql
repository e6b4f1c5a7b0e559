-- What each worker says of itself, for people.
ALTER TABLE worker ADD COLUMN report text;

-- Acknowledgements of alerts in shards, until the worker of the shard has taken them: the alerts are its own. One that is withdrawn
-- has no body.
CREATE TABLE acknowledgement (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard smallint NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    body text
);
