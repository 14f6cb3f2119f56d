ALTER TABLE attempt ADD COLUMN playbook TEXT NOT NULL DEFAULT '';

CREATE OR REPLACE FUNCTION database_clock() RETURNS double precision VOLATILE LANGUAGE sql
AS 'SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS double precision)';
