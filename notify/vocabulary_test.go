package notify_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"watchdog/notify"
)

func TestVocabularyFindsWhatNoAlertFits(t *testing.T) {
	known := notify.NewVocabulary([]string{"replication-failed", "server-unreachable"}, []string{"prod", "dr"})
	known.Add(map[string]string{"team": "data"})
	known.Add(map[string]string{"team": "ops", "state": "odd"})
	for _, tt := range []struct {
		name  string
		match map[string][]string
		want  []string
	}{
		{"labels of every alert, and of some", map[string][]string{"doc_id": {"orders*"}, "state": {"failed"}, "team": {"o*"}}, nil},
		{"a label that none has", map[string][]string{"docid": {"orders"}}, []string{`match.docid: no alert has a label "docid"; did you mean "doc_id"?`}},
		{"a label like no other", map[string][]string{"x": {"y"}}, []string{`match.x: no alert has a label "x"; those there are: database, doc_id, rule, server, severity, source, state, target, team`}},
		{"a rule that is not there", map[string][]string{"rule": {"replication-faild"}}, []string{`match.rule: no alert has a rule that fits "replication-faild"; did you mean "replication-failed"?`}},
		{"one of two globs", map[string][]string{"server": {"prod", "test-*"}}, []string{`match.server: no alert has a server that fits "test-*"; those there are: dr, prod`}},
		{"a severity that is none", map[string][]string{"severity": {"page"}}, []string{`match.severity: no alert has a severity that fits "page"; those there are: critical, info, warning`}},
		{"a value that no rule and no server gives", map[string][]string{"team": {"dba"}}, []string{`match.team: no alert has a team that fits "dba"; those there are: data, ops`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, p := range known.Misfits(tt.match) {
				got = append(got, p.Field+": "+p.Message+"; "+p.Hint)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Misfits(%v) (-want +got):\n%s", tt.match, diff)
			}
		})
	}
	if got := notify.Vocabulary(nil).Misfits(map[string][]string{"any": {"thing"}}); got != nil {
		t.Errorf("what knows nothing finds %v", got)
	}
}
