package cycle_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"

	"watchdog/cycle"
	"watchdog/rules"
	"watchdog/snapshot"
)

// tape is a recording of replications, of which a tenth writes between two snapshots.
type tape struct {
	replications, left int
	at                 time.Time
	line               bytes.Buffer
}

func (t *tape) Read(p []byte) (int, error) {
	if t.line.Len() == 0 {
		if t.left == 0 {
			return 0, io.EOF
		}
		t.left--
		t.at = t.at.Add(30 * time.Second)
		t.write()
	}
	return t.line.Read(p)
}

const docRow = `{"database":"_replicator","doc_id":"replication-%04d","id":"%032x+continuous","node":"couchdb@127.0.0.1","source":"http://127.0.0.1:5984/source%d/","target":"http://127.0.0.1:5984/target%d/","state":"running","info":%s,"error_count":0,"last_updated":"2026-11-24T07:25:31Z","start_time":"2026-11-24T07:25:31Z","source_proxy":null,"target_proxy":null}`

const jobRow = `{"database":"_replicator","id":"%032x+continuous","pid":"<0.579.0>","source":"http://127.0.0.1:5984/source%d/","target":"http://127.0.0.1:5984/target%d/","user":null,"doc_id":"replication-%04d","info":%s,"history":[{"timestamp":"2026-11-24T07:25:31Z","type":"started"},{"timestamp":"2026-11-24T07:25:31Z","type":"added"}],"node":"couchdb@127.0.0.1","start_time":"2026-11-24T07:25:31Z"}`

const infoOf = `{"revisions_checked":%[1]d,"missing_revisions_found":%[1]d,"docs_read":%[1]d,"docs_written":%[1]d,"changes_pending":0,"doc_write_failures":0,"bulk_get_docs":%[1]d,"bulk_get_attempts":%[1]d,"checkpointed_source_seq":"%[1]d-g1AAAACbeJzLYWBgYMpgTmEQTM4vTc5ISXIwNDLXMwBCwxyQVCJDUv3","source_seq":"%[1]d-g1AAAACbeJzLYWBgYMpgTmEQTM4vTc5ISXIwNDLXMwBCwxyQVCJDUv3","through_seq":"%[1]d-g1AAAACbeJzLYWBgYMpgTmEQTM4vTc5ISXIwNDLXMwBCwxyQVCJDUv3"}`

func (t *tape) write() {
	info := func(i int) string {
		n := 200
		if i%10 == 0 {
			n = t.left
		}
		return fmt.Sprintf(infoOf, n)
	}
	w := &t.line
	fmt.Fprintf(w, `{"t":%q,"server":"prod","docs":{"total_rows":%d,"offset":0,"docs":[`, t.at.Format(time.RFC3339), t.replications)
	for i := range t.replications {
		if i > 0 {
			w.WriteByte(',')
		}
		fmt.Fprintf(w, docRow, i, i, i, i, info(i))
	}
	fmt.Fprintf(w, `]},"jobs":{"total_rows":%d,"offset":0,"jobs":[`, t.replications)
	for i := range t.replications {
		if i > 0 {
			w.WriteByte(',')
		}
		fmt.Fprintf(w, jobRow, i, i, i, i, info(i))
	}
	w.WriteString("]}}\n")
}

// BenchmarkReplay replays recorded snapshots of 200 replications through ten rules, making the
// recording left out. The metric that counts is how long 30 days at 30 s would take.
func BenchmarkReplay(b *testing.B) {
	const replications, month = 200, 30 * 24 * 60 * 2
	c := newCycle(b)
	var specs []rules.Spec
	for i := range 6 {
		specs = append(specs, rules.Spec{Name: fmt.Sprintf("more%d", i), When: fmt.Sprintf(`error_count > %d && crashes("1h") > 2`, i)})
	}
	c.Rules = rules.NewSet(rules.SetSpec{Rules: append(compile(b, specs...), compile(b, someSpecs()...)...)})
	state := cycle.NewState("prod")
	var lines bytes.Buffer
	const recorded = 200
	if _, err := io.Copy(&lines, &tape{replications: replications, left: recorded, at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(lines.Len()) / recorded)
	n := 0
	reader := snapshot.NewReader(bytes.NewReader(lines.Bytes()))
	for b.Loop() {
		if n == recorded {
			n, reader = 0, snapshot.NewReader(bytes.NewReader(lines.Bytes()))
		}
		n++
		snap, err := reader.Next()
		if err != nil {
			b.Fatal(err)
		}
		state.Apply(c.Step(state, snap, nil))
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*month, "s/30-days")
	b.ReportMetric(float64(b.N)*replications/b.Elapsed().Seconds(), "replications/s")
}
