package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// The configs of Prometheus and Alertmanager: as fast as they go, nothing waits for a group.
const (
	prometheusConfig = `global: {scrape_interval: %[1]s, scrape_timeout: %[1]s, evaluation_interval: %[1]s}
rule_files: ["%[2]s"]
alerting: {alertmanagers: [{static_configs: [{targets: ["%[3]s"]}]}]}
scrape_configs: [{job_name: couchdb, static_configs: [{targets: ["%[4]s"]}]}]
`
	prometheusRules = `groups:
  - name: replications
    rules:
      - {alert: ReplicationFailed, expr: 'couchdb_replication_state{state="failed"} == 1'}
`
	alertmanagerConfig = `route: {receiver: hook, group_by: [alertname, doc_id], group_wait: 0s, group_interval: 1s}
receivers: [{name: hook, webhook_configs: [{url: "%s"}]}]
`
)

// monitor starts the exporter, Alertmanager and Prometheus.
func (b *bench) monitor(ctx context.Context, tools map[string]string, f *fleet, r *receiver, every time.Duration) (*ensemble, error) {
	dir, err := os.MkdirTemp(b.scratch, "monitor-")
	if err != nil {
		return nil, err
	}
	var addrs [3]string
	for i := range addrs {
		if addrs[i], err = freeAddress(ctx); err != nil {
			return nil, err
		}
	}
	exporter, manager, prometheus := addrs[0], addrs[1], addrs[2]
	file := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{
		"rules.yml":        prometheusRules,
		"prometheus.yml":   fmt.Sprintf(prometheusConfig, every, file("rules.yml"), manager, exporter),
		"alertmanager.yml": fmt.Sprintf(alertmanagerConfig, r.url),
	} {
		if err := os.WriteFile(file(name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	program, err := b.compile(ctx, "bench/exporter")
	if err != nil {
		return nil, err
	}
	e := &ensemble{}
	for _, part := range []struct {
		addr, ready, name string
		args              []string
	}{
		{exporter, "/metrics", program, []string{exporter, f.url}},
		{manager, "/-/ready", tools["prometheus-alertmanager"], []string{
			"--config.file=" + file("alertmanager.yml"), "--storage.path=" + file("alerts"),
			"--web.listen-address=" + manager, "--cluster.listen-address=",
		}},
		{prometheus, "/-/ready", tools["prometheus"], []string{
			"--config.file=" + file("prometheus.yml"), "--storage.tsdb.path=" + file("tsdb"), "--web.listen-address=" + prometheus,
		}},
	} {
		p, err := b.launch(ctx, "http://"+part.addr, part.name, part.args...)
		if err == nil {
			e.processes = append(e.processes, p)
			err = p.await(ctx, "it served", 10*time.Millisecond, func() bool { return p.get(ctx, part.ready, nil) == nil })
		}
		if err != nil {
			e.stop()
			return nil, err
		}
	}
	return e, nil
}
