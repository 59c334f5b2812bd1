package cli

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// wholeLines is how many bytes of the file are whole lines: up to and with its last newline.
func wholeLines(f io.ReadSeeker) (int64, error) {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	buf := make([]byte, 64<<10)
	for end > 0 {
		start := max(0, end-int64(len(buf)))
		part := buf[:end-start]
		if _, err := f.Seek(start, io.SeekStart); err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(f, part); err != nil {
			return 0, err
		}
		for i := len(part) - 1; i >= 0; i-- {
			if part[i] == '\n' {
				return start + int64(i) + 1, nil
			}
		}
		end = start
	}
	return 0, nil
}

// wholeGzip is how many bytes of the file are whole gzip members.
func wholeGzip(f io.ReadSeeker) (int64, error) {
	return wholeFrames(f, func(in *counter) error {
		z, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		z.Multistream(false)
		_, err = io.Copy(io.Discard, z)
		return err
	})
}

// wholeZstd is how many bytes of the file are whole zstd frames. It reads their outlines only
// (RFC 8878, 3.1.1): magic and header, blocks with three bytes of size before each, checksum.
func wholeZstd(f io.ReadSeeker) (int64, error) {
	return wholeFrames(f, func(in *counter) error {
		head, err := in.Peek(zstd.HeaderMaxSize)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		var h zstd.Header
		if err := h.Decode(head); err != nil {
			return err
		}
		if err := in.skip(h.HeaderSize); err != nil {
			return err
		}
		for last := false; !last; {
			var b [3]byte
			if _, err := io.ReadFull(in, b[:]); err != nil {
				return err
			}
			bits := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
			last = bits&1 == 1
			size := bits >> 3
			if kind := bits >> 1 & 3; kind == 1 { // one byte, repeated
				size = 1
			}
			if err := in.skip(size); err != nil {
				return err
			}
		}
		if h.HasCheckSum {
			return in.skip(4)
		}
		return nil
	})
}

// wholeFrames reads frame after frame; one that ends early is not whole. What is no frame at
// all is an error: the file is something else.
func wholeFrames(f io.ReadSeeker, next func(*counter) error) (int64, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	in := &counter{Reader: bufio.NewReader(f)}
	for {
		if _, err := in.Peek(1); errors.Is(err, io.EOF) {
			return in.n, nil
		}
		before := in.n
		switch err := next(in); {
		case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
			return before, nil
		case err != nil:
			return 0, err
		}
	}
}

// counter counts what is read. It is an io.ByteReader, so that gzip reads no byte too many.
type counter struct {
	*bufio.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *counter) ReadByte() (byte, error) {
	b, err := c.Reader.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

func (c *counter) skip(n int) error {
	done, err := c.Discard(n)
	c.n += int64(done)
	return err
}
