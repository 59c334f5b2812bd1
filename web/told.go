package web

import (
	"net/http"
	"net/url"

	"watchdog/store"
)

const (
	deliveriesOfPage = 20
	// fromLatest stands for the first page of all deliveries.
	fromLatest = "latest"
)

// deliveriesView is what was told: those that need attention first, or a page of all by their time.
type deliveriesView struct {
	Deliveries []store.Delivery
	Older      string // the link to the next page, "" on the last
	Latest     string // the link back to the first view, "" there
}

// showDeliveries reads the page that the address asks for, by the delivery at which the one before
// it ended.
func (s *Server) showDeliveries(r *http.Request) (v deliveriesView, err error) {
	before := r.URL.Query().Get("deliveries")
	if before == "" {
		v.Deliveries, err = s.latestDeliveries(r)
		if len(v.Deliveries) == deliveriesOfPage {
			v.Older = deliveriesLink(r, fromLatest)
		}
		return v, err
	}
	v.Latest = deliveriesLink(r, "")
	if before == fromLatest {
		before = ""
	}
	v.Deliveries, err = s.Archive.Deliveries(r.Context(), store.DeliveryFilter{Before: before, Limit: deliveriesOfPage + 1})
	if len(v.Deliveries) > deliveriesOfPage {
		v.Deliveries = v.Deliveries[:deliveriesOfPage]
		v.Older = deliveriesLink(r, v.Deliveries[deliveriesOfPage-1].ID)
	}
	return v, err
}

// deliveriesLink is the address of the page with another part of the deliveries.
func deliveriesLink(r *http.Request, before string) string {
	query := r.URL.Query()
	query.Del("deliveries")
	if before != "" {
		query.Set("deliveries", before)
	}
	return (&url.URL{Path: "/", RawQuery: query.Encode(), Fragment: "deliveries"}).String()
}

// latestDeliveries are those that need attention, and then the others.
func (s *Server) latestDeliveries(r *http.Request) ([]store.Delivery, error) {
	unsent, err := s.Archive.Deliveries(r.Context(), store.DeliveryFilter{
		Statuses: []store.Status{store.Queued, store.Retrying, store.Dead}, Limit: deliveriesOfPage,
	})
	if err != nil || len(unsent) == deliveriesOfPage {
		return unsent, err
	}
	sent, err := s.Archive.Deliveries(r.Context(), store.DeliveryFilter{Statuses: []store.Status{store.Sent}, Limit: deliveriesOfPage - len(unsent)})
	return append(unsent, sent...), err
}
