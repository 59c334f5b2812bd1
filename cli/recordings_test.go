package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/cli"
)

// Every form of a recording that was ever written is replayed to what was told of it then. Those in
// testdata/recordings are one for each thing that a line can hold, and, in record-N, what `record` of
// each release wrote that brought something new: two minutes of the demo. The next one is added as
//
//	watchdog record --every 7s --count 12 -o cli/testdata/recordings/record-N.ndjson.zst
//
// and what is told of it, in the file beside it that ends in .told, by WATCHDOG_UPDATE_SCRIPTS=1: the
// difference is the review. What is told of an old one never changes.
func TestEveryRecordingIsReplayed(t *testing.T) {
	const dir = "testdata/recordings/"
	files, err := filepath.Glob(dir + "*.ndjson*")
	if err != nil || len(files) < 9 {
		t.Fatalf("recordings: got %v, %v", files, err)
	}
	for _, file := range files {
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		t.Run(name, func(t *testing.T) {
			var out, said bytes.Buffer
			world := cli.IO{Stdout: &out, Stderr: &said, Stdin: strings.NewReader(""), Env: func(string) (string, bool) { return "", false }}
			if code := cli.Main(t.Context(), []string{"replay", "-o", "json", "--config", dir + "watchdog.yaml", file}, world); code != 0 {
				t.Fatalf("replay: got exit code %d: %s", code, said.String())
			}
			told := dir + name + ".told"
			if os.Getenv("WATCHDOG_UPDATE_SCRIPTS") != "" {
				if err := os.WriteFile(told, out.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(told)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out.String()); diff != "" {
				t.Errorf("replay %s (-want +got):\n%s", file, diff)
			}
		})
	}
}
