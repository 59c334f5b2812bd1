package web

import (
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// unsaid is an error that a summary does not quote already.
func unsaid(summary, err string) string {
	if strings.Contains(summary, err) {
		return ""
	}
	return err
}

// plural is "1 alert" or "3 alerts".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(int64(n)) + " " + noun + "s"
}

// grouped is a number whose digits stand in groups of three.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	digits := strings.TrimPrefix(text, "-")
	var b strings.Builder
	b.WriteString(text[:len(text)-len(digits)])
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteRune('\u202f') // a narrow space, which does not break
		}
		b.WriteRune(d)
	}
	return b.String()
}

// ago is a time as people say it: "12 s ago", "in 3 min".
func ago(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := now.Sub(t)
	format := "%s ago"
	if d < 0 {
		d, format = -d, "in %s"
	}
	switch {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf(format, fmt.Sprintf("%d s", int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf(format, fmt.Sprintf("%d min", int(d.Minutes())))
	case d < 48*time.Hour:
		return fmt.Sprintf(format, fmt.Sprintf("%d h", int(d.Hours())))
	default:
		return fmt.Sprintf(format, fmt.Sprintf("%d days", int(d.Hours()/24)))
	}
}

// next is a time that is ahead; one that has passed is due now.
func next(now, t time.Time) string {
	if t.Before(now) {
		t = now
	}
	return ago(now, t)
}

// stamp is a time as programs read it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// took is a duration in a few letters.
func took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "<1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}

// shortAddress is the database of a URL and its host, which is what tells replications apart.
func shortAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	if name := path.Clean(u.Path); name != "/" && name != "." {
		return strings.TrimPrefix(name, "/") + " on " + u.Host
	}
	return u.Host
}
