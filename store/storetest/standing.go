package storetest

import (
	"errors"
	"testing"

	"watchdog/cycle"
	"watchdog/notify"
	"watchdog/store"
)

func silence(id string, ends int) notify.Silence {
	return notify.Silence{
		ID: id, Match: map[string][]string{"doc_id": {"orders"}}, StartsAt: epoch, EndsAt: at(ends), CreatedBy: "ada", Comment: "moving",
	}
}

func standing(t *testing.T, s Store, seconds int) *notify.Standing {
	t.Helper()
	got, err := s.Standing(t.Context(), at(seconds))
	must(t, err)
	return got
}

var standingTests = []contract{
	{"nobody has said anything", func(t *testing.T, s Store) {
		equal(t, "Standing", &notify.Standing{Acks: map[string]notify.Ack{}}, standing(t, s, 0))
	}},
	{"silences are given until they end, the next to end first", func(t *testing.T, s Store) {
		for _, one := range []notify.Silence{silence("b", 60), silence("a", 30)} {
			must(t, s.PutSilence(t.Context(), &one))
		}
		equal(t, "Silences", []notify.Silence{silence("a", 30), silence("b", 60)}, standing(t, s, 29).Silences)
		equal(t, "Silences after one ended", []notify.Silence{silence("b", 60)}, standing(t, s, 30).Silences)
	}},
	{"a silence is ended by putting it anew", func(t *testing.T, s Store) {
		one, ended := silence("a", 60), silence("a", 10)
		must(t, s.PutSilence(t.Context(), &one))
		must(t, s.PutSilence(t.Context(), &ended))
		equal(t, "Silences", 0, len(standing(t, s, 20).Silences))
	}},
	{"a silence without an id is given one", func(t *testing.T, s Store) {
		one, other := silence("", 60), silence("", 60)
		must(t, s.PutSilence(t.Context(), &one))
		must(t, s.PutSilence(t.Context(), &other))
		equal(t, "ids differ", true, one.ID != "" && one.ID != other.ID)
		equal(t, "Silences", 2, len(standing(t, s, 0).Silences))
	}},
	{"a silence is ended once", func(t *testing.T, s Store) {
		one := silence("a", 60)
		must(t, s.PutSilence(t.Context(), &one))
		for _, seconds := range []int{10, 20} {
			ended, err := s.ExpireSilence(t.Context(), "a", at(seconds))
			must(t, err)
			equal(t, "ExpireSilence", silence("a", 10), *ended)
		}
		equal(t, "Silences", 0, len(standing(t, s, 10).Silences))
		_, err := s.ExpireSilence(t.Context(), "b", at(10))
		equal(t, "ExpireSilence of none", true, errors.Is(err, store.ErrNoSilence))
	}},
	{"who gives an alert back has it no more", func(t *testing.T, s Store) {
		must(t, s.Acknowledge(t.Context(), "f1", notify.Ack{By: "ada", At: at(1)}))
		for range 2 {
			must(t, s.Unacknowledge(t.Context(), "f1"))
		}
		equal(t, "Acks", map[string]notify.Ack{}, standing(t, s, 3).Acks)
	}},
	{"the last to acknowledge has the alert", func(t *testing.T, s Store) {
		ada, bob := notify.Ack{By: "ada", At: at(1)}, notify.Ack{By: "bob", At: at(2), Comment: "mine"}
		must(t, s.Acknowledge(t.Context(), "f1", ada))
		must(t, s.Acknowledge(t.Context(), "f2", ada))
		must(t, s.Acknowledge(t.Context(), "f1", bob))
		equal(t, "Acks", map[string]notify.Ack{"f1": bob, "f2": ada}, standing(t, s, 3).Acks)
	}},
	{"what is long over is pruned", func(t *testing.T, s Store) {
		old, young := silence("old", 10), silence("young", 60)
		must(t, s.PutSilence(t.Context(), &old))
		must(t, s.PutSilence(t.Context(), &young))
		must(t, s.Acknowledge(t.Context(), "f1", notify.Ack{By: "ada", At: at(10)}))
		must(t, s.Acknowledge(t.Context(), "f2", notify.Ack{By: "ada", At: at(60)}))
		n, err := s.Prune(t.Context(), at(30))
		must(t, err)
		equal(t, "Prune", 2, n)
		equal(t, "Standing", &notify.Standing{
			Silences: []notify.Silence{young}, Acks: map[string]notify.Ack{"f2": {By: "ada", At: at(60)}},
		}, standing(t, s, 0))
	}},
	{"who has an alert that fires has it however old that is", func(t *testing.T, s Store) {
		fires := began(firing("failed", "orders"), 5)
		commit(t, s, cycle.Outcome{Alerts: []cycle.AlertChange{{Alert: fires}}})
		must(t, s.Acknowledge(t.Context(), fires.Fingerprint, notify.Ack{By: "ada", At: at(10), Mute: true}))
		must(t, s.Acknowledge(t.Context(), "over", notify.Ack{By: "ada", At: at(4)}))
		_, err := s.Prune(t.Context(), at(30))
		must(t, err)
		equal(t, "Acks", map[string]notify.Ack{fires.Fingerprint: {By: "ada", At: at(10), Mute: true}}, standing(t, s, 40).Acks)
	}},
}
