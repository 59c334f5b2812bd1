package scheduler_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestParityTableNamesTestsThatExist reads docs/parity.md, whose rows name where each method and
// each test of python-cloudant has its counterpart.
func TestParityTableNamesTestsThatExist(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{} // by test
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		bodies := regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatchIndex(string(source), -1)
		for i, at := range bodies {
			end := len(source)
			if i+1 < len(bodies) {
				end = bodies[i+1][0]
			}
			sources[string(source[at[2]:at[3]])] = string(source[at[0]:end])
		}
	}
	table, err := os.ReadFile("../docs/parity.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test\\w+)`( ●)?").FindAllStringSubmatch(string(table), -1)
	if len(named) < 30 {
		t.Fatalf("docs/parity.md names %d tests, want all of its rows", len(named))
	}
	for _, name := range named {
		source, exists := sources[name[1]]
		switch both := strings.Contains(source, "onServers("); {
		case !exists:
			t.Errorf("docs/parity.md names %s, which is not here", name[1])
		case both != (name[2] != ""):
			t.Errorf("docs/parity.md marks %s as running on a real server: %v, want %v", name[1], !both, both)
		}
	}
}
