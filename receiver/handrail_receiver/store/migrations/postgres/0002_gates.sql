CREATE TABLE checked (
    rollout    TEXT NOT NULL,
    number     INTEGER NOT NULL,
    into_stage TEXT NOT NULL,
    question   TEXT NOT NULL,
    passed     INTEGER NOT NULL,
    said_by    TEXT NOT NULL,
    at         DOUBLE PRECISION NOT NULL,
    note       TEXT NOT NULL,
    PRIMARY KEY (rollout, number, into_stage, question)
);

CREATE TABLE approved (
    rollout    TEXT NOT NULL,
    number     INTEGER NOT NULL,
    into_stage TEXT NOT NULL,
    role       TEXT NOT NULL,
    said_by    TEXT NOT NULL,
    at         DOUBLE PRECISION NOT NULL,
    until      DOUBLE PRECISION NOT NULL,
    digest     TEXT NOT NULL,
    token      TEXT NOT NULL,
    note       TEXT NOT NULL,
    PRIMARY KEY (rollout, number, into_stage, role)
);
