package rules

import (
	"errors"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	bytecode "github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/optimizer"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"watchdog/diag"
)

// maxNodes bounds the size of an expression, and with it the time one evaluation takes: there
// are no loops in it.
const maxNodes = 500

// scope is what a rule speaks of: which fields and functions its expressions have.
type scope struct {
	name      string
	env       any
	fields    map[string]needs
	functions map[string]function
	// counts says that count and percent can be asked of the replications.
	counts bool
}

// allowedBuiltins are the functions of expr-lang that take time in proportion to their input
// and read no clock.
var allowedBuiltins = []string{
	"len", "lower", "upper", "trim", "trimPrefix", "trimSuffix", "hasPrefix", "hasSuffix",
	"indexOf", "abs", "ceil", "floor", "round", "int", "float", "string", "max", "min", "duration",
}

// compiler turns the text of one expression into a condition.
type compiler struct {
	scope    scope
	text     string
	callees  []*ast.IdentifierNode   // names that are called, and so no fields
	counts   map[*ast.CallNode]*call // calls of count and percent, read already
	problems []diag.Problem
}

// compileCondition compiles a boolean expression. The condition is nil when there is a problem
// that is not a lint. Offsets of problems are bytes of text.
func compileCondition(text string, s scope) (condition, []diag.Problem) {
	c := &compiler{scope: s, text: text, counts: map[*ast.CallNode]*call{}}
	config := conf.CreateNew()
	config.MaxNodes = maxNodes
	tree, err := parser.ParseWithConfig(c.parsed(), config)
	if err != nil {
		return nil, []diag.Problem{c.syntaxProblem(err)}
	}
	cond := c.compile(&tree.Node)
	if len(c.problems) > 0 {
		slices.SortStableFunc(c.problems, func(a, b diag.Problem) int { return a.Offset - b.Offset })
		return nil, c.problems
	}
	return cond, lintExpression(tree.Node, text)
}

// compile checks a tree and takes it apart. The condition means nothing when there are
// problems.
func (c *compiler) compile(root *ast.Node) condition {
	if c.scope.counts {
		ast.Walk(root, visitEach(c.readCount))
	}
	ast.Walk(root, visit(c.noteCallee))
	ast.Walk(root, c)
	if len(c.problems) > 0 {
		return nil
	}
	return c.build(*root)
}

func (c *compiler) noteCallee(n ast.Node) {
	if call, ok := n.(*ast.CallNode); ok {
		if id, ok := call.Callee.(*ast.IdentifierNode); ok {
			c.callees = append(c.callees, id)
		}
	}
}

// build takes the connectives apart. Each part between them is compiled on its own.
func (c *compiler) build(node ast.Node) condition {
	switch n := node.(type) {
	case *ast.UnaryNode:
		if n.Operator == "!" || n.Operator == "not" {
			return not{c.build(n.Node)}
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "&&", "and":
			return and{c.build(n.Left), c.build(n.Right)}
		case "||", "or":
			return or{c.build(n.Left), c.build(n.Right)}
		}
	case *ast.ConditionalNode:
		return choose{c.build(n.Cond), c.build(n.Exp1), c.build(n.Exp2)}
	case *ast.CallNode:
		if call, problem := c.readCall(n); problem == nil && call.result == boolean {
			return answer{call}
		}
	}
	return c.part(node)
}

// part compiles one part. Its calls are replaced by the slots in which their answers will
// stand.
func (c *compiler) part(node ast.Node) condition {
	p := part{text: node.String(), ordered: isOrdered(node)}
	for _, name := range fieldsOf(node) {
		p.needs |= c.scope.fields[name]
	}
	extent := extentOf(node, c.text)
	calls := &slotting{compiler: c}
	tree := &parser.Tree{Node: node, Source: file.NewSource(c.text)}
	ast.Walk(&tree.Node, calls)
	p.calls = calls.calls
	program, err := c.program(tree)
	if err != nil {
		c.problems = append(c.problems, c.typeProblem(err, extent))
	}
	p.program = program
	return p
}

// program does what expr.Compile does after parsing, so that positions are those of the whole
// expression.
func (c *compiler) program(tree *parser.Tree) (*vm.Program, error) {
	config := conf.New(c.scope.env)
	expr.AsBool()(config)
	if _, err := checker.Check(tree, config); err != nil {
		return nil, err
	}
	if err := optimizer.Optimize(&tree.Node, config); err != nil {
		return nil, err
	}
	return bytecode.Compile(tree, config)
}

func isOrdered(node ast.Node) bool {
	b, ok := node.(*ast.BinaryNode)
	return ok && slices.Contains([]string{"<", "<=", ">", ">="}, b.Operator)
}

