-- Since when replicas are there, and hold what they hold, by the clock of the store. 0: it was not
-- noted.
ALTER TABLE replicas ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE leases ADD COLUMN since INTEGER NOT NULL DEFAULT 0;

-- What replicas see of the servers that they watch, for the pages of the others. Nothing that is
-- decided or told depends on it.
CREATE TABLE sights (
	server   TEXT    NOT NULL PRIMARY KEY,
	revision INTEGER NOT NULL, -- how often it was written
	at       INTEGER NOT NULL, -- by the clock of the store
	head     BLOB    NOT NULL  -- opaque: the server and its checks
) STRICT, WITHOUT ROWID;

CREATE TABLE sight_parts (
	server   TEXT    NOT NULL REFERENCES sights (server) ON DELETE CASCADE,
	part     INTEGER NOT NULL,
	revision INTEGER NOT NULL, -- of the sight, when the part was written
	body     BLOB    NOT NULL, -- opaque: some of the replications
	PRIMARY KEY (server, part)
) STRICT, WITHOUT ROWID;
