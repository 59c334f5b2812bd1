package config

import (
	"cmp"
	"slices"
	"strings"

	"watchdog/diag"
	"watchdog/secret"
)

// finding is a diagnostic whose line cannot be shown yet: not all secrets of its file are known.
type finding struct {
	doc   *document // nil: the diagnostic is complete
	at    span
	keyAt int // where the field's key stands: a comment there turns a lint off too
	diag  diag.Diagnostic
}

// unplaced reports what needs no document to be shown.
func (l *loader) unplaced(d diag.Diagnostic) {
	if d.File == "" {
		d.File, d.Line, d.Column = l.options.Path, 1, 1
	}
	l.findings = append(l.findings, finding{diag: d})
}

// problem reports what the owner of a part found in it, at its place. What follows from a
// mistake in decoding is not told again.
func (l *loader) problem(o origin, p diag.Problem) {
	path := join(o.path, p.Field)
	f, exact := o.doc.nearest(path)
	if o.doc.troubled(o.path) && (!exact || p.Field == "" || o.doc.troubled(path)) {
		return
	}
	if p.Level != diag.Lint {
		l.wrong = append(l.wrong, origin{o.doc, path})
	}
	found := finding{doc: o.doc, diag: diag.Diagnostic{
		Level: p.Level, ID: p.ID,
		Message: o.doc.withoutValue(p.Message, f), Hint: o.doc.withoutValue(p.Hint, f),
	}}
	if exact {
		found.at = o.doc.part(f, p.Offset, p.Length)
	} else {
		found.at = o.doc.mark(f)
	}
	if f.key != nil {
		found.keyAt = o.doc.offset(f.key.Line, f.key.Column)
	}
	l.findings = append(l.findings, found)
}

// clean reports whether nothing is wrong with a list of any file, or with one item.
func (l *loader) clean(list string) bool {
	return !l.torn && !slices.ContainsFunc(l.docs, func(d *document) bool { return d.troubled(list) }) &&
		!slices.ContainsFunc(l.wrong, func(o origin) bool { return within(o.path, list) })
}

func (l *loader) cleanItem(at origin) bool {
	return !at.doc.troubled(at.path) &&
		!slices.ContainsFunc(l.wrong, func(o origin) bool { return o.doc == at.doc && within(o.path, at.path) })
}

// diagnostics are all findings as they are shown.
func (l *loader) diagnostics() diag.List {
	for _, doc := range l.docs {
		doc.sealSecrets()
	}
	slices.SortFunc(l.secrets, func(a, b string) int { return len(b) - len(a) }) // one may hold another
	var list diag.List
	for _, f := range l.findings {
		d := f.diag
		d.Level = cmp.Or(d.Level, diag.Error)
		d.Message, d.Hint = l.harmless(d.Message), l.harmless(d.Hint)
		if f.doc != nil {
			d = f.doc.diagnose(f.at, d)
			if d.Level == diag.Lint && f.doc.disabled(d.ID, d.Line, f.doc.line(f.keyAt)) {
				continue
			}
		}
		if !slices.Contains(list, d) { // an anchor is decoded wherever it is used
			list = append(list, d)
		}
	}
	list.Sort()
	return list
}

// harmless is a message without secrets.
func (l *loader) harmless(message string) string {
	for _, s := range l.secrets {
		message = strings.ReplaceAll(message, s, secret.Mask)
	}
	found := findCredentials(message)
	for _, at := range slices.Backward(found) {
		message = message[:at.start] + secret.Mask + message[at.end:]
	}
	return message
}

// The lengths from which on a value is kept out of messages: shorter ones would tear holes into
// words, and are no secrets.
const (
	minSecret  = 4 // of what is a secret by its place in the config
	minForeign = 8 // of any other value that came from outside, and of its words: it may be in the wrong place
)

// keepSecret keeps a value out of all messages.
func (l *loader) keepSecret(value string) {
	if len(value) >= minSecret {
		l.secrets = append(l.secrets, value)
	}
}
