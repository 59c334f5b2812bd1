package notify

import (
	"encoding/json"
	"slices"
)

// Progress is how far one message has got with a sink that tells it in several steps: which are
// done, by names of the sink's own. The sink hands it from one attempt to the next as the memory
// of the message's thread, so a repeat goes on where the last attempt stopped.
type Progress struct {
	ID   string   `json:"id"`
	Done []string `json:"done"`
}

// ResumeProgress takes up the memory that the last attempt left; it begins anew when that was of
// another message, or cannot be read.
func ResumeProgress(m *Message, memory []byte) *Progress {
	var p Progress
	if err := json.Unmarshal(memory, &p); err != nil || p.ID != m.ID {
		return &Progress{ID: m.ID}
	}
	return &p
}

// Has reports whether a step is done.
func (p *Progress) Has(step string) bool { return slices.Contains(p.Done, step) }

// Did notes that a step is done.
func (p *Progress) Did(step string) { p.Done = append(p.Done, step) }

// Memory is p for the next attempt; nil when there is nothing to remember.
func (p *Progress) Memory() []byte {
	if len(p.Done) == 0 {
		return nil
	}
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // of strings
	}
	return b
}
