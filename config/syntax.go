package config

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"watchdog/diag"
)

// parse reads the one document of a file, which is to have a shape. A nil node is an empty file.
func (s *source) parse(shape reflect.Type) (*yaml.Node, *diag.Diagnostic) {
	if d := s.unreadable(); d != nil {
		return nil, d
	}
	var first, second yaml.Node
	decoder := yaml.NewDecoder(strings.NewReader(s.text))
	err := decodeNode(decoder, &first)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err == nil {
		if err = decodeNode(decoder, &second); errors.Is(err, io.EOF) {
			return first.Content[0], nil
		}
	}
	if err != nil {
		return nil, s.syntaxError(err, shape)
	}
	at := s.offset(second.Line, second.Column)
	if strings.HasPrefix(s.text[at:], "---") { // what follows on that line was never looked at
		s.secrets = append(s.secrets, span{at + len("---"), s.rest(at).end})
	}
	d := s.diagnose(span{at, at + len("---")}, diag.Diagnostic{
		Message: "a second document begins here, which would not be read",
		Hint:    "remove the line ---, or put the rest into a file of its own and include it",
	})
	return nil, &d
}

// decodeNode also turns a panic of yaml.v3, which odd input can cause, into an error: a bad
// config must not end a daemon that reloads.
func decodeNode(decoder *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("yaml: this is not YAML that can be read")
		}
	}()
	return decoder.Decode(n)
}

// unreadable finds the first byte that no YAML file holds.
func (s *source) unreadable() *diag.Diagnostic {
	for i := 0; i < len(s.text); {
		r, n := utf8.DecodeRuneInString(s.text[i:])
		message, hint := "", ""
		switch {
		case r == utf8.RuneError && n == 1:
			message, hint = "this is not UTF-8", "save the file in the encoding UTF-8"
		case unicode.IsControl(r) && r != '\t' && r != '\u0085' && lineBreak(s.text[i:]) == 0,
			r == '\ufffe', r == '\uffff':
			message = fmt.Sprintf("the control character %U is not allowed here", r)
			hint = `remove it, or write it as an escape inside double quotes, such as "\x1b"`
		}
		if message != "" {
			d := s.diagnose(span{i, i + n}, diag.Diagnostic{Message: message, Hint: hint})
			d.Text = "" // nobody knows what it would do to a terminal
			return &d
		}
		i += n
	}
	return nil
}

// syntaxError places what yaml.v3 says about a file, and says it in other words.
func (s *source) syntaxError(err error, shape reflect.Type) *diag.Diagnostic {
	line, problem := s.locate(err)
	row := s.lineText(line)
	at, message, hint := explain(problem, row)
	start := s.lineSpan(line).start
	harmless := harmlessPart(row, shape)
	s.secrets = append(s.secrets, span{start + harmless, start + len(row)})
	d := s.diagnose(span{start + at.start, start + at.end}, diag.Diagnostic{Message: message, Hint: hint})
	if harmless == 0 {
		d.Text = ""
	}
	return &d
}

