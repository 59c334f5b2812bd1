package cli

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

// openRecording opens a recording for reading, decompressed by its name; "-" is stdin.
func (s *session) openRecording(path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(s.Stdin), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open recording: %w", err)
	}
	var r io.Reader
	switch filepath.Ext(path) {
	case ".gz":
		r, err = gzip.NewReader(f)
	case ".zst":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(f); err == nil {
			r = z
		}
	default:
		return f, nil
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open recording %s: %w", path, err), f.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{r, f}, nil
}

// appender writes each snapshot as a whole: in a compressed recording as a frame of its own, so
// that one that was cut short costs only itself.
type appender struct {
	file *os.File
	wrap func(io.Writer) (io.WriteCloser, error)
}

// appendRecording opens a recording to append to, compressed by its name. A last line that a
// crash cut short is taken off first: what follows it could not be read.
func appendRecording(path string) (*appender, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open recording: %w", err)
	}
	a := &appender{file: f}
	whole := wholeLines
	switch filepath.Ext(path) {
	case ".gz":
		a.wrap = func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }
		whole = wholeGzip
	case ".zst":
		a.wrap = func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }
		whole = wholeZstd
	}
	size, err := whole(f)
	if err == nil {
		err = f.Truncate(size)
	}
	if err == nil {
		_, err = f.Seek(size, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("append to recording %s: %w", path, err), f.Close())
	}
	return a, nil
}

// Write appends one whole line.
func (a *appender) Write(line []byte) (int, error) {
	if a.wrap == nil {
		return a.file.Write(line)
	}
	frame, err := a.wrap(a.file)
	if err != nil {
		return 0, err
	}
	n, err := frame.Write(line)
	if err != nil {
		return n, err
	}
	return n, frame.Close()
}

func (a *appender) Close() error { return a.file.Close() }
