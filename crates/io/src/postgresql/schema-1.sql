-- Times are milliseconds since the Unix epoch. JSON is text, which must read back to the last byte: the audit is hashed.
-- A group may be longer than an index takes, so keys hold the first 16 bytes of its SHA-256 as grp_key.

CREATE TABLE meta (
    key text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);
INSERT INTO meta (key, value) VALUES
    ('secret', encode(sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')), 'hex'));

-- The last transaction of each process that writes, so that whoever lost the answer to a commit finds out.
CREATE TABLE writer (
    name text COLLATE "C" PRIMARY KEY,
    number bigint NOT NULL,
    at timestamptz NOT NULL
);

-- Who evaluates: one at a time, for as long as it says so again and again.
CREATE TABLE lease (
    name text COLLATE "C" PRIMARY KEY,
    holder text NOT NULL,
    about text NOT NULL,
    until timestamptz NOT NULL
);

-- Who owns which rules. The row -1 notes the latest claim of anything.
CREATE TABLE shard (
    id smallint PRIMARY KEY,
    epoch bigint NOT NULL,
    owner text NOT NULL,
    turns bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- How far each rule was walked; start_ms and end_ms are null once it is forgotten.
CREATE TABLE cursor (
    rule text COLLATE "C" PRIMARY KEY,
    start_ms bigint,
    end_ms bigint,
    first_ms bigint,
    last_ms bigint,
    shard smallint
) WITH (fillfactor = 70);
CREATE INDEX cursor_by_shard ON cursor (shard);

CREATE TABLE alert (
    rule text COLLATE "C" NOT NULL,
    grp_key bytea NOT NULL,
    grp text COLLATE "C" NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (rule, grp_key)
);

-- By day of the end of the window; a day that is too old is dropped as a whole.
CREATE TABLE evaluation (
    end_ms bigint NOT NULL,
    id bytea NOT NULL,
    rule text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    grp text COLLATE "C" NOT NULL,
    start_ms bigint NOT NULL,
    value double precision,
    base double precision,
    score double precision,
    outcome text NOT NULL,
    error text,
    state text NOT NULL,
    late boolean NOT NULL,
    evaluated_ms bigint NOT NULL,
    PRIMARY KEY (end_ms, id)
) PARTITION BY RANGE (end_ms);
CREATE INDEX evaluation_by_rule ON evaluation (rule, end_ms);

CREATE TABLE history (
    query bigint NOT NULL,
    start_ms bigint NOT NULL,
    end_ms bigint NOT NULL,
    grp_key bytea NOT NULL,
    grp text COLLATE "C" NOT NULL,
    value double precision,
    PRIMARY KEY (query, start_ms, end_ms, grp_key)
);

CREATE TABLE told (
    receiver text COLLATE "C" NOT NULL,
    grp_key bytea NOT NULL,
    alert text COLLATE "C" NOT NULL,
    grp text COLLATE "C" NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (receiver, grp_key, alert)
);

-- state: 0 pending, 1 sent, 2 dead, 3 refused.
CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text COLLATE "C" NOT NULL UNIQUE,
    receiver text COLLATE "C" NOT NULL,
    grp_key bytea NOT NULL,
    body text NOT NULL,
    state smallint NOT NULL,
    attempts integer NOT NULL,
    due_ms bigint NOT NULL,
    error text,
    done_ms bigint
);
CREATE INDEX outbox_open ON outbox (receiver, grp_key, seq) WHERE state = 0;
CREATE INDEX outbox_refused ON outbox (receiver, grp_key) WHERE state = 3;
CREATE INDEX outbox_dead ON outbox (receiver, done_ms) WHERE state = 2;

CREATE TABLE document (
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    body text,
    actor text NOT NULL,
    message text NOT NULL,
    changed_ms bigint NOT NULL,
    cause text NOT NULL,
    PRIMARY KEY (kind, id, version)
);
CREATE INDEX document_by_time ON document (kind, changed_ms);

CREATE TABLE audit (
    seq bigint PRIMARY KEY,
    time_ms bigint NOT NULL,
    actor text NOT NULL,
    action text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    detail text NOT NULL,
    hash text NOT NULL
);
CREATE INDEX audit_by_subject ON audit (md5(subject), seq);

CREATE TABLE silence (
    id text COLLATE "C" PRIMARY KEY,
    end_ms bigint NOT NULL,
    body text NOT NULL
);

CREATE TABLE model (
    id text COLLATE "C" PRIMARY KEY,
    kind text COLLATE "C" NOT NULL,
    data text NOT NULL,
    threshold double precision NOT NULL,
    metrics text NOT NULL,
    created_ms bigint NOT NULL,
    body bytea NOT NULL
);
