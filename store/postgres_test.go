package store_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"

	"watchdog/outbox"
	"watchdog/outbox/outboxtest"
	"watchdog/store"
	"watchdog/store/pgtest"
	"watchdog/store/storetest"
)

// postgres is the server of this test binary. TestMain ends it.
var postgres pgtest.Server

func TestContractInPostgres(t *testing.T) {
	storetest.Run(t, openPostgres)
	storetest.RunDurable(t, func(t testing.TB) func(testing.TB) storetest.Store {
		dsn := postgres.Schema(t)
		return func(t testing.TB) storetest.Store { return open(t, dsn) }
	})
}

func TestQueueInPostgresIsLikeItsModel(t *testing.T) {
	checks := flag.Lookup("rapid.checks")
	usual := checks.Value.String()
	t.Cleanup(func() { checks.Value.Set(usual) })
	if err := checks.Value.Set("8"); err != nil { // each takes a quarter of a second
		t.Fatal(err)
	}
	storetest.RunModel(t, openPostgres)
}

func TestPostgresIsRefusedOrExplained(t *testing.T) {
	const foreign = "it has tables of another program, and is left as it is; give another database, or a schema by ?search_path=NAME"
	for _, test := range []struct {
		name, sql, want string
		opts            store.Options
	}{
		{"tables of another program", "CREATE TABLE customers (name TEXT)", foreign, store.Options{}},
		{
			"a newer schema", "CREATE TABLE watchdog_schema (version BIGINT); INSERT INTO watchdog_schema VALUES (1000)",
			fmt.Sprintf("its schema has version 1000, and this watchdog knows %d; run the watchdog that wrote it or a newer one, or give another path", len(steps(t))),
			store.Options{},
		},
		{"nothing to read", "SELECT 1", "there is no store yet; `watchdog run` creates it", store.Options{ReadOnly: true}},
		{
			"an older schema to read", "CREATE TABLE watchdog_schema (version BIGINT); INSERT INTO watchdog_schema VALUES (0)",
			fmt.Sprintf("its schema has version 0, and this watchdog reads %d; `watchdog run` migrates it", len(steps(t))),
			store.Options{Beside: true},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			dsn := postgres.Schema(t)
			_, schema, _ := strings.Cut(dsn, "search_path=")
			postgres.Exec(t, "SET search_path = "+schema+"; "+test.sql)
			_, err := store.Open(t.Context(), dsn, test.opts)
			wantError(t, "Open", err, "open store "+dsn+": "+test.want)
		})
	}
	t.Run("a database that is not there", func(t *testing.T) {
		dsn := strings.Replace(postgres.Schema(t), "///postgres", "///nobody", 1)
		_, err := store.Open(t.Context(), dsn, store.Options{})
		wantError(t, "Open", err, "open store "+dsn+`: {}database "nobody" does not exist (SQLSTATE 3D000); create it: CREATE DATABASE … OWNER …`)
	})
	t.Run("a server that is not there", func(t *testing.T) {
		_, err := store.Open(t.Context(), "postgres://ada:hunter2@127.0.0.1:1/watchdog", store.Options{})
		wantError(t, "Open", err, "open store postgres://ada:*****@127.0.0.1:1/watchdog: {}; is it running, and does it listen there?")
	})
}

func TestPostgresIsMigratedOnceByManyAtTheSameTime(t *testing.T) {
	dsn := postgres.Schema(t)
	var opening errgroup
	for range 8 {
		opening.Go(func() error {
			s, err := store.Open(context.WithoutCancel(t.Context()), dsn, store.Options{})
			if err != nil {
				return err
			}
			return s.Close()
		})
	}
	if err := opening.Wait(); err != nil {
		t.Error(err)
	}
}

// What changes at every check finds room on its page: else each update is one of the index too.
func TestPostgresLeavesRoomForWhatChangesAllTheTime(t *testing.T) {
	s := open(t, postgres.Schema(t))
	var options string
	err := s.Writer().QueryRowContext(t.Context(), `SELECT reloptions::text FROM pg_class WHERE oid = 'replications'::regclass`).Scan(&options)
	if err != nil || options != "{fillfactor=50}" {
		t.Errorf("options of the table: got %q and error %v, want {fillfactor=50}", options, err)
	}
}

// TestNothingStaysBehindWhatWasSentMeanwhile sends an item while another is put behind it, again
// and again: the second must always come.
func TestNothingStaysBehindWhatWasSentMeanwhile(t *testing.T) {
	s := open(t, postgres.Schema(t))
	item := func(n int) outbox.Item {
		return outbox.Item{ID: messageID(n), Sink: "hook", Keys: []string{"k"}, Payload: []byte("{}"), Created: epoch}
	}
	const rounds = 100
	if err := s.Add(t.Context(), item(0)); err != nil {
		t.Fatal(err)
	}
	for n := range rounds {
		var both errgroup
		both.Go(func() error { return s.Note(t.Context(), outbox.Sent(messageID(n), epoch, nil)) })
		both.Go(func() error { return s.Add(t.Context(), item(n+1)) })
		if err := both.Wait(); err != nil {
			t.Fatal(err)
		}
		items, _, err := s.Claim(t.Context(), outbox.Request{Sink: "hook", Now: epoch, Limit: 9})
		if err != nil || len(items) != 1 || items[0].ID != messageID(n+1) {
			t.Fatalf("Claim after %d was sent while %d was added: got %v and error %v, want the latter", n, n+1, items, err)
		}
	}
}

// errgroup runs functions at the same time and joins their errors.
type errgroup struct {
	running sync.WaitGroup
	lock    sync.Mutex // of err
	err     error
}

func (g *errgroup) Go(do func() error) {
	g.running.Go(func() {
		err := do()
		g.lock.Lock()
		defer g.lock.Unlock()
		g.err = errors.Join(g.err, err)
	})
}

func (g *errgroup) Wait() error {
	g.running.Wait()
	return g.err
}

func TestQueueInPostgresKeepsTheContractOfTheOutbox(t *testing.T) {
	outboxtest.TestQueue(t, func(t *testing.T) (q, other outbox.Queue, add func(...outbox.Item)) {
		s := open(t, postgres.Schema(t))
		return s, s.As("another"), func(items ...outbox.Item) {
			if err := s.Add(t.Context(), items...); err != nil {
				t.Fatalf("Add: %v", err)
			}
		}
	})
}

func openPostgres(t testing.TB) storetest.Store { return open(t, postgres.Schema(t)) }
