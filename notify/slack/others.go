package slack

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	slackapi "github.com/slack-go/slack"

	"watchdog/alert"
	"watchdog/notify"
)

// labels are an alert's own, in one line.
func labels(of map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		parts = append(parts, name+"="+of[name])
	}
	return plain(strings.Join(parts, ", "), 300)
}

// others names the alerts that are not shown: "and 287 more", then by what happened to them as
// many names as there is room for.
func others(rest []alert.Transition, page string) slackapi.Attachment {
	title := fmt.Sprintf("and %d more", len(rest))
	lines := []string{"*" + title + "*"}
	if open := link(page, "Open in Watchdog"); open != "" {
		lines[0] += "  ·  " + open
	}
	groups := byStatus(rest)
	for _, g := range groups {
		lines = append(lines, fmt.Sprintf("*%d %s:* ", len(g.names), g.status)+names(g.names, restLimit/len(groups)))
	}
	text := mrkdwn(strings.Join(lines, "\n"))
	return slackapi.Attachment{
		Color:    "#868686",
		Fallback: title,
		Blocks:   slackapi.Blocks{BlockSet: []slackapi.Block{slackapi.NewSectionBlock(text, nil, nil)}},
	}
}

type statusGroup struct {
	status alert.Status
	names  []string
}

// byStatus are the names of the alerts by their status, what is still wrong first.
func byStatus(all []alert.Transition) []statusGroup {
	groups := []statusGroup{{status: alert.StatusFiring}, {status: alert.StatusEvent}, {status: alert.StatusResolved}}
	for i := range all {
		at := slices.IndexFunc(groups, func(g statusGroup) bool { return g.status == all[i].Status })
		if at < 0 { // of a later version
			at, groups = len(groups), append(groups, statusGroup{status: all[i].Status})
		}
		groups[at].names = append(groups[at].names, notify.ShortName(all[i].Subject()))
	}
	return slices.DeleteFunc(groups, func(g statusGroup) bool { return len(g.names) == 0 })
}

// names are as many as fit into a weight, and how many did not.
func names(all []string, most int) string {
	most -= len(" … 1000 not named")
	var shown []string
	for i, name := range all {
		one := code(name, 200)
		if most -= weigh(one); most < 0 { // the quotation marks of JSON weigh as much as ", "
			return strings.Join(shown, ", ") + fmt.Sprintf(" … %d not named", len(all)-i)
		}
		shown = append(shown, one)
	}
	return strings.Join(shown, ", ")
}
