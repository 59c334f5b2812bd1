package couchtest

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// page is which rows of a database are asked for.
type page struct {
	limit, skip int
	start, end  *string
	exclusive   bool // the end is not included
	descending  bool
	states      []State
}

// badQuery is an answer to parameters that CouchDB does not take.
type badQuery struct {
	status       int
	kind, reason string
}

func refuse(reason string) *badQuery {
	return &badQuery{http.StatusBadRequest, "query_parse_error", reason}
}

var stateNames = []State{Initializing, Erroring, Running, Pending, Crashing, Completed, Failed}

// parsePage reads the parameters of a list of documents, those of a view.
func parsePage(v url.Values) (page, *badQuery) {
	p := page{limit: math.MaxInt}
	if v.Has("keys") {
		return p, &badQuery{http.StatusInternalServerError, "unknown_error", "function_clause"}
	}
	for name, at := range map[string]*int{"limit": &p.limit, "skip": &p.skip} {
		if !v.Has(name) {
			continue
		}
		n, err := strconv.Atoi(v.Get(name))
		if err != nil {
			return p, refuse(fmt.Sprintf("Invalid value for integer: %q", v.Get(name)))
		}
		if n < 0 {
			return p, refuse(fmt.Sprintf("Invalid value for positive integer: %q", v.Get(name)))
		}
		*at = n
	}
	for name, ends := range map[string][]**string{
		"startkey": {&p.start}, "start_key": {&p.start}, "endkey": {&p.end}, "end_key": {&p.end},
		"key": {&p.start, &p.end},
	} {
		if !v.Has(name) {
			continue
		}
		var key string
		if err := json.Unmarshal([]byte(v.Get(name)), &key); err != nil {
			return p, &badQuery{http.StatusBadRequest, "bad_request", "invalid UTF-8 JSON"}
		}
		for _, end := range ends {
			*end = &key
		}
	}
	p.descending = v.Get("descending") == "true"
	p.exclusive = v.Get("inclusive_end") == "false"
	bad := p.parseStates(v.Get("states"))
	return p, bad
}

func (p *page) parseStates(list string) *badQuery {
	if list == "" {
		return nil
	}
	for name := range strings.SplitSeq(list, ",") {
		state := State(strings.ToLower(strings.TrimSpace(name)))
		if !slices.Contains(stateNames, state) {
			var names []string
			for _, s := range stateNames {
				names = append(names, string(s))
			}
			return refuse("States must be one or more of [" + strings.Join(names, ",") + "]")
		}
		p.states = append(p.states, state)
	}
	return nil
}

func (p *page) wants(s State) bool { return len(p.states) == 0 || slices.Contains(p.states, s) }

// between is the part of all rows from the start key to the end key, and its offset: the number
// of rows before it.
func (p *page) between(all []*Replication) (rows []*Replication, offset int) {
	if p.descending {
		all = slices.Clone(all)
		slices.Reverse(all)
	}
	// at is the first row that is not before the key, or the first that is after it.
	at := func(key string, after bool) int {
		return sort.Search(len(all), func(i int) bool {
			switch id := all[i].id; {
			case id == key:
				return !after
			case p.descending:
				return id < key
			default:
				return id > key
			}
		})
	}
	first, end := 0, len(all)
	if p.start != nil {
		first = at(*p.start, false)
	}
	if p.end != nil {
		end = max(first, at(*p.end, !p.exclusive))
	}
	return all[first:end], first
}

// pick chooses the rows to send, in the way of a cluster, which loses some: each of the two
// shards offers its first skip+limit rows, only then go those that are not to be shown (design
// documents, other states), and only then are skip and limit counted.
type pick struct {
	*page
	offered       [2]int
	skipped, sent int
}

// full reports whether nothing more can come.
func (p *pick) full() bool { return p.sent == p.limit }

// offers reports whether the shard of a row still offers it.
func (p *pick) offers(r *Replication) bool {
	n := &p.offered[r.shard]
	if *n-p.skip >= p.limit { // skip+limit may be more than an int
		return false
	}
	*n++
	return true
}

// takes reports whether a row that is to be shown is sent.
func (p *pick) takes() bool {
	if p.skipped < p.skip {
		p.skipped++
		return false
	}
	p.sent++
	return true
}

// parseJobsPage reads limit and skip of the list of jobs, which are not those of a view.
func parseJobsPage(v url.Values) (limit, skip int, bad *badQuery) {
	limit = 100
	for name, at := range map[string]*int{"limit": &limit, "skip": &skip} {
		if !v.Has(name) {
			continue
		}
		n, err := strconv.Atoi(v.Get(name))
		if err != nil {
			return 0, 0, refuse(name + " must be an integer")
		}
		if n < 0 {
			return 0, 0, refuse(name + " not in range of [0,infinity]")
		}
		*at = n
	}
	return limit, skip, nil
}

// appendListHead begins a list.
func appendListHead(total, offset int, rows string) []byte {
	return fmt.Appendf(nil, `{"total_rows":%d,"offset":%d,%q:[`, total, offset, rows)
}
