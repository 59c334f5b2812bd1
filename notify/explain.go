package notify

import (
	"slices"
	"strings"
	"time"

	"watchdog/alert"
)

// Said is what people have said of an alert that fires, and that counts at a time.
func (r *Router) Said(a *alert.Alert, standing *Standing, now time.Time) Said {
	s := &planning{router: r, in: Input{Now: now, Standing: standing}, plan: &Plan{}}
	return s.said(a)
}

// The words that a reason begins with.
const (
	silencedBy  = "silenced by"
	inhibitedBy = "inhibited by"
	inWindow    = "in window"
)

// MuteKind is what mutes an alert, of a reason that MutedBy gave, in one of three words: silence,
// inhibition or window. For metrics, whose labels must be few.
func MuteKind(reason string) string {
	switch {
	case strings.HasPrefix(reason, inhibitedBy):
		return "inhibition"
	case strings.HasPrefix(reason, inWindow):
		return "window"
	}
	return "silence"
}

// MutedBy is why nobody is told of an alert at a time, given all that fire on its server, and
// what people have said; "" when somebody is.
func (r *Router) MutedBy(a *alert.Alert, firing []alert.Alert, standing *Standing, now time.Time) string {
	s := &planning{router: r, in: Input{Now: now, Standing: standing}, plan: &Plan{}, firing: firing}
	s.findSources()
	if why := s.muted(a); why != "" {
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

// WindowState is a window at a time.
type WindowState struct {
	Name string `json:"name"`
	Open bool   `json:"open"`
	// Changes is when it closes, or opens; the zero time for one that never opens again.
	Changes time.Time `json:"changes_at,omitzero"`
	// Routes are those that tell nobody while it is open, by their place in the config, from 1.
	Routes []int `json:"routes"`
}

// Windows says of each window whether it is open at a time, and until when that lasts.
func (r *Router) Windows(now time.Time) []WindowState {
	states := []WindowState{}
	for i := range r.windows {
		w := &r.windows[i]
		state := WindowState{Name: w.Name, Routes: []int{}}
		if state.Changes, state.Open = w.open(now); !state.Open {
			state.Changes = w.Start.Next(now)
		}
		for _, route := range r.routes {
			if slices.ContainsFunc(route.mute, func(muted Window) bool { return muted.Name == w.Name }) {
				state.Routes = append(state.Routes, route.number)
			}
		}
		states = append(states, state)
	}
	return states
}
