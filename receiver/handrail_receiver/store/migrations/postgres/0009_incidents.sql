-- A security rollback is an incident that a person closes; those of before this version are closed.
INSERT INTO once (attempt, name, at)
SELECT DISTINCT attempt.id, 'incident closed', attempt.started_at FROM attempt JOIN run ON run.attempt = attempt.id
WHERE run.action = 'security-rollback';
