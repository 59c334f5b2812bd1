package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
)

// Topic is what replicas tell each other by way of the store, to spare them asking again and
// again.
type Topic string

// The topics.
const (
	MessagesQueued Topic = "messages" // there may be something to send
	LeasesChanged  Topic = "leases"   // there may be something to take
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

// listenAgain is how long a listener that was cut off waits.
const listenAgain = 2 * time.Second

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
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it is of no more use
	if _, err := conn.Exec(ctx, "LISTEN watchdog"); err != nil {
		return
	}
	heard("")
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return
		}
		heard(Topic(n.Payload))
	}
}
