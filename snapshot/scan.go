package snapshot

// fast reads a row of the shape that CouchDB writes. It reports false, with the row in any
// state, where it meets something else, malformed or only unusual.
func (r *row) fast(data []byte) bool {
	c := cursor{b: data, scratch: r.scratch}
	ok := c.row(r) && c.atEnd()
	r.scratch = c.scratch
	return ok
}

// row reads an object into r, key by key.
func (c *cursor) row(r *row) bool {
	if !c.take('{') {
		return false
	}
	if c.take('}') {
		return true
	}
	for {
		key, ok := c.key()
		if !ok || !c.rowMember(key, r) {
			return false
		}
		if !c.take(',') {
			return c.take('}')
		}
	}
}

func (c *cursor) rowMember(key []byte, r *row) bool {
	switch string(key) {
	case "database":
		return c.textOrNull(&r.database)
	case "doc_id":
		return c.textOrNull(&r.docID)
	case "id":
		return c.textOrNull(&r.id)
	case "node":
		return c.textOrNull(&r.node)
	case "source":
		return c.textOrNull(&r.source)
	case "target":
		return c.textOrNull(&r.target)
	case "state":
		return c.textOrNull(&r.state)
	case "pid":
		return c.textOrNull(&r.pid)
	case "user":
		return c.textOrNull(&r.user)
	case "error_count":
		return c.intOrNull(FieldErrorCount, &r.errorCount, r)
	case "last_updated":
		return c.timeOrNull(FieldLastUpdated, &r.lastUpdated, r)
	case "start_time":
		return c.timeOrNull(FieldStartTime, &r.startTime, r)
	case "info":
		return c.info(r)
	case "history":
		return c.history(r)
	}
	return c.skip()
}

func (c *cursor) info(r *row) bool {
	r.resetInfo()
	if c.peek() != '{' {
		return c.textOrNull(&r.errText)
	}
	c.i++
	if c.take('}') {
		return true
	}
	for {
		key, ok := c.key()
		if !ok || !c.infoMember(key, r) {
			return false
		}
		if !c.take(',') {
			return c.take('}')
		}
	}
}

func (c *cursor) infoMember(key []byte, r *row) bool {
	f, ok := infoField(key)
	switch {
	case ok && f >= firstSeq:
		return c.seq(&r.seqs[f-firstSeq])
	case ok:
		return c.intOrNull(f, &r.counters[f-firstCounter], r)
	case string(key) == "error":
		return c.textOrNull(&r.errText)
	}
	return c.skip()
}

// seq reads a sequence that is text, null or a plain number.
func (c *cursor) seq(dst *[]byte) bool {
	if c.peek() == '"' || c.peek() == 'n' {
		return c.textOrNull(dst)
	}
	start := c.i
	_, ok := c.int()
	*dst = c.b[start:c.i]
	return ok
}

func (c *cursor) history(r *row) bool {
	r.resetHistory()
	if c.null() {
		return true
	}
	if !c.take('[') {
		return false
	}
	r.known = r.known.With(FieldHistory)
	if c.take(']') {
		return true
	}
	for {
		if !c.event(r) {
			return false
		}
		if !c.take(',') {
			return c.take(']')
		}
	}
}

func (c *cursor) event(r *row) bool {
	if !c.take('{') {
		return false
	}
	var e rowEvent
	var at []byte
	for {
		key, ok := c.key()
		if !ok {
			return false
		}
		switch string(key) {
		case "timestamp":
			ok = c.textOrNull(&at)
		case "type":
			ok = c.textOrNull(&e.typ)
		case "reason":
			ok = c.textOrNull(&e.reason)
		default:
			ok = c.skip()
		}
		if !ok {
			return false
		}
		if !c.take(',') {
			break
		}
	}
	var ok bool
	if e.at, ok = parseTime(at); !ok || e.typ == nil || !c.take('}') {
		return false
	}
	r.history = append(r.history, e)
	return true
}
