package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
)

// expander fills in ${VAR}, ${VAR:-default} and ${file:PATH}.
type expander struct {
	env      func(name string) (string, bool)
	readFile func(path string) ([]byte, error)
	read     func(path string)  // told of every file that was asked for
	used     func(value string) // told of every value that came from outside
}

// mistake is what is wrong with a part of a text.
type mistake struct {
	offset, length int
	message, hint  string
}

const referenceHint = "write ${NAME}, ${NAME:-default} or ${file:PATH}; a ${ that stands for itself is $${"

var (
	variable  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*`)
	reference = regexp.MustCompile(`^\$\{[^{}]*\}$`)
)

// hasReference reports whether expanding would change text.
func hasReference(text string) bool { return strings.Contains(text, "${") }

// bareReference reports whether text is one reference without a default: it gives nothing away.
func bareReference(text string) bool {
	return reference.MatchString(text) && !strings.Contains(text, ":-")
}

// expand fills in the references of text, which stands in a file of the folder dir.
func (e *expander) expand(text, dir string) (string, []mistake) {
	value, _, mistakes := e.fill(text, 0, dir, false)
	return value, mistakes
}

// fill expands text from pos on: to its end, or, inside a reference, to the brace that closes it.
func (e *expander) fill(text string, pos int, dir string, inside bool) (value string, end int, mistakes []mistake) {
	var b strings.Builder
	for pos < len(text) {
		rest := text[pos:]
		switch {
		case inside && rest[0] == '}':
			return b.String(), pos, mistakes
		case strings.HasPrefix(rest, "$${"):
			b.WriteString("${")
			pos += len("$${")
		case strings.HasPrefix(rest, "${"):
			one, end, wrong := e.reference(text, pos, dir)
			b.WriteString(one)
			mistakes = append(mistakes, wrong...)
			pos = end
		default:
			b.WriteByte(rest[0])
			pos++
		}
	}
	return b.String(), pos, mistakes
}

// reference expands the one that begins at pos.
func (e *expander) reference(text string, pos int, dir string) (value string, end int, mistakes []mistake) {
	body := pos + len("${")
	if path, ok := strings.CutPrefix(text[body:], "file:"); ok {
		path, end, mistakes = e.fill(text, len(text)-len(path), dir, true)
		if end, mistakes = closed(text, pos, end, mistakes); len(mistakes) > 0 {
			return "", end, mistakes
		}
		value, err := e.file(path, dir)
		if err != nil {
			mistakes = append(mistakes, mistake{
				pos, end - pos, "the file that is named here cannot be read: " + cause(err).Error(),
				"its path counts from the folder of this file",
			})
		}
		return value, end, mistakes
	}
	name := variable.FindString(text[body:])
	after := text[body+len(name):]
	value, set := e.env(name)
	switch {
	case name != "" && strings.HasPrefix(after, "}"):
		end = body + len(name) + 1
		if !set {
			mistakes = append(mistakes, mistake{
				pos, end - pos, fmt.Sprintf("the environment variable %s is not set", name),
				fmt.Sprintf("set it, or give a default: ${%s:-…}", name),
			})
		}
		e.used(value)
		return value, end, mistakes
	case name != "" && strings.HasPrefix(after, ":-"):
		byDefault, end, wrong := e.fill(text, body+len(name)+len(":-"), dir, true)
		end, mistakes = closed(text, pos, end, nil)
		if value != "" {
			e.used(value)
			return value, end, mistakes // what the default lacks is not needed
		}
		return byDefault, end, append(mistakes, wrong...)
	}
	end = pos + len(text[pos:])
	if n := strings.IndexByte(text[pos:], '}'); n >= 0 {
		end = pos + n + 1
	}
	return "", end, []mistake{{pos, end - pos, "not a reference to a variable or a file", referenceHint}}
}

// closed adds what is wrong where a reference that began at pos has no closing brace at end.
func closed(text string, pos, end int, mistakes []mistake) (int, []mistake) {
	if end < len(text) {
		return end + 1, mistakes
	}
	return end, append(mistakes, mistake{pos, len("${"), "this ${ is never closed", "close it with }; " + referenceHint})
}

// file is the content of a file without the line breaks at its end.
func (e *expander) file(path, dir string) (string, error) {
	if path == "" {
		return "", errors.New("the name is empty")
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	e.read(path)
	content, err := e.readFile(path)
	value := strings.TrimRight(string(content), "\r\n")
	e.used(value)
	return value, err
}

// cause is why a file could not be read, without its path.
func cause(err error) error {
	if p := new(fs.PathError); errors.As(err, &p) {
		return p.Err
	}
	return err
}
