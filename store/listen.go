package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Topic is what replicas tell each other by way of the store, to spare them asking again and
// again.
type Topic string

// The topics.
const (
	MessagesQueued Topic = "messages" // there may be something to send
	LeasesChanged  Topic = "leases"   // there may be something to take
	SightsChanged  Topic = "sights"   // there is something new to show
)

// CheckDue asks the replica that watches a server to run a check now.
func CheckDue(server, check string) Topic {
	body, _ := json.Marshal([]string{"check", server, check}) // strings always marshal
	return Topic(body)
}

// CheckDue says what check of what server is asked for, if any is.
func (t Topic) CheckDue() (server, check string, ok bool) {
	var parts []string
	if err := json.Unmarshal([]byte(t), &parts); err != nil || len(parts) != 3 {
		return "", "", false
	}
	return parts[1], parts[2], true
}

// Tell tells the processes that listen.
func (s *DB) Tell(ctx context.Context, topic Topic) error {
	return s.write(ctx, func(tx *transaction) error { return tx.notify(topic) })
}

const (
	// listenAgain is how long a listener that was cut off waits.
	listenAgain = time.Second
	// listenPing is after how long of silence a listener asks whether anybody is there, and
	// listenPatience how long it waits for the answer: a connection that was dropped without a word
	// is silent too.
	listenPing     = time.Second
	listenPatience = 2 * time.Second
)

// notify tells other processes, once the transaction is committed. Where there are none it does
// nothing.
func (t *transaction) notify(topic Topic) error {
	if t.notifying == "" {
		return nil
	}
	_, err := t.exec(t.notifying, string(topic))
	return err
}

// Listen calls heard for all that other processes, or this one, tell until ctx ends. What is told
// while the store cannot be reached is missed: heard is then called with "" when it can be. A
// store that one process has to itself tells nothing.
func (s *DB) Listen(ctx context.Context, heard func(Topic)) {
	for s.listener != nil && ctx.Err() == nil {
		s.listen(ctx, heard)
		select {
		case <-time.After(listenAgain):
		case <-ctx.Done():
		}
	}
	<-ctx.Done()
}

// listen returns when the connection breaks, which needs no word: what could not be told is found
// by looking.
func (s *DB) listen(ctx context.Context, heard func(Topic)) {
	conn, err := pgx.ConnectConfig(ctx, s.listener.Copy())
	if err != nil {
		return
	}
	defer hangUp(ctx, conn)
	if _, err := conn.Exec(ctx, "LISTEN watchdog"); err != nil {
		return
	}
	heard("")
	for {
		n, err := hear(ctx, conn)
		switch {
		case err == nil:
			heard(Topic(n.Payload))
		case ctx.Err() != nil || !pgconn.Timeout(err):
			return
		default:
			if err := ask(ctx, conn); err != nil {
				return
			}
		}
	}
}

// hear waits for what is told. After some silence the error is a timeout, and the connection is as
// it was.
func hear(ctx context.Context, conn *pgx.Conn) (*pgconn.Notification, error) {
	ctx, done := context.WithTimeout(ctx, listenPing)
	defer done()
	return conn.WaitForNotification(ctx)
}

// ask makes sure that somebody is there.
func ask(ctx context.Context, conn *pgx.Conn) error {
	ctx, done := context.WithTimeout(ctx, listenPatience)
	defer done()
	return conn.Ping(ctx)
}

// hangUp does not wait for somebody who is not there.
func hangUp(ctx context.Context, conn *pgx.Conn) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), listenPatience)
	defer done()
	conn.Close(ctx) //nolint:errcheck // it is of no more use
}
