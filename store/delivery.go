package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"watchdog/alert"
	"watchdog/notify"
)

// Status is how far a delivery is.
type Status string

// The statuses, as `deliveries list` spells them.
const (
	Queued   Status = "queued"   // not tried yet
	Retrying Status = "retrying" // tried, and will be tried again
	Sent     Status = "sent"     // the receiver has it
	Dead     Status = "dead"     // will not be tried again, unless by hand
)

// Delivery is one message on its way to one sink, as `deliveries list -o json` prints it.
type Delivery struct {
	ID       string `json:"id"`
	Sink     string `json:"sink"`
	Status   Status `json:"status"`
	Attempts int    `json:"attempts"`
	// NextAttemptAt is when it is due; nil when it is done, or waits for no time.
	NextAttemptAt *time.Time `json:"next_attempt_at"`
	LastError     string     `json:"last_error"` // of the last attempt that failed
	CreatedAt     time.Time  `json:"created_at"`
	// Digest says that it tells what several deliveries would have told.
	Digest bool `json:"digest,omitempty"`
	// MergedInto is the id of the digest that tells what this one says, and whose fate it
	// shares; "" when it is sent itself.
	MergedInto string `json:"merged_into,omitempty"`
	// Merged are the ids of those that a digest tells, beside its own, in their order; only where
	// one delivery is asked for.
	Merged []string `json:"merged,omitempty"`
	// Behind is the id of the one that has to be done first, since both tell of one group or
	// alert; "" when it need not wait. Only where one delivery is asked for.
	Behind string             `json:"behind,omitempty"`
	Alerts []alert.Transition `json:"alerts"`
}

// DeliveryFilter narrows a list of deliveries. The zero value takes all.
type DeliveryFilter struct {
	ID       string
	Sink     string
	Statuses []Status
	// Fingerprint takes those that tell of one alert. It reads every other delivery to find
	// them: fast enough for a person who asks, not for a loop.
	Fingerprint string
	// Before takes those that stand behind the delivery of this id in the list, which goes on
	// where a page of it ended; none when there is no such delivery.
	Before string
	Limit  int // 0: no limit
}

