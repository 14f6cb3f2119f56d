-- What happens once in an attempt, and when it did: a deadline, the end of a warm-up.
CREATE TABLE once (
    attempt BIGINT NOT NULL REFERENCES attempt (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    at      DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (attempt, name)
);
-- Which alert holds it, as guardrail/tier; empty for everybody else.
ALTER TABLE attempt ADD COLUMN held_by TEXT NOT NULL DEFAULT '';
