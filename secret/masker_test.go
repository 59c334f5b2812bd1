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
		{"as Go writes it in JSON", []string{`a"b&c\d`}, `{"t":"a\"b\u0026c\\d"}`, `{"t":"*****"}`},
		{"as others write it in JSON", []string{`a"b&c\d`}, `{"t":"a\"b&c\\d"}`, `{"t":"*****"}`},
		{"as Python writes it in JSON", []string{"aé/b😀"}, `{"t":"a\u00e9/b\ud83d\ude00"}`, `{"t":"*****"}`},
		{"as PHP writes it in JSON", []string{"aé/b+c="}, `{"t":"a\u00e9\/b+c="}`, `{"t":"*****"}`},
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
