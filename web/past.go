package web

import (
	"net/http"
	"time"

	"watchdog/alert"
	"watchdog/history"
)

// pastPoint is what the counters were at one moment. What the server did not give is null.
type pastPoint struct {
	At               time.Time `json:"at"`
	DocsWritten      *int64    `json:"docs_written"`
	DocsRead         *int64    `json:"docs_read"`
	RevisionsChecked *int64    `json:"revisions_checked"`
	DocWriteFailures *int64    `json:"doc_write_failures"`
	ChangesPending   *int64    `json:"changes_pending"`
}

// pastAnswer is the history of one replication. It is bounded by how closely history is kept.
type pastAnswer struct {
	Server   string          `json:"server"`
	Database string          `json:"database"`
	DocID    string          `json:"doc_id"`
	From     time.Time       `json:"from"`
	Points   []pastPoint     `json:"points"` // up to the next one counters stand, or move steadily
	Events   []history.Event `json:"events"`
	Seen     []history.Span  `json:"seen"` // when each look at the server was whole; what lies in none is unknown
}

// defaultPast is how far back history is given where nothing is said.
const defaultPast = time.Hour

func (s *Server) showHistory(r *request) (any, error) {
	from := time.Now().Add(-defaultPast)
	if text := r.get("since"); text != "" {
		var err error
		if from, err = time.Parse(time.RFC3339, text); err != nil {
			return nil, &failure{status: http.StatusBadRequest, detail: "since must be a time, as 2026-01-02T03:04:05Z"}
		}
	}
	of := alert.Subject{Server: r.get("server"), Database: r.get("database"), DocID: r.get("doc_id")}
	past, err := s.Histories.Past(r.Context(), of, from)
	if err != nil {
		return nil, err
	}
	if len(past.Points) == 0 && len(past.Events) == 0 {
		return nil, &failure{status: http.StatusNotFound, detail: "nothing is known of a replication " + of.String()}
	}
	a := pastAnswer{
		Server: of.Server, Database: of.Database, DocID: of.DocID, From: from.UTC(), Points: []pastPoint{},
		Events: append([]history.Event{}, past.Events...), Seen: append([]history.Span{}, past.Looks...),
	}
	for i := range past.Points {
		a.Points = append(a.Points, newPastPoint(&past.Points[i]))
	}
	return a, nil
}

func newPastPoint(p *history.Point) pastPoint {
	value := func(c history.Counter) *int64 {
		if n, known := p.Value(c); known {
			return &n
		}
		return nil
	}
	return pastPoint{
		At: p.At(), DocsWritten: value(history.DocsWritten), DocsRead: value(history.DocsRead),
		RevisionsChecked: value(history.RevisionsChecked), DocWriteFailures: value(history.DocWriteFailures),
		ChangesPending: value(history.ChangesPending),
	}
}
