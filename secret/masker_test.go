package secret_test

import (
	"testing"

	"watchdog/secret"
)

func TestMasker(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values []string
		text   string
		want   string
	}{
		{"a value is masked wherever it stands", []string{"hunter2"}, "hunter2: no hunter2", "*****: no *****"},
		{"as it is written in a query", []string{"a b&c"}, "?t=a+b%26c", "?t=*****"},
		{"as it is written in a path", []string{"a b/c"}, "/a%20b%2Fc/", "/*****/"},
		{"the longer one wins", []string{"key", "key-of-mine"}, "key-of-mine and key", "***** and *****"},
		{"what is too short to be a secret stays", []string{"ab", ""}, "cab", "cab"},
		{"no value", nil, "text", "text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := secret.Masker(tt.values...).Replace(tt.text); got != tt.want {
				t.Errorf("Masker(%q).Replace(%q): got %q, want %q", tt.values, tt.text, got, tt.want)
			}
		})
	}
}
