package rules

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/expr-lang/expr/ast"

	"watchdog/diag"
	"watchdog/snapshot"
)

// longestWindow bounds how far back a function may look: as long as crashes are remembered.
const longestWindow = 7 * 24 * time.Hour

// A call is a call of one of our functions with its arguments checked and read at load. It is
// answered natively, before the part of the expression it stands in.
type call struct {
	function
	name   string
	text   string // as written, for people
	window stamp
	// counters are indexes into tracked, for stalled.
	counters []int
	// follow is what increase and rate are asked of.
	follow follow
	// field is the time that age is asked of.
	field string
	// each is the condition of count and percent.
	each condition
	slot int // in the array of its type in slots; not of a whole part
	at   span
}

// resultType is the type that a call has in an expression.
type resultType int

const (
	boolean resultType = iota
	integer
	float
	duration

	resultTypes
)

func (t resultType) slotName() string {
	return [resultTypes]string{"$bool", "$int", "$float", "$duration"}[t]
}

// function is one that rules may call.
type function struct {
	usage  string
	result resultType
	// read checks the arguments and puts them into the call.
	read func(c *call, args []ast.Node, text string) *diag.Problem
}

// functions are those of scope replication, by name.
var functions = map[string]function{
	"stalled":  {`stalled("docs_written", "10m") or stalled("10m")`, boolean, readStalled},
	"blind":    {`blind("10m")`, boolean, readWindow},
	"in_state": {`in_state("5m")`, boolean, readWindow},
	"crashes":  {`crashes("1h")`, integer, readWindow},
	"increase": {`increase("doc_write_failures", "1h")`, integer, readFollow},
	"rate":     {`rate("docs_written", "5m")`, float, readFollow},
	"age":      {`age(start_time)`, duration, readAge},
}

func readWindow(c *call, args []ast.Node, text string) *diag.Problem {
	if len(args) != 1 {
		return usageProblem(c, "takes one window")
	}
	return readDuration(c, args[0], text)
}

func readStalled(c *call, args []ast.Node, text string) *diag.Problem {
	switch len(args) {
	case 1:
		for i := range anyProgress {
			c.counters = append(c.counters, i)
		}
		return readDuration(c, args[0], text)
	case 2:
		name, ok := args[0].(*ast.StringNode)
		if !ok {
			return usageProblem(c, "takes the name of a counter in quotes, and a window")
		}
		i := slices.IndexFunc(tracked[:], func(f snapshot.Field) bool { return f.String() == name.Value })
		if i < 0 {
			p := problemAt(spanOf(args[0], text), counterHint(name.Value, tracked[:]), "stalled cannot follow %q", name.Value)
			return &p
		}
		c.counters = []int{i}
		return readDuration(c, args[1], text)
	default:
		return usageProblem(c, "takes a window, or a counter and a window")
	}
}

// readFollow reads the arguments of increase and rate.
func readFollow(c *call, args []ast.Node, text string) *diag.Problem {
	if len(args) != 2 {
		return usageProblem(c, "takes the name of a counter, and a window")
	}
	name, ok := args[0].(*ast.StringNode)
	if !ok {
		return usageProblem(c, "takes the name of a counter in quotes, and a window")
	}
	i := slices.IndexFunc(summed[:], func(f snapshot.Field) bool { return f.String() == name.Value })
	if i < 0 {
		p := problemAt(spanOf(args[0], text), counterHint(name.Value, summed[:]), "%s cannot follow %q", c.name, name.Value)
		return &p
	}
	problem := readDuration(c, args[1], text)
	c.follow = follow{counter: i, window: c.window}
	return problem
}

func counterHint(name string, counters []snapshot.Field) string {
	names := make([]string, len(counters))
	for i, f := range counters {
		names[i] = f.String()
	}
	if hint := diag.DidYouMean(name, names); hint != "" {
		return hint
	}
	return fmt.Sprintf("it follows %s", joinWords(names))
}

func readAge(c *call, args []ast.Node, text string) *diag.Problem {
	times := []string{"start_time", "last_updated", "since"}
	if len(args) == 1 {
		if id, ok := args[0].(*ast.IdentifierNode); ok && slices.Contains(times, id.Value) {
			c.field = id.Value
			return nil
		}
	}
	return usageProblem(c, "takes one of "+joinWords(times))
}

func readDuration(c *call, arg ast.Node, text string) *diag.Problem {
	at := spanOf(arg, text)
	s, ok := arg.(*ast.StringNode)
	if !ok {
		return usageProblem(c, "takes its window as text in quotes")
	}
	d, err := ParseDuration(s.Value)
	switch {
	case err != nil:
		p := problemAt(at, "", "%v", err)
		return &p
	case d <= 0 || d > longestWindow:
		p := problemAt(at, "write a window between 1s and 7d", "the window %s is out of range", s.Value)
		return &p
	}
	c.window = stamp(d.Microseconds())
	return nil
}

func usageProblem(c *call, takes string) *diag.Problem {
	p := problemAt(c.at, "write it like "+c.usage, "%s %s", c.name, takes)
	return &p
}

// truth answers a call whose result is boolean.
func (c *call) truth(v *view) truth {
	switch c.name {
	case "stalled":
		t, until := v.past.stalled(v.row, c.counters, c.window, v.at)
		v.holdsUntil(until)
		return t
	case "blind":
		t, until := v.past.blindFor(v.row, c.window, v.at)
		v.holdsUntil(until)
		return t
	default: // in_state
		if !v.row.Has(snapshot.FieldState) {
			return unknown
		}
		if over := v.past.since + c.window; v.at < over {
			v.holdsUntil(over)
			return no
		}
		return yes
	}
}

// answer puts the answer into the slot that the expression reads. Where the answer is only a
// lower bound, raise puts the upper one there instead; otherwise raise is nil.
func (c *call) answer(v *view) (known bool, raise func()) {
	switch c.name {
	case "crashes":
		n, whole, until, known := v.past.crashesWithin(c.window, v.at)
		v.holdsUntil(until)
		return known, c.put(v, n, whole)
	case "increase", "rate":
		s := v.past.followed(c.follow)
		if s == nil || len(s.points) == 0 {
			return false, nil
		}
		n, whole, until := s.increase(v.at)
		v.holdsUntil(until)
		return true, c.put(v, n, whole)
	case "count", "percent":
		return c.answerCount(v)
	case "age":
		v.holdsUntil(v.at + 1) // an age is never the same again
		from, known := v.timeField(c.field)
		v.slots.Durations[c.slot] = v.at.sub(from)
		return known, nil
	default:
		t := c.truth(v)
		v.slots.Bools[c.slot] = t == yes
		return t != unknown, nil
	}
}

// put puts a number of things into the slot, per second of the window for a rate.
func (c *call) put(v *view, n int64, whole bool) (raise func()) {
	if c.result == float {
		v.slots.Floats[c.slot] = float64(n) / c.window.sub(0).Seconds()
		raise = func() { v.slots.Floats[c.slot] = math.Inf(1) }
	} else {
		v.slots.Ints[c.slot] = n
		raise = func() { v.slots.Ints[c.slot] = math.MaxInt64 }
	}
	if whole {
		return nil
	}
	return raise
}
