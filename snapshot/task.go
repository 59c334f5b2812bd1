package snapshot

import (
	"encoding/json"
	"fmt"
)

// tasks reads an answer of /_active_tasks: the replication ids that have a task. One task that
// cannot be read makes the whole unknown, since it could be anyone's.
func (f *framer) tasks() (map[string]bool, error) {
	c, err := f.next()
	if err != nil {
		return nil, err
	}
	if c != '[' {
		return nil, f.notA("list")
	}
	ids := map[string]bool{}
	var odd error
	err = f.array(func(n int, data []byte) {
		id, err := taskID(data)
		if err != nil && odd == nil {
			odd = fmt.Errorf("row %d: %w", n, err)
		}
		if id != "" {
			ids[id] = true
		}
	})
	if err == nil {
		err = f.finish()
	}
	if err == nil {
		err = odd
	}
	if err != nil {
		return nil, err
	}
	return ids, nil
}

// taskID is the replication id of a task, "" where it is of another type.
func taskID(data []byte) (string, error) {
	if data == nil {
		return "", errTooLong
	}
	if id, ok := fastTaskID(data); ok {
		return id, nil
	}
	var task struct {
		Type          string  `json:"type"`
		ReplicationID *string `json:"replication_id"`
	}
	if err := json.Unmarshal(data, &task); err != nil {
		return "", err
	}
	if task.Type != "replication" {
		return "", nil
	}
	if task.ReplicationID == nil {
		return "", fmt.Errorf("a replication task without replication_id")
	}
	return *task.ReplicationID, nil
}

// fastTaskID is taskID of a replication whose task has the shape that CouchDB writes.
func fastTaskID(data []byte) (string, bool) {
	c := cursor{b: data}
	var kind, id []byte
	if !c.take('{') {
		return "", false
	}
	for {
		key, ok := c.key()
		switch {
		case !ok:
		case string(key) == "type":
			kind, ok = c.text()
		case string(key) == "replication_id":
			id, ok = c.text()
		default:
			ok = c.skip()
		}
		if !ok {
			return "", false
		}
		if !c.take(',') {
			return string(id), c.take('}') && c.atEnd() && string(kind) == "replication" && len(id) > 0
		}
	}
}
