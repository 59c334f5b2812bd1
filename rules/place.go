package rules

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"

	"watchdog/diag"
)

// span is a place in the text of an expression, in bytes.
type span struct{ offset, length int }

// spanOf is the place of a node; expr-lang gives that of its operator or first word.
func spanOf(n ast.Node, text string) span { return spanFrom(n.Location(), text) }

// extentOf is the place of a node with all below it.
func extentOf(node ast.Node, text string) span {
	whole := spanOf(node, text)
	ast.Walk(&node, visit(func(n ast.Node) {
		one := spanOf(n, text)
		end := max(whole.offset+whole.length, one.offset+one.length)
		whole.offset = min(whole.offset, one.offset)
		whole.length = end - whole.offset
	}))
	return whole
}

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