// Deliveries lists deliveries, the latest first.
func (s *DB) Deliveries(ctx context.Context, f DeliveryFilter) ([]Delivery, error) {
	query, args := deliveriesQuery(f)
	rows, err := s.reads(ctx).query(query, args...)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	defer rows.Close()
	var list []Delivery
	for rows.Next() {
		d, err := scanDelivery(rows)
		if err != nil {
			return nil, fmt.Errorf("list deliveries: %w", err)
		}
		list = append(list, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return list, nil
}

// ErrNoDelivery says that there is no delivery of an id.
var ErrNoDelivery = errors.New("there is no such delivery")

// Delivery gives one delivery, with what was merged into it and what it waits for. The error is
// ErrNoDelivery when there is none of that id.
func (s *DB) Delivery(ctx context.Context, id string) (*Delivery, error) {
	found, err := s.Deliveries(ctx, DeliveryFilter{ID: id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, ErrNoDelivery
	}
	d := &found[0]
	err = s.read(ctx, func(tx *transaction) error {
		d.Merged, err = column[string](tx, `SELECT id FROM outbox
			WHERE merged_into = (SELECT seq FROM outbox WHERE id = ?) ORDER BY seq`, id)
		if err != nil || d.MergedInto != "" {
			return err
		}
		err = tx.get(`SELECT b.id FROM outbox o JOIN outbox b ON b.seq = o.behind WHERE o.id = ?`, []any{id}, &d.Behind)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read delivery %s: %w", id, err)
	}
	return d, nil
}

func deliveriesQuery(f DeliveryFilter) (string, []any) {
	var w where
	order := "seq"
	if f.ID != "" {
		w.and("id = ?", f.ID)
	}
	if f.Sink != "" {
		w.and("sink = ?", f.Sink)
	}
	if len(f.Statuses) > 0 {
		w.and("status IN (?"+strings.Repeat(", ?", len(f.Statuses)-1)+")", anys(f.Statuses)...)
		if f.ID == "" && !slices.Contains(f.Statuses, Sent) {
			w.and("status <> 'sent'")
			order = "+seq" // by outbox_unsent: most are sent, and the planner does not know
		}
	}
	if f.Before != "" {
		w.and("seq < (SELECT seq FROM outbox WHERE id = ?)", f.Before)
	}
	if f.Fingerprint != "" {
		w.and(`payload LIKE ? ESCAPE '\'`, "%"+likely.Replace(`"fingerprint":"`+f.Fingerprint+`"`)+"%")
	}
	return `SELECT id, sink, status, attempts, next_at, last_error, created_at, payload,
		coalesce((SELECT d.id FROM outbox d WHERE d.seq = outbox.merged_into), ''),
		done_at IS NULL AND EXISTS (SELECT 1 FROM parked p WHERE p.sink = outbox.sink) FROM outbox` +
		w.String() + " ORDER BY " + order + " DESC" + limitSQL(f.Limit), w.args
}

// likely is a text that LIKE takes as it stands.
var likely = strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`)

func anys[T ~string](list []T) []any {
	out := make([]any, len(list))
	for i, one := range list {
		out[i] = string(one)
	}
	return out
}

func scanDelivery(rows *sql.Rows) (Delivery, error) {
	var d Delivery
	var next, created int64
	var parked bool
	var payload sql.RawBytes
	if err := rows.Scan(&d.ID, &d.Sink, &d.Status, &d.Attempts, &next, &d.LastError, &created, &payload, &d.MergedInto, &parked); err != nil {
		return d, err
	}
	var m notify.Message
	if err := json.Unmarshal(payload, &m); err != nil {
		return d, fmt.Errorf("message %s: %w", d.ID, err)
	}
	d.CreatedAt = instant(created)
	switch {
	case parked:
		d.LastError = parkedCause(d.Sink)
	case d.Status == Retrying:
		due := instant(next)
		d.NextAttemptAt = &due
	}
	d.Alerts, d.Digest = m.Alerts, m.Digest
	return d, nil
}

// Backlog is what one sink has not been sent.
type Backlog struct {
	Sink string
	// Waiting is how many are queued or retrying, Dead how many wait for a hand; what is told by a
	// digest does not count.
	Waiting, Dead int
	// Oldest is when the first of those that wait was queued; zero when none waits.
	Oldest time.Time
	// ParkedSince is since when nobody sends it, because the sink is not in use; zero when
	// somebody does.
	ParkedSince time.Time
}

const backlogsSQL = `SELECT b.sink, b.waiting, b.dead, coalesce(first.queued_at, 0), coalesce(parked.since, 0) FROM (
		SELECT sink, count(*) FILTER (WHERE status <> 'dead') AS waiting, count(*) FILTER (WHERE status = 'dead') AS dead,
			min(CASE WHEN status <> 'dead' THEN seq END) AS first
		FROM outbox WHERE status <> 'sent' AND merged_into IS NULL GROUP BY sink) b
	LEFT JOIN outbox first ON first.seq = b.first
	LEFT JOIN parked ON parked.sink = b.sink AND b.waiting > 0 ORDER BY b.sink`

// Backlogs gives the sinks that have not been sent everything, by name.
func (s *DB) Backlogs(ctx context.Context) ([]Backlog, error) {
	rows, err := s.reads(ctx).query(backlogsSQL)
	if err != nil {
		return nil, fmt.Errorf("list backlogs: %w", err)
	}
	defer rows.Close()
	var list []Backlog
	for rows.Next() {
		var b Backlog
		var oldest, parked int64
		if err := rows.Scan(&b.Sink, &b.Waiting, &b.Dead, &oldest, &parked); err != nil {
			return nil, fmt.Errorf("list backlogs: %w", err)
		}
		if b.Waiting > 0 {
			b.Oldest = instant(oldest)
		}
		if parked > 0 {
			b.ParkedSince = instant(parked)
		}
		list = append(list, b)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list backlogs: %w", err)
	}
	return list, nil
}
