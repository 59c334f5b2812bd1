package sinktest

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Golden compares what a sink says with what is kept in a file, or writes it anew.
func Golden(t *testing.T, file string, got []byte, update bool) {
	t.Helper()
	got = append(got, '\n')
	if update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
