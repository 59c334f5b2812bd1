package cli

import (
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// terminalWidth is how many columns w has, 0 where it is no terminal.
func terminalWidth(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// textWidth is how many columns text takes on a terminal; characters that take two count as one.
func textWidth(text string) int {
	n := 0
	for _, r := range text {
		if !unicode.Is(unicode.Mn, r) {
			n++
		}
	}
	return n
}

// cut shortens text to a width, with an ellipsis at its end.
func cut(text string, width int) string {
	if textWidth(text) <= width {
		return text
	}
	n := 0
	for i, r := range text {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		if n++; n == width {
			return text[:i] + "…"
		}
	}
	return ""
}

// pad fills text up with blanks, at its right or at its left.
func pad(text string, width int, left bool) string {
	blanks := strings.Repeat(" ", max(0, width-textWidth(text)))
	if left {
		return blanks + text
	}
	return text + blanks
}

// paint makes text coloured; no code leaves it as it is.
func paint(text, code string) string {
	if code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
