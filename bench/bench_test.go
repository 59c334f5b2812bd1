package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEachPartHasItsPlaceOnThePage(t *testing.T) {
	page, err := os.ReadFile("../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts() {
		if _, err := fill(page, p.name, ""); err != nil {
			t.Errorf("fill %s: %v", p.name, err)
		}
	}
	if _, err := fill(page, "goals", ""); err != nil {
		t.Errorf("fill goals: %v", err)
	}
}

func TestFillChangesWhatIsBetweenTheMarksAlone(t *testing.T) {
	page := "prose\n<!-- measured: told -->\nold\n<!-- end of told -->\nmore\n"
	got, err := fill([]byte(page), "told", "new\n")
	if want := strings.Replace(page, "\nold\n", "\nnew\n", 1); err != nil || string(got) != want {
		t.Errorf("fill: got %q and %v, want %q", got, err, want)
	}
	if _, err := fill([]byte(page), "start", "new\n"); err == nil {
		t.Error("fill of a name that has no place: got no error")
	}
}

func TestTheBestOfSeveralRunsCounts(t *testing.T) {
	got := parse([]byte("goos: linux\n" +
		"BenchmarkReadDocs/docs-2 \t 5\t 300 docs/s\t 2.0 allocs/doc\n" +
		"BenchmarkReadDocs/docs-2 \t 5\t 500 docs/s\t 2.5 allocs/doc\n" +
		"BenchmarkClaim 100\t 90 ns/op\nBenchmarkClaim 100\t 80 ns/op\nPASS\n"))
	want := results{
		"ReadDocs/docs-2": {"docs/s": 500, "allocs/doc": 2.5},
		"Claim":           {"ns/op": 80},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parse (-want +got):\n%s", diff)
	}
}

func TestTheVerdictsAreOfAllPartsThatWereMeasured(t *testing.T) {
	got := verdicts(map[string]stand{
		"start": {"2026-11-24", "here", []goal{{"a start", "4 s", false}}},
		"told":  {"2026-11-23", "there", []goal{{"a failure", "50 ms", true}}},
	})
	want := "| goal | measured | verdict |\n| --- | ---: | ---: |\n" +
		"| a failure | 50 ms | reached |\n| a start | 4 s | **missed** |\n\n" +
		"| part | measured | machine |\n| --- | ---: | ---: |\n" +
		"| told | 2026-11-23 | there |\n| start | 2026-11-24 | here |\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}

func TestNinetyNineOfAHundredLeaveOneOut(t *testing.T) {
	for n, want := range map[int]int{1: 0, 3: 2, 100: 98, 200: 197} {
		if got := most(n); got != want {
			t.Errorf("most(%d): got %d, want %d", n, got, want)
		}
	}
}

func TestNumbersAreShort(t *testing.T) {
	for v, want := range map[float64]string{1234567: "1,234,567", 99.7: "100", 12.34: "12", 1.234: "1.2", 0.567: "0.57", 0.0123: "0.012", 0: "0"} {
		if got := short(v); got != want {
			t.Errorf("short(%v): got %q, want %q", v, got, want)
		}
	}
}

func TestAChartIsXMLAndHoldsItsLines(t *testing.T) {
	c := chart{title: "a < b", x: "n", logX: true, logY: true, series: []series{{"one & two", []point{{10, 1}, {1000, 25}}}}}
	drawn := string(c.svg())
	for d := xml.NewDecoder(strings.NewReader(drawn)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("svg: %v\n%s", err, drawn)
		}
	}
	// The least and the greatest x are at the ends of the axis; 25 is 0.7 of the way from 1 to 100.
	for _, want := range []string{"a &lt; b", "one &amp; two", "M64.0 276.0L704.0 111.0"} {
		if !strings.Contains(drawn, want) {
			t.Errorf("svg: no %q in\n%s", want, drawn)
		}
	}
}
