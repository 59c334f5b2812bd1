package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"watchdog/store"
	"watchdog/store/pgtest"
)

// listening gives what a store hears.
func listening(t *testing.T, s *store.DB) <-chan store.Topic {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	heard, ended := make(chan store.Topic, 16), make(chan struct{})
	go func() {
		defer close(ended)
		s.Listen(ctx, func(topic store.Topic) { heard <- topic })
	}()
	t.Cleanup(func() { stop(); <-ended })
	return heard
}

func wantTopic(t *testing.T, heard <-chan store.Topic, want store.Topic) {
	t.Helper()
	patience := time.After(30 * time.Second)
	for {
		select {
		case got := <-heard:
			if got == want {
				return
			}
			t.Logf("heard %q meanwhile", got) // the database is that of other tests too
		case <-patience:
			t.Fatalf("not heard: %q", want)
		}
	}
}

func TestWhatOneProcessTellsOthersHear(t *testing.T) {
	dsn := postgres.Schema(t)
	heard, teller := listening(t, open(t, dsn)), open(t, dsn)
	wantTopic(t, heard, "")
	if err := teller.Commit(t.Context(), alarm(1, 0)); err != nil {
		t.Fatal(err)
	}
	wantTopic(t, heard, store.MessagesQueued)

	postgres.Exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN watchdog'`)
	wantTopic(t, heard, "")
	if err := teller.Tell(t.Context(), store.CheckDue("prod", "all")); err != nil {
		t.Fatal(err)
	}
	wantTopic(t, heard, store.CheckDue("prod", "all"))
	if server, check, ok := store.CheckDue("prod", "all").CheckDue(); server != "prod" || check != "all" || !ok {
		t.Errorf("CheckDue: got %q, %q and %v", server, check, ok)
	}
}

// What is told while nobody is reached is missed; that nobody is, is noticed within seconds.
func TestAListenerNoticesAConnectionThatIsDroppedWithoutAWord(t *testing.T) {
	dsn := postgres.Schema(t)
	_, schema, _ := strings.Cut(dsn, "search_path=")
	wire := pgtest.NewWire(t, postgres.Address())
	beside := open(t, dsn)
	heard := listening(t, open(t, "postgres://watchdog@"+wire.Address()+"/postgres?sslmode=disable&search_path="+schema))
	wantTopic(t, heard, "")

	wire.Cut(true)
	if err := beside.Tell(t.Context(), store.LeasesChanged); err != nil {
		t.Fatal(err)
	}
	cut := time.Now()
	wire.Renew()
	wantTopic(t, heard, "")
	if took := time.Since(cut); took > 10*time.Second {
		t.Errorf("Listen heard again after %v, want 10 s at most", took)
	}
}

func TestAStoreOfOneProcessHearsNothing(t *testing.T) {
	s := open(t, store.Memory)
	heard := listening(t, s)
	if err := s.Commit(t.Context(), alarm(1, 0)); err != nil {
		t.Fatal(err)
	}
	select {
	case topic := <-heard:
		t.Errorf("heard: got %q, want nothing", topic)
	default:
	}
}
