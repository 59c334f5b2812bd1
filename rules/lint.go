package rules

import (
	"fmt"
	"slices"

	"github.com/expr-lang/expr/ast"

	"watchdog/diag"
	"watchdog/snapshot"
)

// The ids of the lints, for the comment that disables one.
const (
	LintErrorCount   = "error-count-saturates"
	LintDocsWritten  = "docs-written-without-pending"
	LintUnknownState = "unknown-state"
)

// saturation is where CouchDB's error_count ends: it is counted from a history of 20 events, of
// which every other is a start (couch_replicator_scheduler, consecutive_crashes).
const saturation = 10

var comparisons = []string{"==", "!=", "<", "<=", ">", ">=", "in", "not in"}

// lintExpression finds what is legal but probably not meant.
func lintExpression(node ast.Node, text string) []diag.Problem {
	var problems []diag.Problem
	fields := fieldsOf(node)
	ast.Walk(&node, visit(func(n ast.Node) {
		b, ok := n.(*ast.BinaryNode)
		if !ok || !slices.Contains(comparisons, b.Operator) {
			return
		}
		for _, sides := range [][2]ast.Node{{b.Left, b.Right}, {b.Right, b.Left}} {
			field, ok := sides[0].(*ast.IdentifierNode)
			if !ok {
				continue
			}
			switch field.Value {
			case "error_count":
				problems = append(problems, lintErrorCount(sides[1], text)...)
			case "docs_written":
				if !slices.Contains(fields, "changes_pending") {
					problems = append(problems, lint(LintDocsWritten, spanOf(field, text),
						`add changes_pending > 0, or use stalled("docs_written", "10m")`,
						"docs_written says nothing without changes_pending: an idle replication writes nothing either"))
				}
			case "state", "previous_state":
				problems = append(problems, lintStates(sides[1], text)...)
			}
		}
	}))
	return problems
}

func lintErrorCount(n ast.Node, text string) []diag.Problem {
	i, ok := n.(*ast.IntegerNode)
	if !ok || i.Value < saturation {
		return nil
	}
	return []diag.Problem{lint(LintErrorCount, spanOf(n, text),
		`compare with 9 at most, or use crashes("1h")`,
		fmt.Sprintf("error_count never gets above %d: CouchDB counts it from the last 20 events", saturation))}
}

func stateNames() []string {
	names := make([]string, len(snapshot.States))
	for i, s := range snapshot.States {
		names[i] = string(s)
	}
	return names
}

// lintStates finds a misspelt state, alone or in a list.
func lintStates(n ast.Node, text string) []diag.Problem {
	names := stateNames()
	elements := []ast.Node{n}
	if list, ok := n.(*ast.ArrayNode); ok {
		elements = list.Nodes
	}
	var problems []diag.Problem
	for _, e := range elements {
		s, ok := e.(*ast.StringNode)
		if !ok || slices.Contains(names, s.Value) {
			continue
		}
		hint := diag.DidYouMean(s.Value, names)
		if hint == "" {
			hint = "the states are " + joinWords(names)
		}
		problems = append(problems, lint(LintUnknownState, spanOf(e, text), hint,
			fmt.Sprintf("CouchDB has no state %q", s.Value)))
	}
	return problems
}

func lint(id string, at span, hint, message string) diag.Problem {
	p := problemAt(at, hint, "%s", message)
	p.Level, p.ID = diag.Lint, id
	return p
}
