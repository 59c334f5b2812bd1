package rules

import (
	"encoding/binary"
	"fmt"

	"watchdog/snapshot"
)

// health is what the rules remember of the server itself.
type health struct {
	// failures counts the checks in a row that failed, were cut short or were not tried.
	failures int64
	error    string
}

// observe is the health after one more look. before is not changed.
func (h health) observe(snap *snapshot.Snapshot) *health {
	err := snap.Err()
	if err == nil {
		return &health{}
	}
	return &health{failures: h.failures + 1, error: err.Error()}
}

// healthFormat is the first byte of the stored form, as pastFormat.
const healthFormat = 1

// AppendBinary appends the stored form.
func (h *health) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, healthFormat)
	b = binary.AppendUvarint(b, uint64(h.failures))
	return appendString(b, h.error), nil
}

func decodeHealth(b []byte) (*health, error) {
	d := decoder{rest: string(b)}
	if format := d.byte(); format != healthFormat {
		return nil, fmt.Errorf("its format is %d, this program knows %d", format, healthFormat)
	}
	h := &health{failures: int64(d.uvarint()), error: d.string()}
	return h, d.err
}

// serverView makes a view of the server for one snapshot.
func serverView(set *Set, h *health, snap *snapshot.Snapshot, at stamp) (*view, *serverEnv) {
	env := &serverEnv{
		Server: snap.Server, Labels: set.labels,
		Up: h.failures == 0, Failures: h.failures, Error: h.error,
		Version: snap.Version, Latency: snap.Latency,
	}
	v := &view{env: env, slots: &env.slots, at: at, until: never}
	if snap.Version != "" {
		v.known |= needVersion
	}
	if snap.Latency > 0 {
		v.known |= needLatency
	}
	if !snap.Failed() {
		v.known |= needDocs | needJobs
		for _, r := range snap.Replications {
			if r.Has(snapshot.FieldHistory) {
				env.Jobs++
			}
			if r.Database != snapshot.TransientDatabase {
				env.Docs++
			}
		}
	}
	return v, env
}
