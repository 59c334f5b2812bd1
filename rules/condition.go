package rules

import "github.com/expr-lang/expr/vm"

// A condition is a compiled boolean expression: a tree of &&, ||, ! and ?: over parts that are
// either known as a whole or unknown.
type condition interface {
	eval(v *view) truth
}

type (
	// and, or, not and choose are Kleene's connectives. A side that decides alone ends the
	// evaluation.
	and    struct{ left, right condition }
	or     struct{ left, right condition }
	not    struct{ of condition }
	choose struct{ cond, then, otherwise condition }

	// answer is a part that is one call of a boolean function.
	answer struct{ call *call }

	// part is a piece of the expression without connectives. It is unknown when a field or call
	// it needs is, or when it fails.
	part struct {
		text    string
		needs   needs
		calls   []*call
		program *vm.Program
		// ordered says that the part is a comparison by order: when it comes out the same for
		// the lower and the upper bound of a number, it does for all between.
		ordered bool
	}
)

func (c and) eval(v *view) truth {
	left := c.left.eval(v)
	if left == no {
		return no
	}
	return min(left, c.right.eval(v))
}

func (c or) eval(v *view) truth {
	left := c.left.eval(v)
	if left == yes {
		return yes
	}
	return max(left, c.right.eval(v))
}

func (c not) eval(v *view) truth { return -c.of.eval(v) }

func (c choose) eval(v *view) truth {
	switch c.cond.eval(v) {
	case yes:
		return c.then.eval(v)
	case no:
		return c.otherwise.eval(v)
	}
	if then := c.then.eval(v); then == c.otherwise.eval(v) {
		return then
	}
	return unknown
}

func (c answer) eval(v *view) truth { return c.call.truth(v) }

func (c part) eval(v *view) truth {
	if v.known&c.needs != c.needs {
		return unknown
	}
	var raise func()
	for _, call := range c.calls {
		known, upper := call.answer(v)
		switch {
		case !known:
			return unknown
		case upper == nil:
		case raise != nil || !c.ordered:
			return unknown
		default:
			raise = upper
		}
	}
	result := c.run(v)
	if raise == nil {
		return result
	}
	raise()
	if c.run(v) != result {
		return unknown
	}
	return result
}

func (c part) run(v *view) truth {
	result, err := v.machine.Run(c.program, v.env)
	if err != nil {
		return unknown
	}
	b, ok := result.(bool)
	if !ok {
		return unknown
	}
	return truthOf(b)
}

// callsOf lists the calls of our functions in a condition, those inside count and percent too.
func callsOf(c condition) []*call {
	switch c := c.(type) {
	case and:
		return append(callsOf(c.left), callsOf(c.right)...)
	case or:
		return append(callsOf(c.left), callsOf(c.right)...)
	case not:
		return callsOf(c.of)
	case choose:
		return append(append(callsOf(c.cond), callsOf(c.then)...), callsOf(c.otherwise)...)
	case answer:
		return []*call{c.call}
	case part:
		calls := c.calls
		for _, call := range c.calls {
			calls = append(calls, callsOf(call.each)...)
		}
		return calls
	default:
		return nil
	}
}
