package storetest

import (
	"errors"
	"testing"
	"time"

	"watchdog/lease"
	"watchdog/store"
)

var sightTests = []contract{
	{"what was never seen is nothing", func(t *testing.T, s Store) {
		equal(t, "Sight", &store.Sight{Parts: map[int][]byte{}}, sightOf(t, s, true, 0))
		revisions, err := s.Sights(t.Context())
		must(t, err)
		equal(t, "Sights", map[string]int64{}, revisions)
	}},
	{"each time the head is written, and the parts that are given", func(t *testing.T, s Store) {
		l := take(t, s, "a", long, "server/prod")[0]
		putSight(t, s, l, "up", map[int]string{0: "orders", 7: "users"})
		putSight(t, s, l, "still up", map[int]string{7: "nobody"})
		putSight(t, s, l, "down", nil)
		equal(t, "all of it", wantSight(3, "down", map[int]string{0: "orders", 7: "nobody"}), sightOf(t, s, true, 0))
		equal(t, "what came after the first time", wantSight(3, "down", map[int]string{7: "nobody"}), sightOf(t, s, true, 1))
		equal(t, "the head alone", wantSight(3, "down", nil), sightOf(t, s, false, 0))
		revisions, err := s.Sights(t.Context())
		must(t, err)
		equal(t, "Sights", map[string]int64{"prod": 3}, revisions)
	}},
	{"who has lost a server writes nothing of it", func(t *testing.T, s Store) {
		first := take(t, s, "a", ended, "server/prod")[0]
		putSight(t, s, first, "seen by a", nil)
		second := take(t, s, "b", long, "server/prod")[0]
		if err := s.PutSight(t.Context(), first, "prod", &store.Sight{Head: []byte("seen late")}); !errors.Is(err, lease.ErrLost) {
			t.Errorf("PutSight of who lost it: got error %v, want lease.ErrLost", err)
		}
		equal(t, "what a saw, until b has seen it", wantSight(1, "seen by a", nil), sightOf(t, s, true, 0))
		putSight(t, s, second, "seen by b", nil)
		equal(t, "what b saw", wantSight(2, "seen by b", nil), sightOf(t, s, true, 0))
	}},
	{"what nobody has written for the retention is forgotten", func(t *testing.T, s Store) {
		putSight(t, s, take(t, s, "a", long, "server/prod")[0], "up", map[int]string{0: "orders"})
		_, err := s.Prune(t.Context(), time.Now().Add(-time.Hour))
		must(t, err)
		equal(t, "after an hour", wantSight(1, "up", map[int]string{0: "orders"}), sightOf(t, s, true, 0))
		_, err = s.Prune(t.Context(), time.Now().Add(time.Hour))
		must(t, err)
		equal(t, "after the retention", &store.Sight{Parts: map[int][]byte{}}, sightOf(t, s, true, 0))
	}},
}

func putSight(t testing.TB, s Store, l lease.Lease, head string, parts map[int]string) {
	t.Helper()
	must(t, s.PutSight(t.Context(), l, "prod", wantSight(0, head, parts)))
}

func wantSight(revision int64, head string, parts map[int]string) *store.Sight {
	sight := &store.Sight{Revision: revision, Head: []byte(head), Parts: map[int][]byte{}}
	for part, body := range parts {
		sight.Parts[part] = []byte(body)
	}
	return sight
}

func sightOf(t testing.TB, s Store, parts bool, after int64) *store.Sight {
	t.Helper()
	sight, err := s.Sight(t.Context(), "prod", parts, after)
	must(t, err)
	return sight
}
