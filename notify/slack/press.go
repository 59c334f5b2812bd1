package slack

import (
	"encoding/json"
	"slices"
	"time"

	"watchdog/alert"
	"watchdog/notify"
)

// silenceFor is how long a silence by button lasts.
const silenceFor = time.Hour

// Press is a button that somebody pressed.
type Press struct {
	Sink   string // by its name in the config
	Thread string // of the outbox: whose memory is the card
	Action string // of the button
	TS     string // of the post it stands in
	By     string // who pressed it, as "@anna"
	At     time.Time
}

// Deed is what is to be done for a press, or why nothing is.
type Deed struct {
	Acks     map[string]notify.Ack // by fingerprint
	Silences []notify.Silence      // without ids
	Answer   string                // for who pressed, in Slack's markup; "" where the post will say it
}

// Fired are the fingerprints of what fires by a card, as its memory has it; false when the press is
// not of the post that is kept up to date.
func (p *Press) Fired(memory []byte) (fingerprints []string, current bool) {
	var c card
	if err := json.Unmarshal(memory, &c); err != nil || c.TS != p.TS {
		return nil, false
	}
	for i := range c.Entries {
		if c.Entries[i].Status == alert.StatusFiring {
			fingerprints = append(fingerprints, c.Entries[i].Fingerprint)
		}
	}
	return fingerprints, true
}

// Decide is what a press does to alerts, which fire and of which said tells what people have said
// before. Only those are touched for which it says something new.
func (p *Press) Decide(firing []alert.Alert, said func(*alert.Alert) notify.Said) Deed {
	if len(firing) == 0 {
		return Deed{Answer: "Nothing of this message fires any more."}
	}
	var already notify.Said
	var touched []alert.Alert
	for i := range firing {
		if s := said(&firing[i]); p.new(s) {
			touched = append(touched, firing[i])
		} else {
			already = s
		}
	}
	switch {
	case len(touched) == 0 && p.Action == actionAck:
		return Deed{Answer: "Already acknowledged by " + plain(already.AckedBy, 100) + " " + clock(already.AckedAt) + "."}
	case len(touched) == 0 && already.SilencedUntil.IsZero():
		return Deed{Answer: "Already silenced by " + plain(already.SilencedBy, 100) + " until it resolves."}
	case len(touched) == 0:
		return Deed{Answer: "Already silenced by " + plain(already.SilencedBy, 100) + " until " + date(already.SilencedUntil) + "."}
	case p.Action == actionSilenceHour:
		return Deed{Silences: p.silences(touched)}
	case p.Action == actionAck, p.Action == actionSilenceOver:
		deed := Deed{Acks: map[string]notify.Ack{}}
		for i := range touched {
			deed.Acks[touched[i].Fingerprint] = notify.Ack{
				By: p.By, At: p.At, Comment: "by a button in Slack", Mute: p.Action == actionSilenceOver, StartsAt: touched[i].StartsAt,
			}
		}
		return deed
	default:
		return Deed{Answer: "This Watchdog does not know that button."}
	}
}

// new reports whether the press says something of an alert that is not said already. A silence
// that has hardly begun is the same one, pressed twice.
func (p *Press) new(said notify.Said) bool {
	forGood := said.SilencedBy != "" && said.SilencedUntil.IsZero()
	switch p.Action {
	case actionAck:
		return said.AckedBy == ""
	case actionSilenceHour:
		return !forGood && said.SilencedUntil.Before(p.At.Add(silenceFor-time.Minute))
	default:
		return !forGood
	}
}

// maxQuoted is how many documents one silence names; the bounds of silences allow no more.
const maxQuoted = 32

// silences are silences of exactly these alerts: one for those that differ in the document only.
func (p *Press) silences(of []alert.Alert) []notify.Silence {
	type kind struct{ server, rule, database string }
	var order []kind
	docs := map[kind][]string{}
	for i := range of {
		k := kind{of[i].Server, of[i].Rule, of[i].Database}
		if docs[k] == nil {
			order = append(order, k)
		}
		docs[k] = append(docs[k], of[i].DocID)
	}
	var all []notify.Silence
	for _, k := range order {
		for some := range slices.Chunk(docs[k], maxQuoted) {
			all = append(all, notify.Silence{
				Match: match(k.server, k.rule, k.database, some), StartsAt: p.At, EndsAt: p.At.Add(silenceFor),
				CreatedBy: p.By, Comment: "by a button in Slack",
			})
		}
	}
	return all
}

// match fits the alerts of a rule for some documents, or, without a database, for the server.
func match(server, rule, database string, docIDs []string) map[string][]string {
	globs := map[string][]string{"server": {string(alert.Exactly(server))}, "rule": {string(alert.Exactly(rule))}}
	if database == "" {
		return globs
	}
	globs["database"] = []string{string(alert.Exactly(database))}
	for _, id := range docIDs {
		globs["doc_id"] = append(globs["doc_id"], string(alert.Exactly(id)))
	}
	return globs
}
