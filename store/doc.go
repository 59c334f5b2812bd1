// Package store keeps what Watchdog believes, what happened, and what it still has to say.
//
// Open opens a SQLite file, a store in memory, or a PostgreSQL database. There is one
// implementation; what the two databases do not do alike is a dialect. What a store promises is
// the contract suite storetest, which runs on all three.
//
// # Promises
//
// All or nothing: Commit writes the memory, the alerts, the history and the messages of one
// decision in one transaction, and a nil error means that they are on the disk. After an error,
// a full disk or a kill at any moment, the store is as after the last commit. With PostgreSQL an
// error of the connection may also mean that all of it is there: then nobody was told.
//
// Idempotent by message id: a message that is already there is not queued a second time.
//
// In order per key: of two messages of one sink that share an order key, Claim does not give
// the later one before the earlier one is sent or buried.
//
// One process a file: one that another process has open for writing is refused at once. A
// PostgreSQL database may be open in many; those that change the queue of one sink take turns, so
// that it has one order. Nothing is
// ever overwritten: a database of another program, of a newer schema, or a damaged one is refused
// and left as it is. One of an older schema is migrated, each step whole or not at all, and by one
// process.
//
// # Not promised
//
// That a lost disk can be recovered, that damage inside a file is found before it is read, or
// that a file on a network file system is safe: SQLite needs locks and shared memory that many
// of those lack. That history is complete: Prune deletes what is older than the retention. A
// store in memory keeps nothing after Close.
//
// # Testing
//
// storetest.Run is the contract, and storetest.RunModel drives the queue at random against a
// model in memory. Package pgtest starts the PostgreSQL that they run on. A process that commits in a loop is killed at random moments, and what it
// left is checked.
package store
