package web

import (
	"net/http"

	"watchdog/alert"
	"watchdog/store"
)

// operations are the whole API.
var operations = []operation{
	{
		method: "GET", path: "/api/v1/alerts", id: "listAlerts", summary: "What is pending and firing, the worst first.",
		params: []param{
			{name: "server", help: "of one server"},
			{name: "rule", help: "of one rule"},
			{name: "severity", help: "of one severity", words: alert.Severities()},
			{name: "status", help: "of one status", words: []string{string(alert.StatusPending), string(alert.StatusFiring)}},
		},
		status: http.StatusOK, answer: alertList{}, do: (*Server).listAlerts,
	},
	{
		method: "GET", path: "/api/v1/replications", id: "listReplications", summary: "All replications as the last whole look showed them, by server, database and document.",
		params: []param{
			{name: "server", help: "of one server"},
			{name: "database", help: "of one replicator database"},
			{name: "state", help: "in one state", words: urgencies},
			{name: "text", help: "part of a name, an address or an error, whatever its case"},
			limitParam, cursorParam,
		},
		status: http.StatusOK, answer: replicationList{}, do: (*Server).listReplications,
	},
	{
		method: "GET", path: "/api/v1/checks", id: "listChecks", summary: "Servers and their checks: how the last run went, and when the next is due.",
		status: http.StatusOK, answer: serverList{}, do: (*Server).listChecks,
	},
	{
		method: "POST", path: "/api/v1/checks/{server}/{check}/run", id: "runCheck", summary: "Make a check run now.",
		params: []param{{name: "server", help: "the server's name", path: true}, {name: "check", help: "the check's name", path: true}},
		status: http.StatusAccepted, answer: accepted{}, fails: []int{http.StatusNotFound}, do: (*Server).runCheck,
	},
	{
		method: "GET", path: "/api/v1/deliveries", id: "listDeliveries", summary: "What is on its way to people, and what became of it, the latest first.",
		params: []param{
			{name: "sink", help: "to one sink"},
			{name: "status", help: "in one status", words: []string{string(store.Queued), string(store.Retrying), string(store.Sent), string(store.Dead)}},
			limitParam, cursorParam,
		},
		status: http.StatusOK, answer: deliveryList{}, do: (*Server).listDeliveries,
	},
	{
		method: "POST", path: "/api/v1/deliveries/{id}/retry", id: "retryDelivery", summary: "Queue a dead delivery again.",
		params: []param{{name: "id", help: "the delivery's id", path: true}},
		status: http.StatusAccepted, answer: accepted{}, fails: []int{http.StatusNotFound, http.StatusConflict}, do: (*Server).retryDelivery,
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
		method: "GET", path: "/api/v1/events", id: "streamEvents",
		summary: "What happens, as it happens: transition, board (a server was looked at) and delivery, as server-sent events.",
		status:  http.StatusOK, kind: "text/event-stream", fails: []int{http.StatusServiceUnavailable}, serve: (*Server).serveEvents,
	},
}
