package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"watchdog/snapshot"
)

// progress shows how far a replication is: a bar that moves on a terminal, otherwise a line for
// each change.
type progress struct {
	w       io.Writer
	width   int // of the terminal, 0 is none
	colored bool
	barred  bool // the last line is a bar
	pace    pace
	state   snapshot.State
}

func newProgress(s *session) *progress {
	return &progress{w: s.Stdout, width: terminalWidth(s.Stdout), colored: s.colored(s.Stdout)}
}

// show prints what r says at a moment. Trouble, and the end, get a line of their own.
func (p *progress) show(r *snapshot.Replication, now time.Time) error {
	p.pace.see(r, now)
	news := r.State != p.state
	p.state = r.State
	trouble := r.Error != "" && r.State != snapshot.Running
	if p.width == 0 || trouble && news || r.State.Terminal() {
		return p.line(p.words(r, now))
	}
	if trouble {
		return nil // said already
	}
	return p.bar(r)
}

// words are one line about r.
func (p *progress) words(r *snapshot.Replication, now time.Time) string {
	state := string(cmp.Or(r.State, "starting"))
	if p.colored {
		state = paint(state, stateCode(r.State))
	}
	words := []string{now.UTC().Format(time.RFC3339), state}
	if done, known := fraction(r); known {
		words = append(words, fmt.Sprintf("%.1f%%", 100*done))
	}
	words = append(words, p.figures(r)...)
	if r.Error != "" {
		words = append(words, oneLine(r.Error))
	}
	if at, known := r.NextTry(); known {
		words = append(words, "(next try "+at.Format(time.RFC3339)+")")
	}
	return strings.Join(words, " ")
}

// figures are what is done, what waits, how fast it goes and how long it takes.
func (p *progress) figures(r *snapshot.Replication) []string {
	var all []string
	if r.Has(snapshot.FieldDocsWritten) {
		all = append(all, fmt.Sprintf("%d written", r.DocsWritten))
	}
	if r.Has(snapshot.FieldChangesPending) {
		all = append(all, fmt.Sprintf("%d waiting", r.ChangesPending))
	}
	if r.Has(snapshot.FieldDocWriteFailures) && r.DocWriteFailures > 0 {
		all = append(all, fmt.Sprintf("%d refused", r.DocWriteFailures))
	}
	if r.State != snapshot.Running {
		return all
	}
	if p.pace.known {
		all = append(all, fmt.Sprintf("%.1f/s", p.pace.written))
	}
	if left, known := p.pace.left(r); known {
		all = append(all, span(left)+" left")
	}
	return all
}

// bar draws over the bar before it.
func (p *progress) bar(r *snapshot.Replication) error {
	text := " " + strings.Join(append([]string{string(cmp.Or(r.State, "starting"))}, p.figures(r)...), "  ")
	const most = 40
	room := min(most, p.width-textWidth(text)-8) // brackets and percents
	if done, known := fraction(r); known && room >= 5 {
		full := int(done * float64(room))
		text = fmt.Sprintf("[%s%s] %3.0f%%", strings.Repeat("=", full), strings.Repeat(" ", room-full), 100*done) + text
	}
	p.barred = true
	_, err := io.WriteString(p.w, "\r\x1b[K"+cut(text, p.width-1))
	return err
}

func (p *progress) line(text string) error {
	p.clear()
	_, err := fmt.Fprintln(p.w, text)
	return err
}

// aside prints a line that is not about progress elsewhere.
func (p *progress) aside(w io.Writer, text string) {
	p.clear()
	fmt.Fprintln(w, text)
}

// clear takes the bar away.
func (p *progress) clear() {
	if p.barred {
		io.WriteString(p.w, "\r\x1b[K")
		p.barred = false
	}
}

// done leaves the last bar where it is.
func (p *progress) done() {
	if p.barred {
		fmt.Fprintln(p.w)
	}
}

// fraction is how much of what is there to replicate was looked at. Sources grow, so it may fall.
func fraction(r *snapshot.Replication) (done float64, known bool) {
	if r.State == snapshot.Completed {
		return 1, true
	}
	if !r.Has(snapshot.FieldChangesPending) || !r.Has(snapshot.FieldRevisionsChecked) {
		return 0, false
	}
	all := r.RevisionsChecked + r.ChangesPending
	if all <= 0 {
		return 1, true
	}
	return float64(r.RevisionsChecked) / float64(all), true
}

// pace is how fast a replication moves, most of it by what it did last.
type pace struct {
	known          bool
	written, taken float64 // documents written, and pending changes fewer, per second
	last           snapshot.Replication
	at             time.Time
}

// see takes a look at a moment. A look at which nothing is known begins anew.
func (p *pace) see(r *snapshot.Replication, now time.Time) {
	seconds := now.Sub(p.at).Seconds()
	before := p.last
	if !r.Has(snapshot.FieldDocsWritten) || !r.Has(snapshot.FieldChangesPending) {
		*p = pace{}
		return
	}
	p.last, p.at = *r, now
	if !before.Has(snapshot.FieldDocsWritten) || seconds <= 0 {
		return
	}
	written := float64(r.DocsWritten-before.DocsWritten) / seconds
	taken := float64(before.ChangesPending-r.ChangesPending) / seconds
	if written < 0 { // the job began anew
		p.known = false
		return
	}
	const weight = 0.4
	if !p.known {
		p.known, p.written, p.taken = true, written, taken
		return
	}
	p.written += weight * (written - p.written)
	p.taken += weight * (taken - p.taken)
}

// left is how long what waits takes at this pace; not known where it does not get less.
func (p *pace) left(r *snapshot.Replication) (d time.Duration, known bool) {
	const longest = 1000 * 24 * time.Hour
	if !p.known || p.taken <= 0 || r.ChangesPending <= 0 {
		return 0, false
	}
	seconds := float64(r.ChangesPending) / p.taken
	if seconds > longest.Seconds() {
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}
