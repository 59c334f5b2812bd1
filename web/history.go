package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"watchdog/alert"
	"watchdog/store"
)

type deliveryList struct {
	Deliveries []store.Delivery `json:"deliveries"`
	NextCursor *string          `json:"next_cursor"` // null on the last page
}

func (s *Server) listDeliveries(r *request) (any, error) {
	limit, err := r.limit()
	if err != nil {
		return nil, err
	}
	f := store.DeliveryFilter{Sink: r.get("sink"), Limit: limit + 1}
	for _, status := range r.values["status"] {
		f.Statuses = append(f.Statuses, store.Status(status))
	}
	after, err := r.cursor(1)
	if err != nil {
		return nil, err
	}
	if after != nil {
		f.Before = after[0]
	}
	found, err := s.Archive.Deliveries(r.Context(), f)
	if err != nil {
		return nil, err
	}
	list := deliveryList{Deliveries: append([]store.Delivery{}, found...)}
	if len(found) > limit {
		list.Deliveries = list.Deliveries[:limit]
		list.NextCursor = newCursor(found[limit-1].ID)
	}
	return list, nil
}

func (s *Server) showDelivery(r *request) (any, error) {
	d, err := s.Archive.Delivery(r.Context(), r.get("id"))
	if errors.Is(err, store.ErrNoDelivery) {
		return nil, &failure{http.StatusNotFound, fmt.Sprintf("there is no delivery %q", r.get("id"))}
	}
	return d, err
}

func (s *Server) retryDelivery(r *request) (any, error) {
	id := r.get("id")
	found, err := s.Archive.Deliveries(r.Context(), store.DeliveryFilter{ID: id})
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, &failure{http.StatusNotFound, fmt.Sprintf("there is no delivery %q", id)}
	case found[0].Status != store.Dead:
		return nil, &failure{http.StatusConflict, fmt.Sprintf("delivery %s is %s: only a dead one can be tried again by hand", id, found[0].Status)}
	}
	if err := s.Archive.RetryDead(context.WithoutCancel(r.Context()), time.Now(), id); err != nil {
		return nil, err
	}
	s.feed.attempted(found[0].Sink, string(store.Queued))
	return accepted{"queued"}, nil
}

type transitionList struct {
	Transitions []alert.Transition `json:"transitions"`
	NextCursor  *string            `json:"next_cursor"` // null on the last page
}

// listTransitions goes on by the time where a page ended, and how many of that time it showed:
// all transitions of one decision have the same.
func (s *Server) listTransitions(r *request) (any, error) {
	limit, err := r.limit()
	if err != nil {
		return nil, err
	}
	f := store.TransitionFilter{Server: r.get("server"), Database: r.get("database"), DocID: r.get("doc_id"), Rule: r.get("rule"), Limit: limit + 1}
	after, err := r.cursor(2)
	if err != nil {
		return nil, err
	}
	shown := 0
	var last time.Time
	if after != nil {
		micros, badTime := strconv.ParseInt(after[0], 10, 64)
		n, badNumber := strconv.Atoi(after[1])
		if badTime != nil || badNumber != nil || n < 0 {
			return nil, &failure{http.StatusBadRequest, "this is not a cursor of this list"}
		}
		last, shown = time.UnixMicro(micros), n
		f.Until, f.Limit = last.Add(time.Microsecond), limit+1+shown
	}
	found, err := s.Archive.Transitions(r.Context(), f)
	if err != nil {
		return nil, err
	}
	found = found[min(shown, len(found)):]
	list := transitionList{Transitions: append([]alert.Transition{}, found...)}
	if len(found) > limit {
		list.Transitions = list.Transitions[:limit]
		list.NextCursor = transitionCursor(list.Transitions, last, shown)
	}
	return list, nil
}

func transitionCursor(page []alert.Transition, before time.Time, shown int) *string {
	at := page[len(page)-1].At
	same := 0
	for i := len(page) - 1; i >= 0 && page[i].At.Equal(at); i-- {
		same++
	}
	if at.Equal(before) {
		same += shown
	}
	return newCursor(strconv.FormatInt(at.UnixMicro(), 10), strconv.Itoa(same))
}
