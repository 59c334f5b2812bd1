package rules

import (
	"encoding/binary"
	"errors"
	"fmt"

	"watchdog/snapshot"
)

// pastFormat is the first byte of the stored form of a past. A new field goes to the end and
// raises it; older forms stay readable.
const pastFormat = 1

var errShort = errors.New("it ends early")

// kept is a past in its stored form, as it is remembered from one step to the next: a fraction of
// an open one, and nothing in it that a collector of garbage has to follow. "" is none. It is what
// append wrote, or was read once without a mistake.
type kept string

// AppendBinary appends what is to be stored.
func (k kept) AppendBinary(b []byte) ([]byte, error) { return append(b, k...), nil }

// open is the past, an empty one of none.
func (k kept) open() past {
	if k == "" {
		return past{}
	}
	p, err := readPast(string(k))
	if err != nil {
		panic(err) // it was read before
	}
	return p
}

// append appends the stored form: varints and length-prefixed strings, some 80 bytes.
func (p *past) append(b []byte) []byte {
	b = append(b, pastFormat)
	b = appendStamp(b, p.seen)
	b = appendString(b, string(p.state))
	b = appendStamp(b, p.since)
	b = appendString(b, string(p.previous))
	b = appendString(b, p.jobID)
	b = binary.AppendUvarint(b, uint64(len(p.counters)))
	for _, c := range p.counters {
		b = appendBool(b, c.known)
		b = binary.AppendUvarint(b, c.value)
		b = appendStamp(b, c.moved)
		b = appendStamp(b, c.still)
	}
	b = appendStamp(b, p.blind)
	b = appendBool(b, p.history)
	b = binary.AppendUvarint(b, uint64(len(p.crashes)))
	for _, c := range p.crashes {
		b = appendStamp(b, c)
	}
	b = appendStamp(b, p.crashesFrom)
	b = binary.AppendUvarint(b, uint64(len(p.series)))
	for i := range p.series {
		b = p.series[i].append(b)
	}
	return b
}

func (s *series) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(s.counter))
	b = appendStamp(b, s.window)
	b = binary.AppendVarint(b, s.value)
	b = binary.AppendVarint(b, s.total)
	b = binary.AppendUvarint(b, uint64(len(s.points)))
	for _, p := range s.points {
		b = appendStamp(b, p.at)
		b = binary.AppendVarint(b, p.total)
	}
	return b
}

// readPast reads what append wrote. Texts in it are parts of stored.
func readPast(stored string) (past, error) {
	d := decoder{rest: stored}
	if format := d.byte(); format != pastFormat {
		return past{}, fmt.Errorf("its format is %d, this program knows %d", format, pastFormat)
	}
	p := past{
		seen:     d.stamp(),
		state:    internState(d.string()),
		since:    d.stamp(),
		previous: internState(d.string()),
		jobID:    d.string(),
	}
	for i := range d.count() {
		c := counter{known: d.bool(), value: d.uvarint(), moved: d.stamp(), still: d.stamp()}
		if i < len(p.counters) {
			p.counters[i] = c
		}
	}
	p.blind = d.stamp()
	p.history = d.bool()
	if n := d.count(); n > 0 {
		p.crashes = make([]stamp, n)
		for i := range p.crashes {
			p.crashes[i] = d.stamp()
		}
	}
	p.crashesFrom = d.stamp()
	for range d.count() {
		p.series = append(p.series, d.series())
	}
	return p, d.err
}

func appendStamp(b []byte, s stamp) []byte { return binary.AppendVarint(b, int64(s)) }

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// decoder reads fields one after another; after the first mistake it gives zeros.
type decoder struct {
	rest string
	err  error
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.err = errShort
		return 0
	}
	v := d.rest[0]
	d.rest = d.rest[1:]
	return v
}

func (d *decoder) bool() bool { return d.byte() != 0 }

// uvarint is binary.Uvarint of a string.
func (d *decoder) uvarint() uint64 {
	var v uint64
	for i := 0; i < len(d.rest) && i < binary.MaxVarintLen64; i++ {
		b := d.rest[i]
		if b < 0x80 {
			if i == binary.MaxVarintLen64-1 && b > 1 {
				break // more than 64 bits
			}
			d.rest = d.rest[i+1:]
			return v | uint64(b)<<(7*i)
		}
		v |= uint64(b&0x7f) << (7 * i)
	}
	d.rest, d.err = "", errShort
	return 0
}

// varint is binary.Varint of a string.
func (d *decoder) varint() int64 {
	v := d.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (d *decoder) stamp() stamp { return stamp(d.varint()) }

func (d *decoder) series() series {
	s := series{
		follow: follow{counter: int(d.uvarint()), window: d.stamp()},
		value:  d.varint(), total: d.varint(),
	}
	if n := d.count(); n > 0 {
		s.points = make([]point, n)
		for i := range s.points {
			s.points[i] = point{d.stamp(), d.varint()}
		}
	}
	return s
}

// count is the length of a list, each element of which takes at least a byte.
func (d *decoder) count() int {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.rest, d.err = "", errShort
		return 0
	}
	return int(n)
}

func (d *decoder) string() string {
	n := d.count()
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

// internState shares the known states' own strings, so that remembering a state costs nothing.
func internState(s string) snapshot.State {
	for _, known := range snapshot.States {
		if string(known) == s {
			return known
		}
	}
	return snapshot.State(s)
}
