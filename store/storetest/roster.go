package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"watchdog/lease"
)

// roster is who holds what, a line each.
func roster(t testing.TB, s Store) string {
	t.Helper()
	r, err := s.Roster(t.Context())
	must(t, err)
	var lines []string
	for _, one := range r.Replicas {
		lines = append(lines, fmt.Sprintf("%s lives: %v, since %v", one.Name, one.Live, said(one.Since)))
	}
	for _, one := range r.Leases {
		lines = append(lines, fmt.Sprintf("%s %s: %q lives: %v, epoch %d since %v", one.Kind, one.Name, one.Holder, one.Live, one.Epoch, said(one.Since)))
	}
	return strings.Join(lines, "\n")
}

// said is whether a time is that of the test.
func said(at *time.Time) string {
	switch {
	case at == nil:
		return "nobody knows"
	case time.Since(*at).Abs() < time.Minute:
		return "now"
	default:
		return at.String()
	}
}

var rosterTests = []contract{
	{"nobody holds anything", func(t *testing.T, s Store) {
		equal(t, "Roster", "", roster(t, s))
	}},
	{"who lives holds what it took, and who is dead what nobody has taken yet", func(t *testing.T, s Store) {
		take(t, s, "a", long, "server/prod", "sink/slack/oncall")
		take(t, s, "b", ended, "server/archive")
		equal(t, "Roster", `a lives: true, since now
b lives: false, since now
server archive: "b" lives: false, epoch 1 since now
server prod: "a" lives: true, epoch 1 since now
sink slack/oncall: "a" lives: true, epoch 1 since now`, roster(t, s))
	}},
	{"what is given back nobody holds", func(t *testing.T, s Store) {
		must(t, s.Return(t.Context(), take(t, s, "a", long, "server/prod")))
		equal(t, "Roster", `a lives: true, since now
server prod: "" lives: false, epoch 1 since nobody knows`, roster(t, s))
		must(t, s.Leave(t.Context(), "a"))
		equal(t, "Roster after a left", `server prod: "" lives: false, epoch 1 since nobody knows`, roster(t, s))
	}},
	{"a tenure begins when it is taken, and not with each sign of life", func(t *testing.T, s Store) {
		take(t, s, "a", long, "server/prod")
		before, err := s.Roster(t.Context())
		must(t, err)
		take(t, s, "a", long)
		o := whole()
		must(t, s.Held(lease.Lease{Name: "server/prod", Holder: "a", Epoch: 1}).Commit(t.Context(), &o))
		after, err := s.Roster(t.Context())
		must(t, err)
		equal(t, "since when a is there", before.Replicas[0].Since, after.Replicas[0].Since)
		equal(t, "since when a holds it", before.Leases, after.Leases)
	}},
}
