package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

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
	callees  []*ast.IdentifierNode // names that are called, and so no fields
	problems []diag.Problem
}

// compileCondition compiles a boolean expression. The condition is nil when there is a problem
// that is not a lint. Offsets of problems are bytes of text.
func compileCondition(text string, s scope) (condition, []diag.Problem) {
	c := &compiler{scope: s, text: text}
	tree, err := parser.Parse(text)
	if err != nil {
		return nil, []diag.Problem{c.syntaxProblem(err)}
	}
	ast.Walk(&tree.Node, visit(c.noteCallee))
	ast.Walk(&tree.Node, c)
	if len(c.problems) > 0 {
		slices.SortStableFunc(c.problems, func(a, b diag.Problem) int { return a.Offset - b.Offset })
		return nil, c.problems
	}
	if _, err := expr.Compile(text, c.options(&slotting{compiler: c})...); err != nil {
		return nil, []diag.Problem{c.typeProblem(err)}
	}
	cond, err := c.build(tree.Node)
	if err != nil {
		return nil, []diag.Problem{diag.Problemf("", "", "cannot compile: %v", err)}
	}
	return cond, lintExpression(tree.Node, text)
}

func (c *compiler) noteCallee(n ast.Node) {
	if call, ok := n.(*ast.CallNode); ok {
		if id, ok := call.Callee.(*ast.IdentifierNode); ok {
			c.callees = append(c.callees, id)
		}
	}
}

func (c *compiler) options(slots *slotting) []expr.Option {
	return []expr.Option{
		expr.Env(c.scope.env), expr.AsBool(), expr.MaxNodes(maxNodes), expr.Patch(slots),
	}
}

// build takes the connectives apart. Each part is compiled on its own.
func (c *compiler) build(node ast.Node) (condition, error) {
	switch n := node.(type) {
	case *ast.UnaryNode:
		if n.Operator == "!" || n.Operator == "not" {
			of, err := c.build(n.Node)
			return not{of}, err
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "&&", "and":
			left, errLeft := c.build(n.Left)
			right, errRight := c.build(n.Right)
			return and{left, right}, errors.Join(errLeft, errRight)
		case "||", "or":
			left, errLeft := c.build(n.Left)
			right, errRight := c.build(n.Right)
			return or{left, right}, errors.Join(errLeft, errRight)
		}
	case *ast.ConditionalNode:
		cond, err1 := c.build(n.Cond)
		then, err2 := c.build(n.Exp1)
		otherwise, err3 := c.build(n.Exp2)
		return choose{cond, then, otherwise}, errors.Join(err1, err2, err3)
	case *ast.CallNode:
		call, problem := c.readCall(n)
		if problem != nil {
			return nil, errors.New(problem.Message)
		}
		if call.result == boolean {
			return answer{call}, nil
		}
	}
	return c.part(node)
}

func (c *compiler) part(node ast.Node) (condition, error) {
	collected := &slotting{compiler: c}
	program, err := expr.Compile(node.String(), c.options(collected)...)
	if err != nil {
		return nil, err
	}
	p := part{text: node.String(), calls: collected.calls, program: program, ordered: isOrdered(node)}
	fields := fieldsOf(node)
	for _, name := range fields {
		p.needs |= c.scope.fields[name]
	}
	return p, nil
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

type visit func(ast.Node)

func (f visit) Visit(node *ast.Node) { f(*node) }

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
	result := call.result
	call.slot = s.used[result]
	s.used[result]++
	s.calls = append(s.calls, call)
	ast.Patch(node, &ast.MemberNode{
		Node:     &ast.IdentifierNode{Value: result.slotName()},
		Property: &ast.IntegerNode{Value: call.slot},
	})
}

func (c *compiler) readCall(n *ast.CallNode) (*call, *diag.Problem) {
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
	out := &call{function: f, name: callee.Value, at: spanOf(callee, c.text)}
	return out, f.read(out, n.Arguments, c.text)
}

func (c *compiler) functionHint(name string) string {
	var names, usages []string
	for n, f := range c.scope.functions {
		names, usages = append(names, n), append(usages, f.usage)
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

func (c *compiler) typeProblem(err error) diag.Problem {
	p := c.fileProblem(err)
	p.Message = typeWords.Replace(p.Message)
	switch {
	case strings.HasPrefix(p.Message, "expected bool"):
		p.Offset, p.Length = 0, len(c.text)
		p.Message = "the expression is not a condition: " + p.Message
		p.Hint = `compare it with something, as in error_count > 5`
	case strings.Contains(p.Message, "mismatched types duration"):
		p.Hint = `write a duration as duration("10m")`
	case strings.Contains(p.Message, "mismatched types"):
		p.Hint = "compare text with text and numbers with numbers"
	}
	return p
}

// fileProblem places an error of expr-lang, whose positions count characters.
func (c *compiler) fileProblem(err error) diag.Problem {
	var at *file.Error
	if !errors.As(err, &at) {
		return diag.Problemf("", "", "%v", err)
	}
	return problemAt(spanFrom(at.Location, c.text), "", "%s", at.Message)
}

// span is a place in the text of an expression, in bytes.
type span struct{ offset, length int }

// spanOf is the place of a node; expr-lang gives that of its operator or first word.
func spanOf(n ast.Node, text string) span { return spanFrom(n.Location(), text) }

func spanFrom(l file.Location, text string) span {
	from, to := byteOffset(text, l.From), byteOffset(text, max(l.To, l.From+1))
	return span{from, max(1, to-from)}
}

func byteOffset(text string, characters int) int {
	offset := 0
	for range characters {
		_, size := utf8.DecodeRuneInString(text[offset:])
		if size == 0 {
			break
		}
		offset += size
	}
	return offset
}

func problemAt(at span, hint, format string, args ...any) diag.Problem {
	return diag.Problem{Offset: at.offset, Length: at.length, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// joinWords is "a, b and c".
func joinWords(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