// fieldsOf lists the fields that a piece of an expression reads, arguments of our functions
// left out: those answer for themselves.
func fieldsOf(node ast.Node) []string {
	var fields []string
	var arguments []ast.Node
	ast.Walk(&node, visit(func(n ast.Node) {
		switch n := n.(type) {
		case *ast.IdentifierNode:
			fields = append(fields, n.Value)
		case *ast.CallNode:
			arguments = append(arguments, n.Arguments...)
		}
	}))
	for _, arg := range arguments {
		if id, ok := arg.(*ast.IdentifierNode); ok {
			if i := slices.Index(fields, id.Value); i >= 0 {
				fields = slices.Delete(fields, i, i+1)
			}
		}
	}
	return fields
}

// visit and visitEach make a function an ast.Visitor.
type (
	visit     func(ast.Node)
	visitEach func(*ast.Node)
)

func (f visit) Visit(node *ast.Node)     { f(*node) }
func (f visitEach) Visit(node *ast.Node) { f(node) }

// slotting replaces each call of our functions by the slot its answer will stand in.
type slotting struct {
	*compiler
	calls []*call
	used  [resultTypes]int
}

// Visit implements ast.Visitor.
func (s *slotting) Visit(node *ast.Node) {
	n, ok := (*node).(*ast.CallNode)
	if !ok {
		return
	}
	call, problem := s.readCall(n)
	if problem != nil {
		return
	}
	call.slot = s.used[call.result]
	if call.slot == maxCalls {
		s.refuse(n, "split the rule in two", "more than %d calls in one comparison", maxCalls)
		return
	}
	s.used[call.result]++
	s.calls = append(s.calls, call)
	ast.Patch(node, &ast.MemberNode{
		Node:     &ast.IdentifierNode{Value: call.result.slotName()},
		Property: &ast.IntegerNode{Value: call.slot},
	})
}

func (c *compiler) readCall(n *ast.CallNode) (*call, *diag.Problem) {
	if counted, ok := c.counts[n]; ok {
		return counted, nil
	}
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		p := problemAt(spanOf(n, c.text), "", "only functions can be called")
		return nil, &p
	}
	f, ok := c.scope.functions[callee.Value]
	if !ok {
		p := problemAt(spanOf(callee, c.text), c.functionHint(callee.Value), "unknown function %q", callee.Value)
		return nil, &p
	}
	out := &call{function: f, name: callee.Value, text: n.String(), at: spanOf(callee, c.text)}
	return out, f.read(out, n.Arguments, c.text)
}

func (c *compiler) functionHint(name string) string {
	var names, usages []string
	for n, f := range c.scope.functions {
		names, usages = append(names, n), append(usages, f.usage)
	}
	if c.scope.counts {
		names, usages = append(names, "count", "percent"), append(usages, countUsage, percentUsage)
	}
	if hint := diag.DidYouMean(name, append(names, allowedBuiltins...)); hint != "" {
		return hint
	}
	slices.Sort(usages)
	return "the functions of a rule of scope " + c.scope.name + " are " + joinWords(usages)
}

func (c *compiler) syntaxProblem(err error) diag.Problem {
	if strings.TrimSpace(c.text) == "" {
		return diag.Problemf("", `write a condition like state == "failed"`, "the expression is empty")
	}
	p := c.fileProblem(err)
	if strings.Contains(p.Message, `Operator("=")`) {
		p.Message, p.Hint = "= does not compare", "write =="
	}
	return p
}

// typeWords puts the names of Go types into words.
var typeWords = strings.NewReplacer("time.Duration", "duration", "time.Time", "time", "int64", "int", "float64", "float")

// typeProblem is a mistake that the type check found in the part that stands at extent.
func (c *compiler) typeProblem(err error, extent span) diag.Problem {
	p := c.fileProblem(err)
	if p.Length == 0 {
		p.Offset, p.Length = extent.offset, extent.length
	}
	p.Message = typeWords.Replace(p.Message)
	switch {
	case strings.HasPrefix(p.Message, "expected bool"):
		p.Message = "this is not a condition: " + p.Message
		p.Hint = `compare it with something, as in error_count > 5`
	case strings.Contains(p.Message, "mismatched types duration"):
		p.Hint = `write a duration as duration("10m")`
	case strings.Contains(p.Message, "mismatched types"):
		p.Hint = "compare text with text and numbers with numbers"
	}
	return p
}

// fileProblem places an error of expr-lang, whose positions count characters. Some have none.
func (c *compiler) fileProblem(err error) diag.Problem {
	var at *file.Error
	if !errors.As(err, &at) {
		return diag.Problem{Message: err.Error()}
	}
	return problemAt(spanFrom(at.Location, c.text), "", "%s", at.Message)
}
