package rules

import (
	"maps"
	"slices"
	"time"

	"github.com/expr-lang/expr/ast"

	"watchdog/diag"
)

// Visit implements ast.Visitor: it refuses whatever could take long, read a clock or mean
// something else than it seems to, and names that do not exist.
func (c *compiler) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		c.checkName(n)
	case *ast.CallNode:
		if _, problem := c.readCall(n); problem != nil {
			c.problems = append(c.problems, *problem)
		}
	case *ast.BuiltinNode:
		switch {
		case n.Name == "duration":
			c.checkDuration(n)
		case !slices.Contains(allowedBuiltins, n.Name):
			c.refuse(n, c.functionHint(n.Name), "the function %s cannot be used in a rule of scope %s", n.Name, c.scope.name)
		}
	case *ast.NilNode:
		c.refuse(n, `what the server did not give is unknown, and never fires; see on_unknown, or blind("10m")`,
			"a field cannot be compared with nil")
	case *ast.BinaryNode:
		switch n.Operator {
		case "..":
			c.refuse(n, "compare with >= and <=", "ranges cannot be used")
		case "??":
			c.refuse(n, "what the server did not give is unknown; see on_unknown", "?? cannot be used")
		}
	case *ast.MemberNode:
		if id, ok := n.Node.(*ast.IdentifierNode); !ok || id.Value != "labels" {
			c.refuse(n, "only labels have members, as in labels.team", "nothing can be taken out of %s", n.Node.String())
		}
	case *ast.PredicateNode, *ast.PointerNode: // stand in builtins that are refused already
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode, *ast.ConstantNode,
		*ast.UnaryNode, *ast.ConditionalNode, *ast.ArrayNode:
	default:
		c.refuse(n, "write it as a plain comparison", "%s cannot be used in a rule", n.String())
	}
}

func (c *compiler) refuse(n ast.Node, hint, format string, args ...any) {
	c.problems = append(c.problems, problemAt(spanOf(n, c.text), hint, format, args...))
}

// checkDuration finds at load what would make every evaluation fail.
func (c *compiler) checkDuration(n *ast.BuiltinNode) {
	if len(n.Arguments) != 1 {
		return // the type check says so
	}
	if s, ok := n.Arguments[0].(*ast.StringNode); ok {
		if _, err := time.ParseDuration(s.Value); err != nil {
			c.refuse(s, "write it like 90s, 10m or 1h30m", "%q is not a duration", s.Value)
		}
	}
}

func (c *compiler) checkName(n *ast.IdentifierNode) {
	if _, ok := c.scope.fields[n.Value]; ok || slices.Contains(c.callees, n) {
		return
	}
	names := slices.Sorted(maps.Keys(c.scope.fields))
	hint := diag.DidYouMean(n.Value, names)
	if hint == "" {
		hint = "the fields of a rule of scope " + c.scope.name + " are " + joinWords(names)
	}
	c.refuse(n, hint, "unknown field %q", n.Value)
}
