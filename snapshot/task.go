package snapshot

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// task is the entry of a running replication in /_active_tasks. Its process writes the numbers
// there and into the info of its job at the same moment, both whenever they change, so that they
// are the same ones; but the tasks are read after the jobs (couch_replicator_scheduler_job:
// update_task/1).
type task struct {
	*Replication        // what it says: ID, PID, Node, and the numbers
	given        Fields // the numbers that it names, null included
	startedOn    int64  // seconds; with the pid it names one run on one node
}

// tasks reads an answer of /_active_tasks: the tasks by replication id. One task that cannot be
// read makes the whole unknown, since it could be anyone's. before are those of the look before.
func (f *framer) tasks(d *decoder, before map[string]*task) (map[string]*task, error) {
	c, err := f.next()
	if err != nil {
		return nil, err
	}
	if c != '[' {
		return nil, f.notA("list")
	}
	tasks := make(map[string]*task, len(before))
	var odd error
	err = f.array(func(n int, data []byte) {
		t, err := d.task(data, before)
		if err != nil && odd == nil {
			odd = fmt.Errorf("row %d: %w", n, err)
		}
		if t != nil {
			tasks[t.ID] = t
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
	return tasks, nil
}

// task is one task, nil where it is of another type than a replication.
func (d *decoder) task(data []byte, before map[string]*task) (*task, error) {
	if data == nil {
		return nil, errTooLong
	}
	t := &task{}
	d.row.reset()
	if !d.row.fastTask(data, t) {
		*t = task{}
		d.row.reset()
		if is, err := d.row.tolerantTask(data, t); !is {
			return nil, err
		}
	}
	var old *Replication
	if b := before[string(d.row.id)]; b != nil {
		old = b.Replication
	}
	t.Replication = d.replication("", nil, old, nil)
	return t, nil
}

// fastTask reads the task of a replication in the shape that CouchDB writes.
func (r *row) fastTask(data []byte, t *task) bool {
	c := cursor{b: data, scratch: r.scratch}
	defer func() { r.scratch = c.scratch }()
	var kind []byte
	if !c.take('{') {
		return false
	}
	for {
		key, ok := c.key()
		switch f, number := infoField(key); {
		case !ok:
		case number:
			t.given = t.given.With(f)
			ok = c.infoMember(key, r)
		case string(key) == "type":
			kind, ok = c.text()
		case string(key) == "replication_id":
			r.id, ok = c.text()
		case string(key) == "pid":
			ok = c.textOrNull(&r.pid)
		case string(key) == "node":
			ok = c.textOrNull(&r.node)
		case string(key) == "started_on":
			t.startedOn, ok = c.int()
		default:
			ok = c.skip()
		}
		if !ok {
			return false
		}
		if !c.take(',') {
			return c.take('}') && c.atEnd() && string(kind) == "replication" && len(r.id) > 0
		}
	}
}

// tolerantTask reads any task, and reports whether it is one of a replication.
func (r *row) tolerantTask(data []byte, t *task) (bool, error) {
	var kind struct {
		Type          string  `json:"type"`
		ReplicationID *string `json:"replication_id"`
	}
	if err := json.Unmarshal(data, &kind); err != nil {
		return false, err
	}
	if kind.Type != "replication" {
		return false, nil
	}
	if kind.ReplicationID == nil {
		return false, fmt.Errorf("a replication task without replication_id")
	}
	var members object
	if err := json.Unmarshal(data, &members); err != nil {
		return false, err
	}
	r.id = []byte(*kind.ReplicationID)
	r.pid, r.node = jsonText(members["pid"]), jsonText(members["node"])
	t.startedOn, _ = strconv.ParseInt(string(members["started_on"]), 10, 64) // 0: it names no run
	r.tolerantNumbers(members)
	for key := range members {
		if f, ok := infoField([]byte(key)); ok {
			t.given = t.given.With(f)
		}
	}
	return true, nil
}

// lastWord is what a job's row says, with the numbers of its task, which was read later. They are
// taken while the row and the task are of one process, and where the task has all that the row
// has: from its first report on, which is the first to name through_seq.
func (t *task) lastWord(job *Replication) *Replication {
	if !job.Has(FieldPID) || job.PID != t.PID || !t.given.Has(FieldThroughSeq) || !t.given.Contains(job.Known&runFields) {
		return job
	}
	later := *job
	later.take(&Replication{}, runFields)
	later.Known &^= runFields
	later.take(t.Replication, t.Known&runFields)
	if later.Known == job.Known && later.sameNumbers(job) {
		return job
	}
	return &later
}

// sameRun reports whether both are the same process.
func (t *task) sameRun(o *task) bool {
	return o != nil && t.startedOn != 0 && t.startedOn == o.startedOn && t.PID == o.PID && t.Node == o.Node && t.Has(FieldPID)
}
