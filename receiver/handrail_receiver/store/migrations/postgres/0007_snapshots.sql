-- What Prometheus had recorded around decisions and at checks: each named by a record of the evidence, by its SHA-256.
CREATE TABLE snapshot (
    digest TEXT PRIMARY KEY,
    body   TEXT NOT NULL
);
CREATE TRIGGER snapshot_is_append_only BEFORE UPDATE OR DELETE ON snapshot
FOR EACH ROW EXECUTE FUNCTION evidence_is_append_only();
