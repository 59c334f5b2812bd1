package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// results are what benchmarks reported: by name, as "ReadDocs/docs-2", the value of each unit.
type results map[string]map[string]float64

// goTest runs benchmarks that stand beside the code which they measure. Of several runs of one
// the best counts, as says the unit that is a rate, or ns/op: this machine has others to serve.
func (b *bench) goTest(ctx context.Context, pkg, pattern string, args ...string) (results, error) {
	args = append([]string{"test", pkg, "-run", "^$", "-bench", pattern, "-benchtime", pick(b, "500ms", "1x"), "-count", pick(b, "3", "1")}, args...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = b.root
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return parse(out), nil
}

// reported is a line of a benchmark: its name, how often it ran, and values with their units.
var reported = regexp.MustCompile(`^Benchmark(\S+)\s+\d+\s+(.*)$`)

func parse(out []byte) results {
	all := results{}
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		found := reported.FindStringSubmatch(s.Text())
		if found == nil {
			continue
		}
		values := map[string]float64{}
		fields := strings.Fields(found[2])
		for i := 0; i+1 < len(fields); i += 2 {
			if v, err := strconv.ParseFloat(fields[i], 64); err == nil {
				values[fields[i+1]] = v
			}
		}
		if best := all[found[1]]; best == nil || better(values, best) {
			all[found[1]] = values
		}
	}
	return all
}

// better compares two runs of one benchmark by a rate if they have one, or by ns/op.
func better(a, b map[string]float64) bool {
	for unit, v := range a {
		if strings.HasSuffix(unit, "/s") {
			return v > b[unit]
		}
	}
	return a["ns/op"] < b["ns/op"]
}

// of is one value. Go leaves the number of cores out of a name where it is 1.
func (r results) of(name, unit string) (float64, error) {
	v, found := r[name][unit]
	if !found {
		return 0, fmt.Errorf("no benchmark reported %s of %s", unit, name)
	}
	return v, nil
}
