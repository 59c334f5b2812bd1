package notify

import (
	"time"

	"watchdog/alert"
)

// Destination is where an alert is told, and by which route.
type Destination struct {
	Route int    `json:"route"` // from 1, as it stands in the config
	Sink  string `json:"sink"`
}

// Destinations says who would hear of an alert.
func (r *Router) Destinations(a *alert.Alert) []Destination {
	var all []Destination
	for sink, route := range r.sinksFor(a) {
		all = append(all, Destination{Route: route.number, Sink: sink})
	}
	return all
}

// MutedBy is why nobody is told of an alert at a time, given all that fire on its server, and
// what people have said; "" when somebody is.
func (r *Router) MutedBy(a *alert.Alert, firing []alert.Alert, standing *Standing, now time.Time) string {
	s := &planning{router: r, in: Input{Now: now, Standing: standing}, plan: &Plan{}, firing: firing}
	s.findSources()
	if why := s.muted(a, a.StartsAt); why != "" {
		return why
	}
	why := ""
	for _, route := range r.sinksFor(a) {
		if why = s.inWindow(route); why == "" {
			return ""
		}
	}
	return why
}
