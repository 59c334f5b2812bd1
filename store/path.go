package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// resolve gives the absolute path with all symbolic links followed, also one whose target is
// not there yet, so that a file has one lock whatever name it is opened by.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	for range 40 { // as deep as Linux follows
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		if errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("there is no directory %s; create it, or give another path", filepath.Dir(path))
		}
		if err != nil {
			return "", unreachable(err)
		}
		path = filepath.Join(dir, filepath.Base(path))
		target, err := os.Readlink(path)
		if err != nil {
			return path, nil //nolint:nilerr // no link
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(dir, target)
		}
		path = target
	}
	return "", errors.New("too many symbolic links; give the path of the file itself")
}

// checkFile reports whether the file is there, and refuses what can be no store. It does not
// open the file: closing it would drop the locks that SQLite holds on it in this process.
func checkFile(path string) (exists bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, unreachable(err)
	case info.IsDir():
		return false, fmt.Errorf("it is a directory; give the path of a file in it, as %s", filepath.Join(path, "watchdog.db"))
	case !info.Mode().IsRegular():
		return false, errors.New("it is not a regular file; give another path")
	case info.Size() == 1: // which SQLite would take for an empty file
		return false, errNoDatabase
	}
	return true, nil
}

// unreachable is an error of the file system without the path.
func unreachable(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("cannot reach it: %w; give another path", err)
}

// create makes an empty file, which is an empty database, that only its owner can read.
func create(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}
