CREATE TABLE inbox (
    number      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          DOUBLE PRECISION NOT NULL,
    source      TEXT NOT NULL,
    body        BYTEA NOT NULL,
    result      TEXT,
    reason      TEXT
);
CREATE INDEX inbox_undecided ON inbox (number) WHERE result IS NULL;
CREATE INDEX inbox_by_time ON inbox (at);

CREATE TABLE attempt (
    id               BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rollout          TEXT NOT NULL,
    service          TEXT NOT NULL,
    number           INTEGER NOT NULL,
    state            TEXT NOT NULL,
    stage            TEXT NOT NULL,
    stage_entered_at DOUBLE PRECISION NOT NULL,
    started_at       DOUBLE PRECISION NOT NULL,
    started_by       TEXT NOT NULL,
    held             TEXT NOT NULL DEFAULT '',
    pinned           TEXT NOT NULL DEFAULT '{}',
    rollback_ready   TEXT NOT NULL DEFAULT '',
    owner            TEXT,
    leased_until     DOUBLE PRECISION NOT NULL DEFAULT 0,
    fence            INTEGER NOT NULL DEFAULT 0,
    UNIQUE (rollout, number)
);

CREATE TABLE said (
    attempt BIGINT NOT NULL REFERENCES attempt (id) ON DELETE CASCADE,
    series  TEXT NOT NULL,
    source  TEXT NOT NULL,
    firing  INTEGER NOT NULL,
    at      DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (attempt, series)
);

CREATE TABLE reference (
    attempt   BIGINT NOT NULL REFERENCES attempt (id) ON DELETE CASCADE,
    guardrail TEXT NOT NULL,
    reference TEXT NOT NULL,
    value     DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (attempt, guardrail, reference)
);

CREATE TABLE telling (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident TEXT NOT NULL,
    rollout  TEXT NOT NULL,
    attempt  BIGINT NOT NULL,
    tell     TEXT NOT NULL,
    receipt  TEXT NOT NULL DEFAULT '',
    wanted   INTEGER NOT NULL DEFAULT 1,
    sent     INTEGER NOT NULL DEFAULT 0,
    tries    INTEGER NOT NULL DEFAULT 0,
    due_at   DOUBLE PRECISION NOT NULL,
    problem  TEXT NOT NULL DEFAULT '',
    UNIQUE (incident, tell)
);
CREATE INDEX telling_due ON telling (due_at) WHERE wanted > sent;

CREATE TABLE run (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    attempt      BIGINT NOT NULL REFERENCES attempt (id) ON DELETE CASCADE,
    action       TEXT NOT NULL,
    key          TEXT NOT NULL,
    round        INTEGER NOT NULL,
    state        TEXT NOT NULL,
    asked_by     TEXT NOT NULL,
    reason       TEXT NOT NULL,
    detected_at  DOUBLE PRECISION NOT NULL,
    decided_at   DOUBLE PRECISION NOT NULL,
    due_at       DOUBLE PRECISION NOT NULL,
    acted_at     DOUBLE PRECISION,
    finished_at  DOUBLE PRECISION,
    proof        TEXT,
    confirmation TEXT,
    text         TEXT NOT NULL DEFAULT '',
    UNIQUE (attempt, action, key, round)
);
CREATE INDEX run_open ON run (due_at) WHERE state IN ('waiting', 'open', 'proving');
CREATE INDEX run_by_time ON run (decided_at);

CREATE TABLE effect (
    run      BIGINT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    step     TEXT NOT NULL,
    state    TEXT NOT NULL,
    found    TEXT NOT NULL DEFAULT '',
    cause    TEXT,
    at       DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (run, position)
);

CREATE TABLE evidence (
    rollout  TEXT NOT NULL,
    number   INTEGER NOT NULL,
    at       DOUBLE PRECISION NOT NULL,
    kind     TEXT NOT NULL,
    body     TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash     TEXT NOT NULL,
    PRIMARY KEY (rollout, number)
);
CREATE FUNCTION evidence_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN RAISE EXCEPTION ''evidence is append-only''; END';
CREATE TRIGGER evidence_is_not_changed BEFORE UPDATE OR DELETE ON evidence
FOR EACH ROW EXECUTE FUNCTION evidence_is_append_only();
CREATE TRIGGER evidence_is_not_emptied BEFORE TRUNCATE ON evidence
FOR EACH STATEMENT EXECUTE FUNCTION evidence_is_append_only();

CREATE TABLE memory (
    name TEXT PRIMARY KEY,
    at   DOUBLE PRECISION NOT NULL
);
