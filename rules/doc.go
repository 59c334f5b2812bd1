// Package rules decides what is wrong. It compiles the rules of the config, and steps the
// alerts of one server from one snapshot to the next.
//
// It is pure: what is remembered and what was seen go in, what to remember and what happened
// come out. Time is the snapshot's.
//
// A condition is three-valued: a field that the server did not give is unknown, and so is each
// part of an expression that needs it; && and || decide where one side is enough. Unknown
// neither fires nor resolves, unless the rule says so.
//
// The cost of a step grows with what changed: a replication whose row is as it was, and for
// which no window, hold or age can have run out, is not evaluated again.
package rules
