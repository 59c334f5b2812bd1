package alert_test

import (
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"watchdog/alert"
)

// A text fits its own pattern, and nothing else does.
func TestExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.StringOf(rapid.SampledFrom([]rune(`a*?\/é`)))
		text, other := letters.Draw(t, "text"), letters.Draw(t, "other")
		for _, one := range []string{text, other} {
			if got := alert.Exactly(text).Match(one); got != (one == text) {
				t.Fatalf("Exactly(%q).Match(%q): got %t", text, one, got)
			}
		}
	})
}

func TestGlob(t *testing.T) {
	tests := []struct {
		glob, text string
		want       bool
	}{
		{"orders", "orders", true},
		{"orders", "orders2", false},
		{"", "", true},
		{"", "x", false},
		{"*", "", true},
		{"*", "https://db.example.com/orders/", true},
		{"https://*/orders/", "https://db.example.com/a/orders/", true},
		{"*-dr", "orders-dr-dr", true},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "a-c-b", false},
		{"order?", "orders", true},
		{"order?", "order", false},
		{`team\*`, "team*", true},
		{`team\*`, "team1", false},
		{`end\`, `end`, false},
		{"søren*", "søren ☃", true},
	}
	for _, tt := range tests {
		if got := alert.Glob(tt.glob).Match(tt.text); got != tt.want {
			t.Errorf("Glob(%q).Match(%q): got %v, want %v", tt.glob, tt.text, got, tt.want)
		}
	}
}

// path.Match is the oracle where the two mean the same: no slash in the text, no brackets.
func TestGlobIsPathMatchWithoutSlashes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		glob := rapid.StringOf(rapid.SampledFrom([]rune("ab*?"))).Draw(t, "glob")
		text := rapid.StringOf(rapid.SampledFrom([]rune("ab"))).Draw(t, "text")
		want, err := path.Match(glob, text)
		if err != nil {
			t.Fatalf("path.Match(%q): %v", glob, err)
		}
		if got := alert.Glob(glob).Match(text); got != want {
			t.Fatalf("Glob(%q).Match(%q): got %v, want %v", glob, text, got, want)
		}
	})
}

func TestGlobTakesTimeInProportion(t *testing.T) {
	glob := alert.Glob(strings.Repeat("*a", 1000) + "b")
	if glob.Match(strings.Repeat("a", 20_000)) {
		t.Error("a text without b fits a glob that ends in b")
	}
}

func TestMatchers(t *testing.T) {
	labels := map[string]string{"server": "prod", "doc_id": "orders", "team": "data"}
	tests := []struct {
		name  string
		match map[string][]string
		want  bool
	}{
		{"nothing asked fits everything", nil, true},
		{"every label must fit", map[string][]string{"server": {"prod"}, "doc_id": {"inv*"}}, false},
		{"one glob of a label is enough", map[string][]string{"doc_id": {"inv*", "ord*"}}, true},
		{"a label that does not exist is empty", map[string][]string{"region": {""}}, true},
		{"a label that does not exist fits no word", map[string][]string{"region": {"eu"}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := alert.NewMatchers(tt.match).Match(func(label string) string { return labels[label] })
			if got != tt.want {
				t.Errorf("Match: got %v, want %v", got, tt.want)
			}
		})
	}
}
