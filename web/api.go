package web

import (
	"fmt"
	"net/http"

	"watchdog/alert"
	"watchdog/notify"
	"watchdog/store"
)

var fingerprintParam = param{name: "fingerprint", help: "the alert's fingerprint", path: true}

// operations are the whole API.
var operations = []operation{
	{
		method: "GET", path: "/api/v1/alerts", id: "listAlerts", summary: "What is pending and firing, the worst first.",
		params: []param{
			{name: "server", help: "of one server"},
			{name: "rule", help: "of one rule"},
			{name: "severity", help: "of one severity", words: alert.Severities()},
			{name: "status", help: "of one status", words: []string{string(alert.StatusPending), string(alert.StatusFiring)}},
			{name: "limit", help: fmt.Sprintf("how many at most, from 1 to %d; default %d", maxLimit, maxLimit), number: true},
			cursorParam,
		},
		status: http.StatusOK, answer: alertList{}, do: (*Server).listAlerts,
	},
	{
		method: "PUT", path: "/api/v1/alerts/{fingerprint}/ack", id: "acknowledge",
		summary: "Say who has an alert that fires: nobody is reminded of it, and it is not escalated, until it resolves.",
		params:  []param{fingerprintParam}, body: newAck{},
		status: http.StatusOK, answer: notify.Ack{}, fails: []int{http.StatusNotFound, http.StatusConflict}, do: (*Server).acknowledge,
		form: "/act/alerts/{fingerprint}/acknowledge",
	},
	{
		method: "DELETE", path: "/api/v1/alerts/{fingerprint}/ack", id: "unacknowledge", summary: "Take an acknowledgement back.",
		params: []param{fingerprintParam},
		status: http.StatusOK, answer: accepted{}, fails: []int{http.StatusNotFound}, do: (*Server).unacknowledge,
		form: "/act/alerts/{fingerprint}/unacknowledge",
	},
	{
		method: "GET", path: "/api/v1/silences", id: "listSilences", summary: "The silences that have not ended, the next to end first.",
		status: http.StatusOK, answer: silenceList{}, do: (*Server).listSilences,
	},
	{
		method: "POST", path: "/api/v1/silences", id: "createSilence", summary: "Mute the alerts whose labels all fit, for a while. What fits no alert is a warning: it may be for one to come.",
		body:   newSilence{},
		status: http.StatusCreated, answer: Silenced{}, fails: []int{http.StatusConflict}, do: (*Server).createSilence,
		form: "/act/silences",
	},
	{
		method: "DELETE", path: "/api/v1/silences/{id}", id: "expireSilence",
		summary: "End a silence now: what it muted and still fires is told. One that has ended stays as it is.",
		params:  []param{{name: "id", help: "the silence's id", path: true}},
		status:  http.StatusOK, answer: notify.Silence{}, fails: []int{http.StatusNotFound}, do: (*Server).expireSilence,
		form: "/act/silences/{id}/expire",
	},
	{
		method: "GET", path: "/api/v1/windows", id: "listWindows", summary: "The windows of the config: which are open, and until when.",
		status: http.StatusOK, answer: windowList{}, do: (*Server).listWindows,
	},
	{
		method: "GET", path: "/api/v1/replications", id: "listReplications", summary: "All replications as the last whole look showed them, by server, database and document.",
		params: []param{
			{name: "server", help: "of one server"},
			{name: "database", help: "of one replicator database"},
			{name: "doc_id", help: "of one document"},
			{name: "state", help: "in one state", words: urgencies},
			{name: "text", help: "part of a name, an address or an error, whatever its case"},
			limitParam, cursorParam,
		},
		status: http.StatusOK, answer: replicationList{}, do: (*Server).listReplications,
	},
	{
		method: "GET", path: "/api/v1/replications/{server}/{database}/{doc_id}/history", id: "showHistory",
		summary: "What one replication did: how its counters moved, its states and its crashes.",
		params: []param{
			{name: "server", help: "the server's name", path: true},
			{name: "database", help: "the replicator database", path: true},
			{name: "doc_id", help: "the document's id", path: true},
			{name: "since", help: "from this time on, as 2026-01-02T03:04:05Z; default: an hour ago"},
		},
		status: http.StatusOK, answer: pastAnswer{}, fails: []int{http.StatusNotFound}, do: (*Server).showHistory,
	},
	{
		method: "GET", path: "/api/v1/replications/{server}/{database}/{doc_id}/explanation", id: "explainReplication",
		summary: "Why each rule does or does not fire for one replication, and who was told of it.",
		params: []param{
			{name: "server", help: "the server's name", path: true},
			{name: "database", help: "the replicator database", path: true},
			{name: "doc_id", help: "the document's id", path: true},
		},
		status: http.StatusOK, answer: Explanation{}, fails: []int{http.StatusNotFound}, do: (*Server).explainReplication,
	},
	{
		method: "GET", path: "/api/v1/checks", id: "listChecks", summary: "Servers and their checks: how the last run went, and when the next is due.",
		status: http.StatusOK, answer: serverList{}, do: (*Server).listChecks,
	},
	{
		method: "POST", path: "/api/v1/checks/{server}/{check}/run", id: "runCheck", summary: "Make a check run now.",
		params: []param{{name: "server", help: "the server's name", path: true}, {name: "check", help: "the check's name", path: true}},
		status: http.StatusAccepted, answer: accepted{}, fails: []int{http.StatusNotFound}, do: (*Server).runCheck,
		form: "/act/checks/{server}/{check}/run",
	},
	{
		method: "GET", path: "/api/v1/deliveries", id: "listDeliveries", summary: "What is on its way to people, and what became of it, the latest first.",
		params: []param{
			{name: "sink", help: "to one sink"},
			{name: "status", help: "in this status; may be repeated", many: true, words: []string{string(store.Queued), string(store.Retrying), string(store.Sent), string(store.Dead)}},
			limitParam, cursorParam,
		},
		status: http.StatusOK, answer: deliveryList{}, do: (*Server).listDeliveries,
	},
	{
		method: "GET", path: "/api/v1/deliveries/{id}", id: "showDelivery", summary: "One delivery, with what was merged into it and what it waits for.",
		params: []param{{name: "id", help: "the delivery's id", path: true}},
		status: http.StatusOK, answer: store.Delivery{}, fails: []int{http.StatusNotFound}, do: (*Server).showDelivery,
	},
	{
		method: "POST", path: "/api/v1/deliveries/{id}/retry", id: "retryDelivery", summary: "Queue a dead delivery again.",
		params: []param{{name: "id", help: "the delivery's id", path: true}},
		status: http.StatusAccepted, answer: accepted{}, fails: []int{http.StatusNotFound, http.StatusConflict}, do: (*Server).retryDelivery,
		form: "/act/deliveries/{id}/retry",
	},
	{
		method: "GET", path: "/api/v1/transitions", id: "listTransitions", summary: "What happened, the latest first.",
		params: []param{
			{name: "server", help: "of one server"},
			{name: "database", help: "of one replicator database"},
			{name: "doc_id", help: "of one document"},
			{name: "rule", help: "of one rule"},
			limitParam, cursorParam,
		},
		status: http.StatusOK, answer: transitionList{}, do: (*Server).listTransitions,
	},
	{
		method: "GET", path: "/api/v1/replicas", id: "listReplicas",
		summary: "Which replicas there are, and which of them watches which server and tells which sink, since when.",
		status:  http.StatusOK, answer: replicaList{}, do: (*Server).listReplicas,
	},
	{
		method: "GET", path: "/api/v1/status", id: "status", summary: "Which program this is, and which config is in use.",
		status: http.StatusOK, answer: statusAnswer{}, do: (*Server).status,
	},
	{
		method: "POST", path: "/api/v1/reload", id: "reload",
		summary: "Read the config anew. A bad one changes nothing, and its mistakes are the diagnostics of the answer.",
		status:  http.StatusOK, answer: Reloaded{}, fails: []int{http.StatusConflict, http.StatusUnprocessableEntity}, do: (*Server).reload,
	},
	{
		method: "GET", path: "/api/v1/events", id: "streamEvents",
		summary: "What happens, as it happens: transition, board (a server was looked at), delivery, said (somebody acted) and config (it was loaded), as server-sent events.",
		status:  http.StatusOK, kind: "text/event-stream", fails: []int{http.StatusServiceUnavailable}, serve: (*Server).serveEvents,
	},
}
