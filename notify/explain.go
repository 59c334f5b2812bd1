package notify

import "watchdog/alert"

// Destination is where a transition is told, and by which route.
type Destination struct {
	Route int    `json:"route"` // from 1, as it stands in the config
	Sink  string `json:"sink"`
}

// Destinations says who would hear of a transition.
func (r *Router) Destinations(t *alert.Transition) []Destination {
	var all []Destination
	for sink, route := range r.sinksFor(t) {
		all = append(all, Destination{Route: route.number, Sink: sink})
	}
	return all
}
