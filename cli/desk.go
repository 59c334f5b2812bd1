package cli

import (
	"context"

	"watchdog/alert"
	"watchdog/config"
	"watchdog/lease"
	"watchdog/notify"
	"watchdog/store"
	"watchdog/web"
)

// desk is where people read what Watchdog knows, and say what it is to heed: a running daemon, or
// the store itself where none runs.
type desk interface {
	// alerts are nil where there is no store yet, which has been said.
	alerts(ctx context.Context) ([]web.Listed, error)
	// acknowledge gives who has the alert then.
	acknowledge(ctx context.Context, fingerprint string, ack notify.Ack) (notify.Ack, error)
	unacknowledge(ctx context.Context, fingerprint string) error

	silences(ctx context.Context) ([]notify.Silence, error)
	// silence keeps a new silence; warnings say what in it fits no alert.
	silence(ctx context.Context, one *notify.Silence) (made web.Silenced, err error)
	expire(ctx context.Context, id string) error

	deliveries(ctx context.Context, f store.DeliveryFilter) ([]store.Delivery, error)
	delivery(ctx context.Context, id string) (*store.Delivery, error)
	retry(ctx context.Context, ids []string) error

	// roster is nil where there is no store yet, which has been said.
	roster(ctx context.Context) (*lease.Roster, error)

	// explain are the replications that fit what of names, "" being any.
	explain(ctx context.Context, of alert.Subject) ([]web.Explanation, error)

	close() error
}

// deskFlags say which daemon to speak to.
type deskFlags struct {
	URL string `name:"url" env:"WATCHDOG_URL" placeholder:"URL" help:"The daemon to ask, wherever it runs; WATCHDOG_TOKEN, or WATCHDOG_USERNAME and WATCHDOG_PASSWORD, let in. Default: that of the config, or its store where none runs."`
}

// use opens the desk and closes it after do: a daemon that is named, or one that runs by this
// config on this machine, or the store.
func (f *deskFlags) use(s *session, do func(desk) error) error {
	d, err := f.open(s)
	if err != nil {
		return err
	}
	defer d.close() //nolint:errcheck // what was written is committed
	return do(d)
}

func (f *deskFlags) open(s *session) (desk, error) {
	if f.URL != "" {
		return s.reachDaemon(f.URL)
	}
	cfg, err := s.load(s.configPath)
	if err != nil {
		return nil, err
	}
	if d := s.findDaemon(cfg); d != nil {
		return d, nil
	}
	return &ownStore{s: s, cfg: cfg}, nil
}

// listed adds to alerts of all servers what people should know beside them.
func listed(cfg *config.Config, alerts []alert.Alert, standing *notify.Standing) []web.Listed {
	if standing == nil {
		standing = &notify.Standing{}
	}
	muted := mutedBy(cfg.Router, alerts, standing)
	all := make([]web.Listed, len(alerts))
	for i, a := range alerts {
		a.URL = web.Link(cfg.ExternalURL, a.Fingerprint)
		all[i] = web.Listed{Alert: a, MutedBy: []string{}}
		if muted[i] != "" {
			all[i].MutedBy = []string{muted[i]}
		}
		if ack, said := standing.Acks[a.Fingerprint]; said && ack.Holds(&a) {
			all[i].AckedBy = ack.By
		}
	}
	return all
}
