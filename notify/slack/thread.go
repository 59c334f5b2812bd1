package slack

import (
	"context"
	"errors"

	slackapi "github.com/slack-go/slack"

	"watchdog/notify"
)

// Resume tells m in the post of its group, which memory knows: it changes the post, and adds what
// has happened to its thread, where all of the channel is called (reply_broadcast) by something
// that fires, and when all is over. A group without a post that can be changed gets one: at first,
// when it fires again after all of it had resolved, and when Slack refuses to change the old one.
//
// It gives the new memory; nil to keep the old one. Calls that may be seen twice come last, one of
// them in each delivery: a crash after Slack's answer can only repeat that one.
func (s *Sink) Resume(ctx context.Context, m *notify.Message, memory []byte) ([]byte, error) {
	if s.webhook != "" || m.Test {
		return nil, s.Send(ctx, m)
	}
	before := recall(memory, s.channel)
	after, told := before.step(m)
	way := before.Midway
	if way.Delivery != m.ID {
		way = midway{Delivery: m.ID}
	}
	if !told.fresh && !way.Refused {
		err := s.renew(ctx, m, &after, &told, &way)
		switch {
		case err == nil:
			return after.memory(), nil
		case !way.Refused:
			before.Midway = way
			return before.memory(), err
		}
	}
	post, err := s.call(ctx, "post", s.channel, slackapi.MsgOptionPost(), content(after.draw(m, s.app != "")))
	if err != nil {
		if before.TS == "" {
			return nil, err
		}
		before.Midway = way
		return before.memory(), err
	}
	after.Channel, after.ID, after.TS = s.channel, post.Channel, post.TS
	return after.memory(), nil
}

// renew changes the post of a card and adds to its thread, and notes how far it got.
func (s *Sink) renew(ctx context.Context, m *notify.Message, c *card, n *news, way *midway) error {
	if !way.Updated {
		if _, err := s.call(ctx, "post a change", c.ID, slackapi.MsgOptionUpdate(c.TS), content(c.draw(m, s.app != ""))); err != nil {
			way.Refused = forGood(err)
			return err
		}
		way.Updated = true
	}
	options := []slackapi.MsgOption{slackapi.MsgOptionPost(), slackapi.MsgOptionTS(c.TS), content(n.tell(m))}
	if n.loud() {
		options = append(options, slackapi.MsgOptionBroadcast())
	}
	if _, err := s.call(ctx, "reply in a thread", c.ID, options...); err != nil {
		way.Refused = forGood(err)
		return err
	}
	return nil
}

// forGood reports whether a post cannot be changed, or replied to, any more. An error of Slack's
// that is not known to pass is one: the alert is told in a new post, sooner than not at all.
func forGood(err error) bool {
	_, refused := errors.AsType[*notify.Refused](err)
	said, isSlack := errors.AsType[*named](err)
	return refused || isSlack && said.text != "" && !passing[said.text]
}
