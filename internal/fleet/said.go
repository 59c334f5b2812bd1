//go:build linux

package fleet

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
)

// words are what a process logged of leases. The last line of one that was killed may be half one.
func (p *process) words() (all []Word, err error) {
	said, err := os.ReadFile(p.log)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(bytes.NewReader(said))
	for lines.Scan() {
		var line struct {
			Msg   string
			Lease string
			Epoch int64
		}
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Lease != "" {
			all = append(all, Word{p.name, line.Msg, line.Lease, line.Epoch})
		}
	}
	return all, lines.Err()
}
