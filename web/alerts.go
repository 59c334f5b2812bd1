package web

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"watchdog/alert"
	"watchdog/board"
)

// Listed is an alert as it is listed.
type Listed struct {
	alert.Alert
	MutedBy []string `json:"muted_by"` // what keeps it from being told; empty when nothing does
	AckedBy string   `json:"acked_by"` // who has it, "" when nobody does
}

// Link leads to an alert on the page; "" where the page has no address that people know.
func Link(external, fingerprint string) string {
	if external == "" {
		return ""
	}
	return external + "/#" + fingerprint
}

type alertList struct {
	Alerts     []Listed `json:"alerts"`
	NextCursor *string  `json:"next_cursor"` // null on the last page
}

func (s *Server) listAlerts(r *request) (any, error) {
	limit := maxLimit
	if r.get(limitParam.name) != "" {
		var err error
		if limit, err = r.limit(); err != nil {
			return nil, err
		}
	}
	after, err := r.alertCursor()
	if err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(s.Board.Alerts(), func(a alert.Alert) bool {
		for _, is := range [...]struct{ name, value string }{
			{"server", a.Server}, {"rule", a.Rule}, {"severity", a.Severity.String()}, {"status", string(a.Status)},
		} {
			if asked := r.get(is.name); asked != "" && asked != is.value {
				return true
			}
		}
		return after != nil && board.Compare(&a, after) <= 0
	})
	list := alertList{}
	if len(all) > limit {
		all = all[:limit]
		list.NextCursor = newAlertCursor(&all[limit-1])
	}
	list.Alerts = s.listed(all)
	return list, nil
}

// newAlertCursor is where a page ended that has an alert last.
func newAlertCursor(a *alert.Alert) *string {
	return newCursor(string(a.Status), a.Severity.String(), strconv.FormatInt(a.StartsAt.UnixNano(), 10), a.Rule, a.Server, a.Database, a.DocID)
}

// alertCursor is the last alert of the page before, as far as its order goes; nil for none.
func (r *request) alertCursor() (*alert.Alert, error) {
	after, err := r.cursor(7)
	if err != nil || after == nil {
		return nil, err
	}
	severity, badSeverity := alert.ParseSeverity(after[1])
	nanos, badTime := strconv.ParseInt(after[2], 10, 64)
	if badSeverity != nil || badTime != nil {
		return nil, &failure{http.StatusBadRequest, "this is not a cursor of this list"}
	}
	return &alert.Alert{
		Status: alert.Status(after[0]), Severity: severity, StartsAt: time.Unix(0, nanos),
		Rule: after[3], Server: after[4], Database: after[5], DocID: after[6],
	}, nil
}

// listed adds to alerts what people should know beside them.
func (s *Server) listed(all []alert.Alert) []Listed {
	if s.List != nil {
		return s.List(all)
	}
	list := make([]Listed, len(all))
	for i, a := range all {
		a.URL = Link(s.now.Load().ExternalURL, a.Fingerprint)
		list[i] = Listed{Alert: a, MutedBy: []string{}}
	}
	return list
}
