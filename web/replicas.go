package web

import (
	"context"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"watchdog/lease"
)

// Replicas is how this process shares the work with others that have the same store.
type Replicas interface {
	// Name is that of this replica.
	Name() string
	// Live are the replicas that live, this one included, and Held the leases that this one holds,
	// as "sink/oncall"; both in order, and without asking the store.
	Live() []string
	Held() []string
	// Roster is who holds what, by the store.
	Roster(ctx context.Context) (*lease.Roster, error)
	// Show brings what the board shows of the others' servers up to date, with their replications
	// where rows says so. What cannot be read stays as it was.
	Show(ctx context.Context, rows bool)
}

// alone are the Replicas of a process that has its store to itself.
type alone struct{}

func (alone) Name() string               { return "" }
func (alone) Live() []string             { return nil }
func (alone) Held() []string             { return nil }
func (alone) Show(context.Context, bool) {}
func (alone) Roster(context.Context) (*lease.Roster, error) {
	return &lease.Roster{Replicas: []lease.Replica{}, Leases: []lease.Tenure{}}, nil
}

// replicaList is who watches what, and who tells what.
type replicaList struct {
	// Replica is the one that answers, "" where one process has the store to itself: then the lists
	// are empty.
	Replica string `json:"replica"`
	lease.Roster
}

func (s *Server) listReplicas(r *request) (any, error) {
	roster, err := s.Replicas.Roster(r.Context())
	if err != nil {
		return nil, err
	}
	return replicaList{s.Replicas.Name(), *roster}, nil
}

// replicaView is a replica as the page shows it.
type replicaView struct {
	lease.Replica
	This           bool
	Servers, Sinks int
}

// showReplicas counts what each replica holds, and says by server who watches it since when.
func showReplicas(this string, roster *lease.Roster) (replicas []replicaView, watched map[string]lease.Tenure) {
	watched = map[string]lease.Tenure{}
	for _, r := range roster.Replicas {
		replicas = append(replicas, replicaView{Replica: r, This: r.Name == this})
	}
	for _, t := range roster.Leases {
		i := slices.IndexFunc(replicas, func(r replicaView) bool { return r.Name == t.Holder })
		switch t.Kind {
		case "server":
			watched[t.Name] = t
			if i >= 0 {
				replicas[i].Servers++
			}
		case "sink":
			if i >= 0 {
				replicas[i].Sinks++
			}
		}
	}
	return replicas, watched
}

// collectLeases says what this replica has to do, where there are several.
func (m *metrics) collectLeases(gauge func(*prometheus.Desc, float64, ...string)) {
	if m.server.Replicas.Name() == "" {
		return
	}
	gauge(replicasLive, float64(len(m.server.Replicas.Live())))
	held := map[string]int{"server": 0, "sink": 0, "ear": 0}
	for _, name := range m.server.Replicas.Held() {
		kind, _, _ := strings.Cut(name, "/")
		held[kind]++
	}
	for kind, n := range held {
		gauge(leasesHeld, float64(n), kind)
	}
}

// ours reports whether this replica is the one that says how a sink's queue does: so that what
// several replicas say can be added up.
func (m *metrics) ours(sink string) bool {
	return m.server.Replicas.Name() == "" || slices.Contains(m.server.Replicas.Held(), "sink/"+sink) ||
		!slices.Contains(m.server.now.Load().Sinks, sink)
}
