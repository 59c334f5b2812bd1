package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
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
	NextAttemptAt *time.Time         `json:"next_attempt_at"`
	LastError     string             `json:"last_error"` // of the last attempt that failed
	CreatedAt     time.Time          `json:"created_at"`
	Alerts        []alert.Transition `json:"alerts"`
}

// DeliveryFilter narrows a list of deliveries. The zero value takes all.
type DeliveryFilter struct {
	ID       string
	Sink     string
	Statuses []Status
	// Fingerprint takes those that tell of one alert. It reads every other delivery to find
	// them: fast enough for a person who asks, not for a loop.
	Fingerprint string
	Limit       int // 0: no limit
}

// Deliveries lists deliveries, the latest first.
func (s *SQLite) Deliveries(ctx context.Context, f DeliveryFilter) ([]Delivery, error) {
	query, args := deliveriesQuery(f)
	rows, err := s.reader.QueryContext(ctx, query, args...)
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

func deliveriesQuery(f DeliveryFilter) (string, []any) {
	var w where
	table := "outbox"
	if f.ID != "" {
		w.and("id = ?", f.ID)
	}
	if f.Sink != "" {
		w.and("sink = ?", f.Sink)
	}
	if len(f.Statuses) > 0 {
		statuses, _ := json.Marshal(f.Statuses) // strings always marshal
		w.and("status IN (SELECT value FROM json_each(?))", string(statuses))
		if f.ID == "" && !slices.Contains(f.Statuses, Sent) {
			w.and("status <> 'sent'")
			table += " INDEXED BY outbox_unsent" // most are sent: the planner does not know
		}
	}
	if f.Fingerprint != "" {
		w.and("instr(payload, ?) > 0", `"fingerprint":"`+f.Fingerprint+`"`)
	}
	return "SELECT id, sink, status, attempts, next_at, last_error, created_at, payload FROM " + table +
		w.String() + " ORDER BY seq DESC" + limitSQL(f.Limit), w.args
}

func scanDelivery(rows *sql.Rows) (Delivery, error) {
	var d Delivery
	var next, created int64
	var payload sql.RawBytes
	if err := rows.Scan(&d.ID, &d.Sink, &d.Status, &d.Attempts, &next, &d.LastError, &created, &payload); err != nil {
		return d, err
	}
	var m notify.Message
	if err := json.Unmarshal(payload, &m); err != nil {
		return d, fmt.Errorf("message %s: %w", d.ID, err)
	}
	d.CreatedAt = instant(created)
	if d.Status == Retrying {
		due := instant(next)
		d.NextAttemptAt = &due
	}
	d.Alerts = m.Alerts
	return d, nil
}

// Backlog is what one sink has not been sent.
type Backlog struct {
	Sink string
	// Waiting is how many are queued or retrying, Dead how many wait for a hand.
	Waiting, Dead int
}

const backlogsSQL = `SELECT sink, sum(status <> 'dead'), sum(status = 'dead') FROM outbox
	WHERE status <> 'sent' GROUP BY sink ORDER BY sink`

// Backlogs gives the sinks that have not been sent everything, by name. A sink that is no
// longer in the config shows here, since nobody will send its messages.
func (s *SQLite) Backlogs(ctx context.Context) ([]Backlog, error) {
	rows, err := s.reader.QueryContext(ctx, backlogsSQL)
	if err != nil {
		return nil, fmt.Errorf("list backlogs: %w", err)
	}
	defer rows.Close()
	var list []Backlog
	for rows.Next() {
		var b Backlog
		if err := rows.Scan(&b.Sink, &b.Waiting, &b.Dead); err != nil {
			return nil, fmt.Errorf("list backlogs: %w", err)
		}
		list = append(list, b)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list backlogs: %w", err)
	}
	return list, nil
}
