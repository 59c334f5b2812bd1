package couchtest

import (
	"net/url"
	"strings"
	"time"
)

// source is a database that is replicated from. Its update sequence grows by itself, at rate
// changes a second, and is computed when somebody looks.
type source struct {
	salt    uint64
	seq     int64
	since   time.Time
	rate    float64
	missing bool
}

func (s *source) at(now time.Time) int64 {
	return s.seq + grown(s.rate, now.Sub(s.since))
}

// set moves the sequence to seq at now; it goes on growing from there.
func (s *source) set(seq int64, now time.Time) { s.seq, s.since = seq, now }

// setRate changes how fast it grows from now on.
func (s *source) setRate(rate float64, now time.Time) {
	s.set(s.at(now), now)
	s.rate = rate
}

// grown is how much has come in a while, at so many a second.
func grown(rate float64, d time.Duration) int64 {
	if rate <= 0 || d <= 0 {
		return 0
	}
	// A whole number of nanoseconds first, so that 3 a second for 2 s is 6 and not 5.999.
	return int64(rate*float64(d)/float64(time.Second) + 1e-9)
}

// local reports whether an endpoint is a database of this server, by its bare name.
func local(endpoint string) bool { return !strings.Contains(endpoint, "://") }

// appendEndpoint writes an endpoint as the scheduler shows it: without credentials, and with a
// slash at the end where there is no query.
func appendEndpoint(b []byte, base, endpoint string) []byte {
	if local(endpoint) {
		b = append(append(b, base...), '/')
		return append(append(b, url.PathEscape(endpoint)...), '/')
	}
	scheme, rest, _ := strings.Cut(endpoint, "://")
	host, path, _ := strings.Cut(rest, "/")
	b = append(append(append(b, scheme...), "://"...), host[strings.LastIndexByte(host, '@')+1:]...)
	b = append(append(b, '/'), path...)
	if b[len(b)-1] != '/' && !strings.Contains(path, "?") {
		b = append(b, '/')
	}
	return b
}
