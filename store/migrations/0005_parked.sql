-- Sinks that nobody sends to, though something waits for them: the config does not have them.
CREATE TABLE parked (
	sink  TEXT    NOT NULL PRIMARY KEY,
	since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
