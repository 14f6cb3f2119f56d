-- Who is to be told, where that is too long for the index of `tell`, which then has its digest.
ALTER TABLE telling ADD COLUMN whole TEXT NOT NULL DEFAULT '';
