package web

import (
	"watchdog/alert"
)

// listedAlert is an alert as it is listed.
type listedAlert struct {
	alert.Alert
	MutedBy []string `json:"muted_by"` // what keeps it from being told
}

type alertList struct {
	Alerts []listedAlert `json:"alerts"`
}

func (s *Server) listAlerts(r *request) (any, error) {
	list := alertList{Alerts: []listedAlert{}}
	all := s.Board.Alerts()
	muted := make([]string, len(all))
	if s.MutedBy != nil {
		muted = s.MutedBy(all)
	}
	for i, a := range all {
		fits := true
		for name, value := range map[string]string{
			"server": a.Server, "rule": a.Rule, "severity": a.Severity.String(), "status": string(a.Status),
		} {
			fits = fits && (r.get(name) == "" || r.get(name) == value)
		}
		if fits {
			a.URL = s.link(a.Fingerprint)
			by := []string{}
			if muted[i] != "" {
				by = append(by, muted[i])
			}
			list.Alerts = append(list.Alerts, listedAlert{a, by})
		}
	}
	return list, nil
}

// link leads to an alert on the page.
func (s *Server) link(fingerprint string) string {
	if s.ExternalURL == "" {
		return ""
	}
	return s.ExternalURL + "/#" + fingerprint
}
