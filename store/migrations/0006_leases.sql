-- The processes that share the store, and until when each counts as living, by the clock of the
-- store.
CREATE TABLE replicas (
	replica TEXT    NOT NULL PRIMARY KEY,
	until   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who works on what. A lease is its holder's as long as that one lives.
CREATE TABLE leases (
	name    TEXT    NOT NULL PRIMARY KEY,
	holder  TEXT    NOT NULL, -- '': nobody
	epoch   INTEGER NOT NULL, -- how often it was taken
	commits INTEGER NOT NULL  -- how many its holder has made
) STRICT, WITHOUT ROWID;
