package soak

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// patience is how long the daemon may take to start, to answer and to stop: the machine may be busy.
const patience = 2 * time.Minute

// daemon is the process that is watched.
type daemon struct {
	cmd    *exec.Cmd
	url    string // of its page
	client *http.Client
	said   *journal
	ended  chan struct{}
	err    error // how it ended
}

// journal waits for the address of the page, and keeps the end of what is said.
type journal struct {
	mu      sync.Mutex // guards the rest
	said    []byte
	address chan string // nil once it is known
}

// keep is how much of a journal is kept.
const keep = 1 << 16

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.said = append(j.said, b...)
	for j.address != nil {
		line, rest, whole := bytes.Cut(j.said, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		var entry struct{ Msg, URL string }
		if json.Unmarshal(line, &entry) == nil && entry.Msg == "the page is open" {
			j.address <- entry.URL
			j.address = nil
			break
		}
		j.said = rest
	}
	if len(j.said) > 2*keep {
		j.said = bytes.Clone(j.said[len(j.said)-keep:])
	}
	return len(b), nil
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return string(j.said[max(0, len(j.said)-keep):])
}

// start runs the daemon, and waits until it has a page.
func start(ctx context.Context, o Options, config string) (*daemon, error) {
	address := make(chan string, 1)
	d := &daemon{
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}, Timeout: patience},
		said:   &journal{address: address}, ended: make(chan struct{}),
	}
	d.cmd = exec.CommandContext(ctx, o.Command[0], append(o.Command[1:len(o.Command):len(o.Command)],
		"run", "--log-format", "json", "--config", config)...)
	d.cmd.Env = append(append(os.Environ(), fmt.Sprint("GOGC=", gogc)), o.Env...)
	d.cmd.Stderr = d.said
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		d.err = d.cmd.Wait()
		close(d.ended)
	}()
	select {
	case d.url = <-address:
		d.url = strings.TrimSuffix(d.url, "/")
		return d, nil
	case <-time.After(patience):
		return nil, errors.Join(fmt.Errorf("the daemon has no page yet; it said:\n%s", d.said), d.kill())
	case <-d.ended:
		return nil, fmt.Errorf("the daemon did not start: %w; it said:\n%s", d.err, d.said)
	}
}

// stop ends it as a service manager does.
func (d *daemon) stop() error {
	d.client.CloseIdleConnections()
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	select {
	case <-d.ended:
		return d.err
	case <-time.After(patience):
		return errors.Join(errors.New("the daemon does not stop"), d.kill())
	}
}

func (d *daemon) kill() error {
	err := d.cmd.Process.Kill()
	<-d.ended
	return err
}

// ask sends a request to the daemon and reads the whole answer.
func (d *daemon) ask(ctx context.Context, method, path, body string) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, d.url+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// look is what its own metrics say of it.
func (d *daemon) look(ctx context.Context) (map[string]float64, error) {
	status, text, err := d.ask(ctx, http.MethodGet, "/metrics", "")
	if err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("ask for metrics: status %d: %w", status, err)
	}
	seen := sums(text)
	return map[string]float64{
		heap:        seen["go_memstats_next_gc_bytes"] / (1 + gogc/100.),
		resident:    seen["process_resident_memory_bytes"],
		goroutines:  seen["go_goroutines"],
		threads:     seen["go_threads"],
		descriptors: seen["process_open_fds"],
		metrics:     float64(bytes.Count(text, []byte("\n"))),
		decisions:   seen["watchdog_transitions_total"],
	}, nil
}

// sums adds up each metric over its labels.
func sums(text []byte) map[string]float64 {
	all := map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if cut := strings.LastIndexByte(lines.Text(), ' '); cut >= 0 {
			value = lines.Text()[cut+1:]
		}
		name, _, _ = strings.Cut(name, "{")
		if n, err := strconv.ParseFloat(value, 64); err == nil && name != "#" {
			all[name] += n
		}
	}
	return all
}
