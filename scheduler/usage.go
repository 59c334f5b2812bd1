package scheduler

import (
	"context"
	"io"
	"sync/atomic"

	"watchdog/snapshot"
)

// usage counts what is asked of servers under one context.
type usage struct {
	requests atomic.Int64
	bytes    atomic.Int64 // of the bodies of answers, as they are read
}

// usageKey is the key of a usage in a context.
type usageKey struct{}

func withUsage(ctx context.Context) (context.Context, *usage) {
	u := new(usage)
	return context.WithValue(ctx, usageKey{}, u), u
}

func (u *usage) total() snapshot.Usage {
	return snapshot.Usage{Requests: int(u.requests.Load()), Bytes: u.bytes.Load()}
}

// count notes a request, and gives the body of its answer so that what is read of it counts.
func count(ctx context.Context, body io.ReadCloser) io.ReadCloser {
	u, counts := ctx.Value(usageKey{}).(*usage)
	if !counts {
		return body
	}
	u.requests.Add(1)
	if body == nil {
		return nil
	}
	return &countedBody{body, u}
}

type countedBody struct {
	io.ReadCloser
	usage *usage
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.usage.bytes.Add(int64(n))
	return n, err
}
