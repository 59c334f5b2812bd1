package notify_test

import (
	"testing"

	"watchdog/notify"
)

func TestProgressGoesOnWithTheSameMessageOnly(t *testing.T) {
	m, other := &notify.Message{ID: "dlv_a"}, &notify.Message{ID: "dlv_b"}
	p := notify.ResumeProgress(m, nil)
	if p.Memory() != nil {
		t.Errorf("Memory of nothing: got %s, want nil", p.Memory())
	}
	p.Did("first")
	for _, c := range []struct {
		name   string
		m      *notify.Message
		memory []byte
		want   bool
	}{
		{"the same message goes on", m, p.Memory(), true},
		{"another message begins anew", other, p.Memory(), false},
		{"what cannot be read begins anew", m, []byte("{"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := notify.ResumeProgress(c.m, c.memory).Has("first"); got != c.want {
				t.Errorf("Has(first): got %v, want %v", got, c.want)
			}
		})
	}
}
