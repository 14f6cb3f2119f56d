-- Which incidents are open; what happened to each stands in the evidence. Those of security rollbacks stay open.
CREATE TABLE incident (
    attempt   BIGINT PRIMARY KEY REFERENCES attempt (id) ON DELETE CASCADE,
    rollout   TEXT NOT NULL,
    opened_at DOUBLE PRECISION NOT NULL,
    closed_at DOUBLE PRECISION
);
CREATE INDEX incident_of_rollout ON incident (rollout);
CREATE INDEX evidence_of_incidents ON evidence (rollout, number) WHERE kind = 'incident';
INSERT INTO incident (attempt, rollout, opened_at)
SELECT attempt.id, attempt.rollout, MIN(run.decided_at) FROM attempt JOIN run ON run.attempt = attempt.id
WHERE run.action = 'security-rollback' AND run.state NOT IN ('waiting', 'withdrawn', 'superseded')
AND NOT EXISTS (SELECT 1 FROM once WHERE once.attempt = attempt.id AND once.name = 'incident closed')
GROUP BY attempt.id, attempt.rollout;
