//go:build !unix

package exec

import "os/exec"

// inGroup does nothing where there are no process groups: what the command started outlives it.
func inGroup(*exec.Cmd) {}
