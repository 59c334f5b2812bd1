package ruletest

import (
	"cmp"
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"watchdog/diag"
)

// maxSamples bounds the samples of one test, so that no typing error eats the memory: a year of
// checks every ten minutes fits.
const maxSamples = 100_000

// sample is one value of a series; which of text, number and time it has is its kind's.
type sample struct {
	given  bool // by the server; otherwise the value means nothing
	quoted bool // free text among words
	text   string
	number int64
	offset time.Duration // of a time, from the first sample
}

// series is a compiled series.
type series []sample

// at is the sample at index i. After its end a series stays as it was.
func (s series) at(i int) sample {
	if len(s) == 0 {
		return sample{}
	}
	return s[min(i, len(s)-1)]
}

// numeric is a number with or without a step and a repetition.
var numeric = regexp.MustCompile(`^([0-9]+)(?:([+-])([0-9]+))?(?:x([0-9]+))?$`)

// repeated is a value with its repetition.
var repeated = regexp.MustCompile(`^(.+?)x([0-9]+)$`)

// token is a part of a series between blanks and commas.
type token struct {
	text   string
	quoted bool
	comma  bool // one stands before it
	offset int  // in the text of the series
	length int
}

// word reports whether it is a value without quotes.
func (t token) word() bool {
	return !t.quoted && t.text != "_" && !strings.HasPrefix(t.text, "_x") && !repetition.MatchString(t.text)
}

// readSeries reads a series. A mistake is at its offset in the text.
func readSeries(text string, k kind) (series, *diag.Problem) {
	tokens, problem := tokensOf(text)
	if problem != nil {
		return nil, problem
	}
	if len(tokens) == 0 {
		p := diag.Problemf("", "leave it out, or write values such as "+k.example, "the series is empty")
		return nil, &p
	}
	var all series
	open := false // a word that the next one may belong to
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		if k.free && open && t.word() && !t.comma {
			return nil, t.problem(`write it like '"could not open" x3', or part two values by a comma`,
				"a text with blanks in it needs quotes")
		}
		r, times, problem := k.repeat(t)
		if problem == nil && times == nil && i+1 < len(tokens) {
			if n := tokens[i+1]; !n.quoted && repetition.MatchString(n.text) {
				times, i = &tokens[i+1], i+1
				times.text, times.offset, times.length = times.text[1:], times.offset+1, times.length-1
			}
		}
		if problem == nil {
			all, problem = r.appendTo(all, times)
		}
		if problem != nil {
			return nil, problem
		}
		open = t.word() && times == nil
	}
	return all, nil
}

// repetition is one that stands apart from its value.
var repetition = regexp.MustCompile(`^x[0-9]+$`)

// repeat is a value and by how much each further sample of it differs.
type repeat struct {
	token
	first sample
	step  int64
}

// repeat reads one token, and its repetition if that is part of it.
func (k kind) repeat(t token) (r repeat, times *token, problem *diag.Problem) {
	r.token = t
	value := t.text
	switch parts := numeric.FindStringSubmatch(t.text); {
	case t.quoted:
	case k.steps && parts != nil && (k.attached || parts[3] == "" || parts[4] != ""): // 12-3 is a sequence
		value = parts[1]
		if parts[3] != "" {
			step, err := strconv.ParseInt(parts[2]+parts[3], 10, 64)
			if err != nil || parts[4] == "" {
				return r, nil, t.problem("write it like 100+50x4: four samples, each 50 above the one before", "%q steps, but does not say how often", t.text)
			}
			r.step = step
		}
		times = t.tail(parts[4])
	case t.text == "_":
		return r, nil, nil
	case k.attached || strings.HasPrefix(t.text, "_x"):
		if parts := repeated.FindStringSubmatch(t.text); parts != nil && (k.attached || parts[1] == "_") {
			value, times = parts[1], t.tail(parts[2])
		}
	}
	if value == "_" && !t.quoted {
		return r, times, nil
	}
	if t.quoted && k.quotes {
		r.first = sample{given: true, quoted: true, text: value}
		return r, nil, nil
	}
	first, err := k.read(value)
	if err != nil {
		hint := cmp.Or(diag.DidYouMean(value, k.words), "write it like "+k.example)
		return r, nil, t.problem(hint, "%q is not %s", value, k.name)
	}
	first.given = true
	r.first = first
	return r, times, nil
}

// tail is the end of a token, nil when it is empty.
func (t token) tail(text string) *token {
	if text == "" {
		return nil
	}
	return &token{text: text, offset: t.offset + t.length - len(text), length: len(text)}
}

func (t token) problem(hint, format string, args ...any) *diag.Problem {
	p := diag.Problemf("", hint, format, args...)
	p.Offset, p.Length = t.offset, t.length
	return &p
}

// appendTo appends the samples.
func (r repeat) appendTo(all series, times *token) (series, *diag.Problem) {
	n := 1
	if times != nil {
		var err error
		if n, err = strconv.Atoi(times.text); err != nil || n < 1 || n > maxSamples {
			return nil, times.problem("", "a value is repeated 1 to %d times, not %s", maxSamples, times.text)
		}
	}
	if len(all)+n > maxSamples {
		return nil, r.problem("", "the series has more than %d samples", maxSamples)
	}
	if last := float64(r.first.number) + float64(r.step)*float64(n-1); r.step != 0 && (last < 0 || last > math.MaxInt64/2) {
		return nil, r.problem("", "the last of the %d samples would be %.0f, which no counter is", n, last)
	}
	for i := range n {
		s := r.first
		if r.step != 0 {
			s.number += r.step * int64(i)
			s.text = strconv.FormatInt(s.number, 10)
		}
		all = append(all, s)
	}
	return all, nil
}

// tokensOf parts a series at its blanks and commas.
func tokensOf(text string) ([]token, *diag.Problem) {
	var tokens []token
	comma := false
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case strings.IndexByte(" \t\r\n,", c) >= 0:
			comma = comma || c == ','
			i++
			continue
		case c == '"' || c == '\'':
			t, problem := quotedToken(text, i)
			if problem != nil {
				return nil, problem
			}
			tokens = append(tokens, t)
			i += t.length
		default:
			n := strings.IndexAny(text[i:], " \t\r\n,")
			if n < 0 {
				n = len(text) - i
			}
			tokens = append(tokens, token{text: text[i : i+n], offset: i, length: n})
			i += n
		}
		tokens[len(tokens)-1].comma, comma = comma, false
	}
	return tokens, nil
}

// quotedToken reads the quoted value that begins at i. In double quotes a backslash is read as
// JSON has it; in single ones two of them are one, as in YAML.
func quotedToken(text string, i int) (token, *diag.Problem) {
	quote := text[i]
	t := token{quoted: true, offset: i, length: len(text) - i}
	for j := i + 1; j < len(text); j++ {
		switch {
		case text[j] == '\\' && quote == '"':
			j++
		case text[j] == quote && quote == '\'' && j+1 < len(text) && text[j+1] == quote:
			j++
		case text[j] == quote:
			t.length = j + 1 - i
			raw := text[i : j+1]
			if quote == '\'' {
				t.text = strings.ReplaceAll(raw[1:len(raw)-1], "''", "'")
				return t, nil
			}
			if err := json.Unmarshal([]byte(raw), &t.text); err != nil {
				return t, t.problem(`a backslash begins \" \\ \n \t or \u0041`, "what stands in the quotes cannot be read")
			}
			return t, nil
		}
	}
	return t, t.problem("close the quotes", "the quotes that begin here do not end")
}
