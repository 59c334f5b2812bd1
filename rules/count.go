package rules

import (
	"regexp"

	"github.com/expr-lang/expr/ast"

	"watchdog/snapshot"
)

const (
	countUsage   = `count(replications, .state == "failed")`
	percentUsage = `percent(replications, .state == "failed")`
)

// expr-lang reads a condition on each element, as `.state == "failed"`, only inside its own
// functions. count is one of them; percent is read as groupBy, which has as many letters, so
// that positions stay right, and is refused under its own name.
const percentStandIn = "groupBy"

var (
	percentCall = regexp.MustCompile(`\bpercent(\s*\()`)
	standInCall = regexp.MustCompile(`\b` + percentStandIn + `(\s*\()`)
)

// parsed is the text as it is given to the parser.
func (c *compiler) parsed() string {
	if !c.scope.counts || standInCall.MatchString(c.text) {
		return c.text
	}
	return percentCall.ReplaceAllString(c.text, percentStandIn+"$1")
}

// readCount takes a call of count or percent out of the tree, with the condition inside it, and
// leaves a plain call in its place.
func (c *compiler) readCount(node *ast.Node) {
	n, ok := (*node).(*ast.BuiltinNode)
	if !ok || n.Name != "count" && n.Name != percentStandIn || standInCall.MatchString(c.text) {
		return
	}
	out := &call{function: function{usage: countUsage, result: integer}, name: "count", text: n.String(), at: spanOf(n, c.text)}
	if n.Name == percentStandIn {
		out.function, out.name = function{usage: percentUsage, result: float}, "percent"
	}
	var of *ast.IdentifierNode
	var each *ast.PredicateNode
	if len(n.Arguments) == 2 {
		of, _ = n.Arguments[0].(*ast.IdentifierNode)
		each, _ = n.Arguments[1].(*ast.PredicateNode)
	}
	plain := &ast.CallNode{Callee: &ast.IdentifierNode{Value: out.name}}
	if of == nil || of.Value != "replications" || each == nil {
		c.problems = append(c.problems, *usageProblem(out, "takes replications, and a condition on each"))
	} else {
		inside := &compiler{scope: replicationScope, text: c.text}
		ast.Walk(&each.Node, visitEach(bareFields))
		out.each = inside.compile(&each.Node)
		c.problems = append(c.problems, inside.problems...)
	}
	ast.Patch(node, plain)
	c.counts[plain] = out
}

// bareFields turns `.state` and `#.state` into the field of that name.
func bareFields(node *ast.Node) {
	member, ok := (*node).(*ast.MemberNode)
	if !ok {
		return
	}
	_, ofElement := member.Node.(*ast.PointerNode)
	name, isName := member.Property.(*ast.StringNode)
	if ofElement && isName {
		ast.Patch(node, &ast.IdentifierNode{Value: name.Value})
	}
}

// census counts the replications of one snapshot for rules of scope server, as they are after
// it.
type census struct {
	step    *step
	view    *replicationView
	past    past
	changed map[snapshot.Key]kept // by this step; made when first asked
}

// count is for how many replications the condition is true, for how many it may be, and how
// many there are.
func (c *census) count(each condition) (least, most, all int64) {
	next := 0
	for _, row := range c.step.snap.Replications {
		var past kept
		past, next = c.remembered(row.Key, next)
		c.past = past.open()
		c.view.look(row, &c.past)
		all++
		switch each.eval(&c.view.view) {
		case yes:
			least++
			most++
		case unknown:
			most++
		}
	}
	return least, most, all
}

// remembered is what is remembered of a replication after this step. expected is where the memory
// before most likely has it, and next where it has the one that follows.
func (c *census) remembered(key snapshot.Key, expected int) (past kept, next int) {
	if c.changed == nil {
		c.changed = make(map[snapshot.Key]kept, len(c.step.result.entries))
		for i := range c.step.result.entries {
			e := &c.step.result.entries[i].entry
			c.changed[e.key] = e.past
		}
	}
	place, found := c.step.memory.replications.find(key, expected)
	if found {
		past, next = c.step.memory.replications[place].past, place+1
	} else {
		next = place
	}
	if p := c.changed[key]; p != "" {
		past = p
	}
	return past, next
}

// answerCount answers count and percent. Of a server that could not be read nothing is known.
func (c *call) answerCount(v *view) (known bool, raise func()) {
	if v.census == nil {
		return false, nil
	}
	least, most, all := v.census.count(c.each)
	if c.result == integer {
		v.slots.Ints[c.slot] = least
		raise = func() { v.slots.Ints[c.slot] = most }
	} else {
		if all == 0 {
			return false, nil
		}
		percent := func(n int64) float64 { return 100 * float64(n) / float64(all) }
		v.slots.Floats[c.slot] = percent(least)
		raise = func() { v.slots.Floats[c.slot] = percent(most) }
	}
	if least == most {
		return true, nil
	}
	return true, raise
}
