-- What Prometheus had recorded around decisions and at checks: each named by a record of the evidence, by its SHA-256.
CREATE TABLE snapshot (
    digest TEXT PRIMARY KEY,
    body   TEXT NOT NULL
);
CREATE TRIGGER snapshot_is_not_changed BEFORE UPDATE ON snapshot
BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
CREATE TRIGGER snapshot_stays BEFORE DELETE ON snapshot
BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;
