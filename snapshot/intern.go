package snapshot

import "bytes"

// texts makes the strings of one row in a single allocation.
type texts struct {
	buf  []byte
	refs []textRef
}

type textRef struct {
	dst        *string
	start, end int
}

// put makes *dst say b once seal is called. Where that is what it said before, old or older,
// or what the text before it says, the memory is shared.
func (t *texts) put(dst *string, b []byte, old, older string) {
	if string(b) == old {
		*dst = old
		return
	}
	if string(b) == older {
		*dst = older
		return
	}
	if n := len(t.refs); n > 0 {
		if last := t.refs[n-1]; bytes.Equal(b, t.buf[last.start:last.end]) {
			t.refs = append(t.refs, textRef{dst, last.start, last.end})
			return
		}
	}
	start := len(t.buf)
	t.buf = append(t.buf, b...)
	t.refs = append(t.refs, textRef{dst, start, len(t.buf)})
}

func (t *texts) seal() {
	all := string(t.buf)
	for _, ref := range t.refs {
		*ref.dst = all[ref.start:ref.end]
	}
	t.buf, t.refs = t.buf[:0], t.refs[:0]
}

// names holds words that many rows share, such as nodes and users, once.
type names map[string]string

// maxNames bounds names: beyond it a server is making words up.
const maxNames = 4096

func (n names) get(b []byte) string {
	if s, ok := n[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(n) < maxNames {
		n[s] = s
	}
	return s
}