var yamlError = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?((?s).*)`)

// maxPrefixes bounds how often locate parses a part of the file.
const maxPrefixes = 50

// locate finds the line of a syntax error, since the line that yaml.v3 names may be that of the
// block around it: the error is where the longest prefix that is good YAML ends, which is not
// far before the place up to which yaml.v3 had read. Where it is far, in a quote that nobody
// closes, the line it names is right.
func (s *source) locate(err error) (line int, problem string) {
	m := yamlError.FindStringSubmatch(err.Error())
	if m == nil {
		return 1, err.Error()
	}
	reader := &drip{text: s.text}
	decoder := yaml.NewDecoder(reader)
	for range 2 { // the second is for what follows ---
		if decodeNode(decoder, new(yaml.Node)) != nil {
			break
		}
	}
	last := s.line(max(reader.read-1, 0))
	for line = last; line > max(0, last-maxPrefixes); line-- {
		if line == 1 || s.goodBefore(line) {
			return line, m[2]
		}
	}
	line, err = strconv.Atoi(m[1])
	if err != nil { // yaml.v3 does not name the first line
		line = 1
	}
	return s.line(s.offset(line, 1)), m[2]
}

// goodBefore reports whether the lines before a line are YAML.
func (s *source) goodBefore(line int) bool {
	decoder := yaml.NewDecoder(strings.NewReader(s.text[:s.lines[line-1]]))
	for {
		if err := decodeNode(decoder, new(yaml.Node)); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

// drip is a reader that gives one byte at a time, and so knows how far its reader got.
type drip struct {
	text string
	read int
}

func (d *drip) Read(p []byte) (int, error) {
	n := copy(p[:min(1, len(p))], d.text[d.read:])
	if d.read += n; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// tabbed are lines with a tab in their indentation.
var tabbed = regexp.MustCompile(`^ *\t`)

// explain says what is wrong with a line in the words of those who write it, and where in it.
func explain(problem, row string) (at span, message, hint string) {
	whole := trimmed(row)
	value := valueOf(row)
	switch {
	case strings.Contains(problem, "tab character"), tabbed.MatchString(row):
		tab := max(strings.IndexByte(row, '\t'), 0)
		return span{tab, tab + 1}, "a tab stands where YAML wants spaces", "indent with spaces only"
	case strings.HasPrefix(problem, "unknown anchor"):
		name := strings.Trim(strings.TrimSuffix(strings.TrimPrefix(problem, "unknown anchor "), " referenced"), "'")
		start := max(strings.Index(row, "*"+name), 0)
		return span{start, start + len(name) + 1}, "no anchor of that name is defined above",
			"put a value that begins with * into quotes"
	case problem == "did not find expected alphabetic or numeric character":
		start := max(strings.IndexAny(row, "*&"), 0)
		return span{start, start + 1}, fmt.Sprintf("a value that begins with %q needs quotes", row[start:start+1]), ""
	case strings.Contains(problem, "unknown escape character"):
		return badEscape(row), "no escape that YAML knows inside double quotes",
			`write \\ for a backslash, or use single quotes`
	case problem == "found unexpected end of stream":
		start := value.start + max(strings.IndexAny(row[value.start:value.end], `"'`), 0)
		return span{start, start + 1}, "the quote that opens here is never closed", "close it"
	}
	if at, message, hint = explainQuoting(row, value); message != "" {
		return at, message, hint
	}
	switch {
	case problem == "mapping values are not allowed in this context":
		if colon := secondColon(row); colon > 0 {
			return span{colon, colon + 1}, "a second \": \" on one line", "put the value into quotes, or the second key on a line of its own"
		}
		return whole, "a key cannot stand here", "indent it like the keys it belongs to"
	case problem == "could not find expected ':'":
		return whole, "a key without a value", `write "key: value", and indent what belongs to the line above`
	case strings.Contains(problem, "or ']'"), strings.Contains(problem, "or '}'"),
		problem == "did not find expected node content" && strings.ContainsAny(row, "[{"):
		at := whole
		if open := strings.IndexAny(row, "[{"); open >= 0 {
			at = span{open, whole.end}
		}
		return at, "the list or mapping in brackets has no end, or a comma is missing in it",
			"close every [ and {, and put what holds brackets into quotes"
	case problem == "did not find expected key", problem == "did not find expected '-' indicator":
		return whole, "this line does not go on with what stands above it", "indent it like the lines it belongs to"
	}
	return whole, "this is not YAML: " + problem, ""
}

// explainQuoting finds a value that needs quotes and has none, or has wrong ones.
func explainQuoting(row string, value span) (at span, message, hint string) {
	text := row[value.start:value.end]
	switch {
	case text == "":
		return
	case strings.HasPrefix(text, "{{"):
		return value, "a value that begins with {{ needs quotes", `write "{{ … }}"`
	case strings.ContainsAny(text[:1], "@`%"):
		return span{value.start, value.end}, fmt.Sprintf("a value that begins with %q needs quotes", text[:1]), ""
	case strings.ContainsAny(text[:1], `"'`):
		quote := text[:1]
		end := strings.Index(text[1:], quote)
		if end < 0 {
			return span{value.start, value.start + 1}, "the quote that opens here is not closed on its line", "close it"
		}
		if strings.Trim(text[end+2:], " \t,]}") != "" {
			start := value.start + end + 1
			return span{start, start + 1}, "the quote ends here, and more follows",
				"put a value that holds quotes into the other kind of quotes, or below a | on lines of its own"
		}
	case strings.Contains(text, "${") && strings.ContainsAny(text[:1], "[{"):
		start := value.start + strings.Index(text, "${")
		end := start + 1 + strings.IndexAny(row[start:]+"}", "}")
		return span{start, min(end, value.end)}, "inside brackets a ${…} needs quotes", `write "${…}"`
	}
	return
}

var keyBefore = regexp.MustCompile(`^[ \t]*(?:- +)*(?:[\w.-]+:[ \t]+)?`)

// valueOf is where the value of the first key of a line stands, without trailing blanks.
func valueOf(row string) span {
	start := len(keyBefore.FindString(row))
	return span{start, max(start, trimmed(row).end)}
}

// trimmed is a line without the blanks around it.
func trimmed(row string) span {
	end := len(strings.TrimRight(row, " \t"))
	return span{min(end, len(row)-len(strings.TrimLeft(row, " \t"))), end}
}

// secondColon is where the second colon that ends a key stands, 0 if nowhere.
func secondColon(row string) int {
	colons := regexp.MustCompile(`:(?:[ \t]|$)`).FindAllStringIndex(row, 2)
	if len(colons) < 2 {
		return 0
	}
	return colons[1][0]
}

// badEscape is the first escape in a line that YAML does not know.
func badEscape(row string) span {
	for i := 0; i+1 < len(row); i++ {
		if row[i] != '\\' {
			continue
		}
		if !strings.ContainsRune("0abt\tnvfre \"'\\N_LPxuU", rune(row[i+1])) {
			return span{i, i + 2}
		}
		i++
	}
	return span{0, len(row)}
}
