-- How far each chain of evidence goes: what is cut off its end, or removed as a whole, is missed.
CREATE TABLE evidence_end (
    rollout TEXT PRIMARY KEY,
    number  INTEGER NOT NULL,
    hash    TEXT NOT NULL
);
INSERT INTO evidence_end (rollout, number, hash)
SELECT rollout, number, hash FROM evidence AS newest
WHERE number = (SELECT MAX(number) FROM evidence WHERE rollout = newest.rollout);
CREATE TRIGGER evidence_end_goes_forward BEFORE UPDATE ON evidence_end
FOR EACH ROW WHEN (NEW.number <= OLD.number) EXECUTE FUNCTION evidence_is_append_only();
CREATE TRIGGER evidence_end_stays BEFORE DELETE ON evidence_end
FOR EACH ROW EXECUTE FUNCTION evidence_is_append_only();
