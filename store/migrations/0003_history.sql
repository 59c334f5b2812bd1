-- What replications did, for pictures (package history). Nothing that is decided or told depends
-- on it.

CREATE TABLE history_replications (
	replication INTEGER PRIMARY KEY,
	server      TEXT    NOT NULL,
	database    TEXT    NOT NULL,
	doc_id      TEXT    NOT NULL,
	state       TEXT    NOT NULL, -- the last one, '' when it is gone
	crashed_at  INTEGER NOT NULL, -- its last crash, 0: none
	UNIQUE (server, database, doc_id)
) STRICT;

CREATE TABLE history_events (
	replication INTEGER NOT NULL REFERENCES history_replications (replication) ON DELETE CASCADE,
	at          INTEGER NOT NULL,
	kind        TEXT    NOT NULL,
	state       TEXT    NOT NULL,
	error       TEXT    NOT NULL,
	PRIMARY KEY (replication, at, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX history_events_at ON history_events (at);

CREATE TABLE history_points (
	replication INTEGER NOT NULL REFERENCES history_replications (replication) ON DELETE CASCADE,
	begins_at   INTEGER NOT NULL, -- the first of its points
	level       INTEGER NOT NULL, -- how closely they are kept, 0 the finest
	points      BLOB    NOT NULL, -- packed
	PRIMARY KEY (replication, begins_at, level)
) STRICT, WITHOUT ROWID;

CREATE INDEX history_points_age ON history_points (level, begins_at);

-- When every look at a server was whole.
CREATE TABLE history_looks (
	server    TEXT    NOT NULL,
	begins_at INTEGER NOT NULL,
	ends_at   INTEGER NOT NULL,
	PRIMARY KEY (server, begins_at)
) STRICT, WITHOUT ROWID;
