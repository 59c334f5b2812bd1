package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"watchdog/alert"
	"watchdog/board"
	"watchdog/config"
	"watchdog/lease"
	"watchdog/notify"
	"watchdog/store"
	"watchdog/web"
)

// ownStore is the desk where no daemon is reached: the store of the config, opened beside one that
// may have it all the same, and that then hears of it within seconds.
type ownStore struct {
	s      *session
	cfg    *config.Config
	reader *store.DB
	writer *store.DB
}

// read opens the store for reading; nil where there is none yet, which is said.
func (o *ownStore) read() (_ *store.DB, err error) {
	if o.reader == nil {
		o.reader, err = o.s.openBeside(o.cfg.Store)
	}
	return o.reader, err
}

func (o *ownStore) write(ctx context.Context) (_ *store.DB, err error) {
	if o.writer == nil {
		o.writer, err = store.Open(ctx, o.cfg.Store, store.Options{Beside: true})
	}
	return o.writer, err
}

func (o *ownStore) close() error {
	var err error
	for _, kept := range []*store.DB{o.reader, o.writer} {
		if kept != nil {
			err = errors.Join(err, kept.Close())
		}
	}
	return err
}

func (o *ownStore) alerts(ctx context.Context) ([]web.Listed, error) {
	kept, err := o.read()
	if kept == nil {
		return nil, err
	}
	alerts, err := kept.Alerts(ctx)
	if err != nil {
		return nil, err
	}
	standing, err := kept.Standing(ctx, time.Now())
	if err != nil {
		return nil, err
	}
	slices.SortFunc(alerts, func(a, b alert.Alert) int { return board.Compare(&a, &b) })
	return listed(o.cfg, alerts, standing), nil
}

func (o *ownStore) acknowledge(ctx context.Context, fingerprint string, ack notify.Ack) (notify.Ack, error) {
	kept, err := o.write(ctx)
	if err != nil {
		return ack, err
	}
	return ack, kept.Acknowledge(ctx, fingerprint, ack)
}

func (o *ownStore) unacknowledge(ctx context.Context, fingerprint string) error {
	kept, err := o.write(ctx)
	if err != nil {
		return err
	}
	return kept.Unacknowledge(ctx, fingerprint)
}

func (o *ownStore) silences(ctx context.Context) ([]notify.Silence, error) {
	kept, err := o.read()
	if kept == nil {
		return nil, err
	}
	standing, err := kept.Standing(ctx, time.Now())
	if err != nil {
		return nil, err
	}
	return standing.Silences, nil
}

func (o *ownStore) silence(ctx context.Context, one *notify.Silence) (web.Silenced, error) {
	kept, err := o.write(ctx)
	if err != nil {
		return web.Silenced{}, err
	}
	err = kept.PutSilence(ctx, one)
	return web.NewSilenced(one, o.cfg.Vocabulary), err
}

func (o *ownStore) expire(ctx context.Context, id string) error {
	kept, err := o.write(ctx)
	if err != nil {
		return err
	}
	_, err = kept.ExpireSilence(ctx, id, now())
	if errors.Is(err, store.ErrNoSilence) {
		return fmt.Errorf("there is no silence %q", id)
	}
	return err
}

func (o *ownStore) deliveries(ctx context.Context, f store.DeliveryFilter) ([]store.Delivery, error) {
	kept, err := o.read()
	if kept == nil {
		return nil, err
	}
	return kept.Deliveries(ctx, f)
}

func (o *ownStore) delivery(ctx context.Context, id string) (*store.Delivery, error) {
	kept, err := o.read()
	if err != nil {
		return nil, err
	}
	if kept != nil {
		d, err := kept.Delivery(ctx, id)
		if !errors.Is(err, store.ErrNoDelivery) {
			return d, err
		}
	}
	return nil, fmt.Errorf("there is no delivery %q", id)
}

func (o *ownStore) retry(ctx context.Context, ids []string) error {
	kept, err := o.write(ctx)
	if err != nil {
		return err
	}
	return kept.RetryDead(ctx, now(), ids...)
}

func (o *ownStore) roster(ctx context.Context) (*lease.Roster, error) {
	kept, err := o.read()
	if kept == nil {
		return nil, err
	}
	return kept.Roster(ctx)
}

// now is this moment as the store keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
