package snapshot

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// DecodeAnswer reads the answer to asking for one document, a row of /_scheduler/docs, or for
// one transient job, a row of /_scheduler/jobs. Where CouchDB gives no state, since nobody
// works on the document yet, the answer tells nothing.
func DecodeAnswer(key Key, row []byte) (Answer, error) {
	r, err := decodeAnswer(key, row)
	if err != nil {
		return Answer{}, fmt.Errorf("read the answer about %s: %w", key.Path(), err)
	}
	if !r.Has(FieldState) {
		return Answer{}, nil
	}
	return Answer{Replication: r}, nil
}

func decodeAnswer(key Key, data []byte) (*Replication, error) {
	d := decoder{names: names{}}
	if err := d.row.read(data); err != nil {
		return nil, err
	}
	name := d.row.docID
	if key.Database == TransientDatabase {
		name = d.row.id
	}
	switch {
	case len(name) == 0:
		if refused := (&refusal{}); json.Unmarshal(data, refused) == nil && refused.Name != "" {
			return nil, refused
		}
		return nil, errors.New("it names no replication")
	case string(name) != key.DocID:
		return nil, fmt.Errorf("it is about %q", name)
	}
	r := d.replication(key.Database, name, nil, nil)
	if key.Database == TransientDatabase {
		deriveFromJob(r)
	}
	return document(r), nil
}

// WithAnswers is s with more answers to asking for single documents, the latest word on their
// replications. Where the listings showed one it now is as the answer says, or is gone where
// the answer is that it is missing; the answers about the others are in Asked. So a replication
// is in Replications or in Asked, never in both. s does not change.
func (s *Snapshot) WithAnswers(answers map[Key]Answer) *Snapshot {
	c := *s
	if len(answers) == 0 {
		return &c
	}
	c.Asked = make(map[Key]Answer, len(s.Asked)+len(answers))
	maps.Copy(c.Asked, s.Asked)
	c.Replications = slices.Clone(s.Replications)
	for key, answer := range answers {
		i, listed := slices.BinarySearchFunc(s.Replications, key, func(r *Replication, key Key) int {
			return r.Key.Compare(key)
		})
		switch {
		case listed && answer.Missing:
			c.Replications[i] = nil
			c.Asked[key] = answer
		case listed && answer.Replication != nil:
			c.Replications[i] = s.sourced(overlay(s.Replications[i], answer.Replication))
		case listed: // it told nothing
		case answer.Replication != nil:
			c.Asked[key] = Answer{Replication: s.sourced(answer.Replication)}
		default:
			c.Asked[key] = answer
		}
	}
	c.Replications = slices.DeleteFunc(c.Replications, func(r *Replication) bool { return r == nil })
	return &c
}

// sourced is r with the pending changes that its source told, where r has none.
func (s *Snapshot) sourced(r *Replication) *Replication {
	if s.look == nil || r.Has(FieldChangesPending) {
		return r
	}
	pending, ok := s.look.pending[r.Key]
	if !ok {
		return r
	}
	with := *r
	with.ChangesPending, with.Known = pending, r.Known.With(FieldChangesPending)
	return &with
}
