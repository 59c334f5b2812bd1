package scheduler

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"watchdog/diag"
)

// fileError is what is wrong with a file that the spec names.
type fileError struct {
	field, path string
	err         error
}

func (e *fileError) Error() string {
	if p := new(fs.PathError); errors.As(e.err, &p) {
		return "read " + e.field + ": " + e.err.Error() // it says which file
	}
	return "read " + e.field + ": " + e.path + ": " + e.err.Error()
}

func (e *fileError) Unwrap() error { return e.err }

// problem is the same, told where the path is written.
func (e *fileError) problem() diag.Problem {
	why := e.err.Error()
	if p := new(fs.PathError); errors.As(e.err, &p) {
		why = "the file cannot be read: " + p.Err.Error()
	}
	return diag.Problemf(e.field, "a path counts from the folder of the config file", "%s", why)
}

// PathsFrom is the spec with the relative paths of its files counted from a folder.
func (s Spec) PathsFrom(dir string) Spec {
	for _, file := range []*string{&s.Auth.BearerFile, &s.TLS.CA, &s.TLS.Cert, &s.TLS.Key} {
		if *file != "" && !filepath.IsAbs(*file) {
			*file = filepath.Join(dir, *file)
		}
	}
	return s
}

// PathsFrom is the spec with the relative paths of its files counted from a folder.
func (s SourceSpec) PathsFrom(dir string) SourceSpec {
	s.Auth = Spec{Auth: s.Auth}.PathsFrom(dir).Auth
	return s
}

// FileProblems is every mistake in the files that the spec names; it reads them.
func (s Spec) FileProblems(read func(path string) ([]byte, error)) []diag.Problem {
	var ps []diag.Problem
	tell := func(err error) {
		if e := new(fileError); errors.As(err, &e) {
			ps = append(ps, e.problem())
		}
	}
	if s.Auth.BearerFile != "" {
		_, err := readToken(s.Auth.BearerFile, read)
		tell(err)
	}
	_, err := s.TLS.roots(x509.NewCertPool(), read)
	tell(err)
	if s.TLS.Cert != "" && s.TLS.Key != "" {
		_, err := s.TLS.pair(read)
		tell(err)
	}
	return ps
}

// FileProblems is every mistake in the files that the spec names; it reads them.
func (s SourceSpec) FileProblems(read func(path string) ([]byte, error)) []diag.Problem {
	return Spec{Auth: s.Auth}.FileProblems(read)
}

// unchanged reports whether a file is still the one that was looked at before, if it was.
func unchanged(before, now fs.FileInfo) bool {
	return before != nil && now != nil && os.SameFile(before, now) &&
		before.ModTime().Equal(now.ModTime()) && before.Size() == now.Size()
}
