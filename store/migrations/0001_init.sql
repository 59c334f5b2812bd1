-- Times are whole microseconds since 1970-01-01 UTC.

CREATE TABLE servers (
	server     TEXT    NOT NULL PRIMARY KEY,
	memory     BLOB    NOT NULL, -- opaque: what the rules remember of the server itself
	updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE replications (
	server   TEXT NOT NULL,
	database TEXT NOT NULL,
	doc_id   TEXT NOT NULL,
	state    TEXT NOT NULL, -- CouchDB's word, '' when unknown
	memory   BLOB NOT NULL, -- opaque: what the rules remember of the replication
	PRIMARY KEY (server, database, doc_id)
) STRICT, WITHOUT ROWID;

-- The alerts that have not ended. One of a whole server has an empty database and doc_id.
CREATE TABLE alerts (
	server    TEXT    NOT NULL,
	database  TEXT    NOT NULL,
	doc_id    TEXT    NOT NULL,
	rule      TEXT    NOT NULL,
	status    TEXT    NOT NULL,
	severity  TEXT    NOT NULL,
	starts_at INTEGER NOT NULL,
	body      TEXT    NOT NULL, -- JSON, the whole alert
	PRIMARY KEY (server, database, doc_id, rule)
) STRICT, WITHOUT ROWID;

-- What happened, told or not.
CREATE TABLE transitions (
	id       INTEGER PRIMARY KEY,
	at       INTEGER NOT NULL,
	server   TEXT    NOT NULL,
	database TEXT    NOT NULL,
	doc_id   TEXT    NOT NULL,
	rule     TEXT    NOT NULL,
	status   TEXT    NOT NULL,
	reason   TEXT    NOT NULL,
	muted_by TEXT    NOT NULL, -- why somebody who would be told is not; '' when everybody is
	body     TEXT    NOT NULL -- JSON, the whole transition
) STRICT;

CREATE INDEX transitions_at ON transitions (at);
CREATE INDEX transitions_subject ON transitions (server, database, doc_id, at);

-- What is said. An item is done when done_at is set: it was sent, or it is dead.
CREATE TABLE outbox (
	seq        INTEGER PRIMARY KEY, -- the order in which it was decided
	id         TEXT    NOT NULL UNIQUE,
	sink       TEXT    NOT NULL,
	status     TEXT    NOT NULL CHECK (status IN ('queued', 'retrying', 'sent', 'dead')),
	attempts   INTEGER NOT NULL DEFAULT 0,
	behind     INTEGER, -- seq of an earlier item that must be done first; NULL: none
	next_at    INTEGER NOT NULL DEFAULT 0, -- when a retrying item is due; 0: at once
	created_at INTEGER NOT NULL,
	queued_at  INTEGER NOT NULL, -- created_at, or when a dead item was queued again by hand
	done_at    INTEGER,
	last_error TEXT    NOT NULL DEFAULT '',
	payload    TEXT    NOT NULL -- JSON, the whole message; last, since it is the longest
) STRICT;

CREATE INDEX outbox_ready ON outbox (sink, next_at) WHERE done_at IS NULL AND behind IS NULL;
CREATE INDEX outbox_behind ON outbox (behind) WHERE behind IS NOT NULL;
CREATE INDEX outbox_done ON outbox (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX outbox_unsent ON outbox (sink, status) WHERE status <> 'sent';

-- What an item that is not done keeps its order with. Of two items of one sink with a key in
-- common, the one with the lower seq is done first.
CREATE TABLE outbox_keys (
	sink TEXT    NOT NULL,
	key  TEXT    NOT NULL,
	seq  INTEGER NOT NULL REFERENCES outbox (seq) ON DELETE CASCADE,
	PRIMARY KEY (sink, key, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX outbox_keys_seq ON outbox_keys (seq);

-- Who was told what of the alerts that fire, and the groups that wait for more.
CREATE TABLE told (
	server TEXT NOT NULL,
	key    TEXT NOT NULL, -- opaque: what it is about
	body   TEXT NOT NULL, -- JSON, opaque
	PRIMARY KEY (server, key)
) STRICT, WITHOUT ROWID;

-- What people say, which also another process may write.
CREATE TABLE silences (
	id      TEXT    NOT NULL PRIMARY KEY,
	ends_at INTEGER NOT NULL,
	body    TEXT    NOT NULL -- JSON, the whole silence
) STRICT, WITHOUT ROWID;

CREATE INDEX silences_ends_at ON silences (ends_at);

-- Who has which alert.
CREATE TABLE acks (
	fingerprint TEXT    NOT NULL PRIMARY KEY,
	at          INTEGER NOT NULL,
	body        TEXT    NOT NULL -- JSON, the whole acknowledgement
) STRICT, WITHOUT ROWID;
