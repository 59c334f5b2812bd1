package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"watchdog/alert"
	"watchdog/notify"
	"watchdog/rules"
	"watchdog/snapshot"
	"watchdog/store"
)

// Explained is why a rule does or does not fire for one replication, and whom it would tell.
type Explained struct {
	rules.Explanation
	Tells   []notify.Destination `json:"tells"`
	MutedBy string               `json:"muted_by"` // why nobody is told, "" when somebody is
}

// Explanation is one replication as it was seen last, what the rules make of it, and what was told
// of it, the latest first.
type Explanation struct {
	Server      string             `json:"server"`
	Database    string             `json:"database"`
	DocID       string             `json:"doc_id"`
	State       string             `json:"state"` // "" when it is not known
	Error       string             `json:"error"`
	SeenAt      time.Time          `json:"seen_at"`
	Rules       []Explained        `json:"rules"`
	Transitions []alert.Transition `json:"transitions"`
	Deliveries  []store.Delivery   `json:"deliveries"`
}

// NewExplanation is one of a replication that was seen at a time, without what was told of it.
func NewExplanation(server string, row *snapshot.Replication, seen time.Time, rules []Explained) *Explanation {
	return &Explanation{
		Server: server, Database: row.Database, DocID: row.DocID, State: string(row.State), Error: row.Error,
		SeenAt: seen, Rules: append([]Explained{}, rules...), Transitions: []alert.Transition{}, Deliveries: []store.Delivery{},
	}
}

// explainHistory is how many of the last transitions are shown, and of the last deliveries of each
// of their alerts.
const explainHistory = 10

// Remember adds what was told, from an archive.
func (e *Explanation) Remember(ctx context.Context, kept Archive) error {
	transitions, err := kept.Transitions(ctx, store.TransitionFilter{
		Server: e.Server, Database: e.Database, DocID: e.DocID, Limit: explainHistory,
	})
	if err != nil {
		return err
	}
	e.Transitions = append(e.Transitions, transitions...)
	seen := map[string]bool{}
	for i := range transitions {
		fingerprint := transitions[i].Fingerprint
		if seen[fingerprint] {
			continue
		}
		seen[fingerprint] = true
		deliveries, err := kept.Deliveries(ctx, store.DeliveryFilter{Fingerprint: fingerprint, Limit: explainHistory})
		if err != nil {
			return err
		}
		e.Deliveries = append(e.Deliveries, deliveries...)
	}
	return nil
}

func (s *Server) explainReplication(r *request) (any, error) {
	of := alert.Subject{Server: r.get("server"), Database: r.get("database"), DocID: r.get("doc_id")}
	board := s.Board.Server(of.Server)
	if board == nil {
		return nil, &failure{http.StatusNotFound, fmt.Sprintf("there is no server %q", of.Server)}
	}
	var row *snapshot.Replication
	if board.Seen != nil {
		row = find(board.Seen, snapshot.Key{Database: of.Database, DocID: of.DocID})
	}
	if row == nil {
		return nil, &failure{http.StatusNotFound, fmt.Sprintf("there is no replication %s, as far as was seen", of)}
	}
	explained, err := s.Explain(r.Context(), of, row, board.Seen.At, board.Alerts)
	if err != nil {
		return nil, err
	}
	e := NewExplanation(of.Server, row, board.Seen.At, explained)
	if err := e.Remember(r.Context(), s.Archive); err != nil {
		return nil, err
	}
	return e, nil
}
