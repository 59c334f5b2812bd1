-- What a sink remembers of a thread: of all that it was sent of one group.
CREATE TABLE threads (
	sink       TEXT    NOT NULL,
	thread     TEXT    NOT NULL,
	memory     BLOB    NOT NULL, -- opaque
	updated_at INTEGER NOT NULL,
	PRIMARY KEY (sink, thread)
) STRICT, WITHOUT ROWID;

CREATE INDEX threads_updated_at ON threads (updated_at);

ALTER TABLE outbox ADD COLUMN thread TEXT NOT NULL DEFAULT ''; -- '': it belongs to none
