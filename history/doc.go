// Package history keeps what replications did, for pictures: their states and crashes, and how
// their counters moved.
//
// A Recorder is shown every look at every server, and keeps what changed: an Event for each change
// of state and each crash, a Point where a counter moved. Points are packed, a row for each
// replication and ten minutes, and a row that grows old is folded into one of a lower resolution
// (Levels). What did not change costs nothing but a point a day.
//
// # Promises
//
// History never holds up a check, a commit or a delivery: a look is handed over without waiting,
// and what cannot be written is counted, logged once, and tried again within bounds. Unknown is
// never zero: what was not seen is in no Span, and what the server did not give is not Known.
//
// # Not promised
//
// That history is complete. A process that is killed loses the points of its last ten minutes and
// the events of its last seconds, and leaves a gap there. Of one replication at most MaxEvents
// events are kept, the latest.
//
// # Testing
//
// Looks go into a recorder over a keeper in memory inside a testing/synctest bubble; points are
// packed and unpacked at random.
package history
