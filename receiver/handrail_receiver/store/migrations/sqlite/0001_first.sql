CREATE TABLE inbox (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    at          REAL NOT NULL,
    source      TEXT NOT NULL,
    body        BLOB NOT NULL,
    result      TEXT,
    reason      TEXT
);
CREATE INDEX inbox_undecided ON inbox (number) WHERE result IS NULL;
CREATE INDEX inbox_by_time ON inbox (at);

CREATE TABLE attempt (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    rollout          TEXT NOT NULL,
    service          TEXT NOT NULL,
    number           INTEGER NOT NULL,
    state            TEXT NOT NULL,
    stage            TEXT NOT NULL,
    stage_entered_at REAL NOT NULL,
    started_at       REAL NOT NULL,
    started_by       TEXT NOT NULL,
    held             TEXT NOT NULL DEFAULT '',
    pinned           TEXT NOT NULL DEFAULT '{}',
    rollback_ready   TEXT NOT NULL DEFAULT '',
    owner            TEXT,
    leased_until     REAL NOT NULL DEFAULT 0,
    fence            INTEGER NOT NULL DEFAULT 0,
    UNIQUE (rollout, number)
);

CREATE TABLE said (
    attempt INTEGER NOT NULL REFERENCES attempt (id) ON DELETE CASCADE,
    series  TEXT NOT NULL,
    source  TEXT NOT NULL,
    firing  INTEGER NOT NULL,
    at      REAL NOT NULL,
    PRIMARY KEY (attempt, series)
);

CREATE TABLE reference (
    attempt   INTEGER NOT NULL REFERENCES attempt (id) ON DELETE CASCADE,
    guardrail TEXT NOT NULL,
    reference TEXT NOT NULL,
    value     REAL NOT NULL,
    PRIMARY KEY (attempt, guardrail, reference)
);

CREATE TABLE telling (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    incident TEXT NOT NULL,
    rollout  TEXT NOT NULL,
    attempt  INTEGER NOT NULL,
    tell     TEXT NOT NULL,
    receipt  TEXT NOT NULL DEFAULT '',
    wanted   INTEGER NOT NULL DEFAULT 1,
    sent     INTEGER NOT NULL DEFAULT 0,
    tries    INTEGER NOT NULL DEFAULT 0,
    due_at   REAL NOT NULL,
    problem  TEXT NOT NULL DEFAULT '',
    UNIQUE (incident, tell)
);
CREATE INDEX telling_due ON telling (due_at) WHERE wanted > sent;

CREATE TABLE run (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    attempt      INTEGER NOT NULL REFERENCES attempt (id) ON DELETE CASCADE,
    action       TEXT NOT NULL,
    key          TEXT NOT NULL,
    round        INTEGER NOT NULL,
    state        TEXT NOT NULL,
    asked_by     TEXT NOT NULL,
    reason       TEXT NOT NULL,
    detected_at  REAL NOT NULL,
    decided_at   REAL NOT NULL,
    due_at       REAL NOT NULL,
    acted_at     REAL,
    finished_at  REAL,
    proof        TEXT,
    confirmation TEXT,
    text         TEXT NOT NULL DEFAULT '',
    UNIQUE (attempt, action, key, round)
);
CREATE INDEX run_open ON run (due_at) WHERE state IN ('waiting', 'open', 'proving');
CREATE INDEX run_by_time ON run (decided_at);

CREATE TABLE effect (
    run      INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    step     TEXT NOT NULL,
    state    TEXT NOT NULL,
    found    TEXT NOT NULL DEFAULT '',
    cause    TEXT,
    at       REAL NOT NULL,
    PRIMARY KEY (run, position)
);

CREATE TABLE evidence (
    rollout  TEXT NOT NULL,
    number   INTEGER NOT NULL,
    at       REAL NOT NULL,
    kind     TEXT NOT NULL,
    body     TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash     TEXT NOT NULL,
    PRIMARY KEY (rollout, number)
);
CREATE TRIGGER evidence_is_not_changed BEFORE UPDATE ON evidence
BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER evidence_is_not_removed BEFORE DELETE ON evidence
BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;

CREATE TABLE memory (
    name TEXT PRIMARY KEY,
    at   REAL NOT NULL
);
