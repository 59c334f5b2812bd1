package slack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	slackapi "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"golang.org/x/time/rate"

	"watchdog/secret"
)

// ButtonsOptions are what Buttons need beside their config.
type ButtonsOptions struct {
	// Pressed does what a button says, and gives what is to be answered to who pressed it and
	// nobody else; "" for nothing. Its context ends before Slack's patience does.
	Pressed func(ctx context.Context, p Press) (answer string)
	Log     *slog.Logger // may be nil
	Client  *http.Client // nil means one that gives up after half a minute
}

// Buttons hear what people press in the posts of one app, over Socket Mode: a connection that
// Watchdog opens to Slack, so that nothing has to reach it from outside.
type Buttons struct {
	opt    ButtonsOptions
	client *socketmode.Client
	hide   *strings.Replacer
	heard  bool // the connection stands, and that was logged
	lost   bool // it cannot be opened, and that was logged
}

const (
	// pressTimeout is for what a press does. Slack tells people that an app did not answer after
	// three seconds.
	pressTimeout = 2500 * time.Millisecond
	maxPress     = 4 << 20 // bytes: a press repeats the whole post
	// connectEvery is how often a connection is opened in the long run, whatever ends it: slack-go
	// waits after one that could not be opened, and not at all after one that was closed at once.
	connectEvery = 10 * time.Second
	connectBurst = 5
)

// NewButtons makes what hears the buttons of an app, from a config with an app token.
func NewButtons(c Config, o ButtonsOptions) *Buttons {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	o.Client = cmp.Or(o.Client, &http.Client{Timeout: 30 * time.Second})
	patient := *o.Client
	patient.Transport = &patience{next: o.Client.Transport, limit: rate.NewLimiter(rate.Every(connectEvery), connectBurst)}
	use := []slackapi.Option{slackapi.OptionAppLevelToken(c.AppToken.Reveal()), slackapi.OptionHTTPClient(&patient)}
	if c.APIURL != "" {
		use = append(use, slackapi.OptionAPIURL(strings.TrimSuffix(c.APIURL, "/")+"/"))
	}
	return &Buttons{
		opt: o, hide: hider(c.AppToken.Reveal()),
		client: socketmode.New(slackapi.New("", use...), socketmode.OptionReadLimit(maxPress)),
	}
}

// Run hears buttons until ctx ends, connecting again and again. A token that Slack does not take is
// logged, and ends it: everything else goes on without buttons.
func (b *Buttons) Run(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- b.client.RunContext(ctx) }()
	for {
		select {
		case e := <-b.client.Events:
			if err := b.hear(ctx, e); err != nil {
				b.giveUp(err)
				stop()
			}
		case err := <-ended:
			if ctx.Err() == nil {
				b.giveUp(err)
			}
			return
		}
	}
}

// giveUp logs why there are no buttons.
func (b *Buttons) giveUp(err error) {
	b.opt.Log.Error("the buttons in Slack do not work: "+
		"app_token must be an app-level token with the scope connections:write, of an app that has Socket Mode switched on", "err", b.shown(err))
}

// hear takes one event of the connection. Its error says that there will never be one.
func (b *Buttons) hear(ctx context.Context, e socketmode.Event) error {
	switch data := e.Data.(type) {
	case *slackapi.ConnectionErrorEvent:
		if said, ok := errors.AsType[slackapi.SlackErrorResponse](data.ErrorObj); ok && permanent[said.Err] != "" {
			return data.ErrorObj
		}
		if !b.lost {
			b.opt.Log.Warn("the buttons in Slack are not heard", "retry_at", time.Now().Add(data.Backoff), "err", b.shown(data.ErrorObj))
		}
		b.heard, b.lost = false, true
	case slackapi.InteractionCallback:
		b.interaction(ctx, e, &data)
	default:
		if e.Type == socketmode.EventTypeHello && !b.heard {
			b.heard, b.lost = true, false
			b.opt.Log.Info("the buttons in Slack are heard")
		}
	}
	return nil
}

// interaction does what a button says, then tells Slack that it is done. What was cut off before
// that shows to who pressed as an error, so they press again.
func (b *Buttons) interaction(ctx context.Context, e socketmode.Event, c *slackapi.InteractionCallback) {
	answer := ""
	for _, action := range c.ActionCallback.BlockActions {
		var from origin
		if err := json.Unmarshal([]byte(action.Value), &from); err != nil {
			continue // a button of something else, as a link
		}
		doing, done := context.WithTimeout(ctx, pressTimeout)
		answer = b.opt.Pressed(doing, Press{
			Sink: from.Sink, Thread: from.Thread, Action: action.ActionID, By: person(&c.User),
			TS: cmp.Or(c.Container.MessageTs, c.Message.Timestamp), At: time.Now().UTC().Truncate(time.Microsecond),
		})
		done()
	}
	if e.Request != nil {
		if err := b.client.AckCtx(ctx, e.Request.EnvelopeID, nil); err != nil && ctx.Err() == nil {
			b.opt.Log.Warn("a press could not be confirmed", "err", b.shown(err))
		}
	}
	if answer == "" || c.ResponseURL == "" {
		return
	}
	if err := b.answer(ctx, c.ResponseURL, answer); err != nil && ctx.Err() == nil {
		b.opt.Log.Warn("a press could not be answered", "err", b.shown(err))
	}
}

// person is who pressed, by the name that others see.
func person(u *slackapi.User) string { return "@" + cmp.Or(u.Name, u.ID, "somebody") }

// answer says something to who pressed, and to nobody else. Whoever has the address can do so, so
// it is in no error.
func (b *Buttons) answer(ctx context.Context, address, text string) error {
	ctx, done := context.WithTimeout(ctx, pressTimeout)
	defer done()
	body, err := json.Marshal(map[string]any{"response_type": "ephemeral", "replace_original": false, "text": text})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return errors.New("this is no address to answer to")
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := b.opt.Client.Do(request)
	if err != nil {
		return unwrapURL(err)
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxReason)
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("answer a press: %s", response.Status)
	}
	return nil
}

// shown is an error without secrets. The address of a socket holds a ticket for it.
func (b *Buttons) shown(err error) string {
	text := b.hide.Replace(secret.MaskURLs(unwrapURL(err).Error()))
	if before, _, found := strings.Cut(text, "ticket="); found {
		text = before + "ticket=" + secret.Mask
	}
	return text
}

// patience waits for its turn before each request.
type patience struct {
	next  http.RoundTripper
	limit *rate.Limiter
}

func (p *patience) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := p.limit.Wait(request.Context()); err != nil {
		return nil, err
	}
	if p.next == nil {
		return http.DefaultTransport.RoundTrip(request)
	}
	return p.next.RoundTrip(request)
}
