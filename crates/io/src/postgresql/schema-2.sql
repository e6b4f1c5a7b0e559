-- Servers that share the work of the shards, each for as long as it says so again and again.
CREATE TABLE worker (
    name text COLLATE "C" PRIMARY KEY,
    about text NOT NULL,
    until timestamptz NOT NULL
) WITH (fillfactor = 50);

-- The worker that evaluates a shard. The row -2 notes who owns what is not shared out: the cursors with the shard -2.
ALTER TABLE shard ADD COLUMN holder text COLLATE "C";

-- What happened to alerts of shards, until whoever notifies people has taken it.
CREATE TABLE news (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard smallint NOT NULL,
    body text NOT NULL
);
