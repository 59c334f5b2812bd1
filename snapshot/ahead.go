package snapshot

// aheadSize is how much of a listing is cut into rows before it is handed over, and aheadMost how
// many such batches there are at most: large enough that handing over costs nothing beside the
// decoding, small enough to stay in the cache.
const (
	aheadSize = 64 << 10
	aheadMost = 4
)

// Beside makes the Builder cut the next rows of a listing while it decodes those before, on two
// cores where there are. start runs its argument in a goroutine of the caller's, such as
// sync.WaitGroup.Go; each has ended when the method that reads the listing returns. Without
// Beside a Builder does one after the other, and sees the same.
func (b *Builder) Beside(start func(func())) { b.beside = start }

// batch is a run of rows of one listing.
type batch struct {
	data []byte
	rows []cut
}

// cut is one row of a batch.
type cut struct {
	row   int
	begin int // in data; negative: longer than maxRow
	end   int
	sum   uint64
}

// listBeside is list, run by start, with each called by the caller.
func (f *framer) listBeside(start func(func()), names []string, each func(row int, data []byte, sum uint64)) error {
	full, free := make(chan *batch, aheadMost), make(chan *batch, aheadMost)
	left := make(chan struct{}) // each panicked: nobody takes what is cut
	defer close(left)
	for range aheadMost {
		free <- &batch{}
	}
	var err error
	start(func() {
		defer close(full)
		c := cutter{full: full, free: free, left: left}
		err = f.list(names, c.row)
		c.flush()
	})
	for b := range full {
		for _, at := range b.rows {
			if at.begin < 0 {
				each(at.row, nil, at.sum)
				continue
			}
			each(at.row, b.data[at.begin:at.end:at.end], at.sum)
		}
		free <- b
	}
	return err
}

// cutter gathers rows into batches and hands them over.
type cutter struct {
	now        *batch
	full, free chan *batch
	left       <-chan struct{}
}

// row takes one row; data is copied, since the framer reads on.
func (c *cutter) row(row int, data []byte) {
	if c.now == nil {
		c.now = c.empty()
	}
	b := c.now
	if data == nil {
		b.rows = append(b.rows, cut{row: row, begin: -1, sum: sumOf(nil)})
	} else {
		begin := len(b.data)
		b.data = append(b.data, data...)
		b.rows = append(b.rows, cut{row, begin, len(b.data), sumOf(data)})
	}
	if len(b.data) >= aheadSize {
		c.flush()
	}
}

// empty is a batch to fill. The memory that one long row took is not kept.
func (c *cutter) empty() *batch {
	select {
	case b := <-c.free:
		if cap(b.data) > 4*aheadSize {
			b.data = nil
		}
		b.data, b.rows = b.data[:0], b.rows[:0]
		return b
	case <-c.left:
		return &batch{}
	}
}

func (c *cutter) flush() {
	if c.now == nil {
		return
	}
	select {
	case c.full <- c.now:
	case <-c.left:
	}
	c.now = nil
}
