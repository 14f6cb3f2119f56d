CREATE TABLE checked (
    rollout    TEXT NOT NULL,
    number     INTEGER NOT NULL,
    into_stage TEXT NOT NULL,
    question   TEXT NOT NULL,
    passed     INTEGER NOT NULL,
    said_by    TEXT NOT NULL,
    at         REAL NOT NULL,
    note       TEXT NOT NULL,
    PRIMARY KEY (rollout, number, into_stage, question)
);

CREATE TABLE approved (
    rollout    TEXT NOT NULL,
    number     INTEGER NOT NULL,
    into_stage TEXT NOT NULL,
    role       TEXT NOT NULL,
    said_by    TEXT NOT NULL,
    at         REAL NOT NULL,
    until      REAL NOT NULL,
    digest     TEXT NOT NULL,
    token      TEXT NOT NULL,
    note       TEXT NOT NULL,
    PRIMARY KEY (rollout, number, into_stage, role)
);
