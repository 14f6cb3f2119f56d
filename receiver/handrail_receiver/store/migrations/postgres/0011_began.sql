-- Since when an alert that fires says that it does, by its own clock; 0: it does not say.
ALTER TABLE said ADD COLUMN began DOUBLE PRECISION NOT NULL DEFAULT 0;
