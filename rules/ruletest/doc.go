// Package ruletest runs the tests that people write beside their rules: YAML files that say what
// a server shows, sample by sample, and which alerts and messages that must cause. What decides is
// cycle.Step, the function of the daemon.
//
// A File is what stands in the YAML; Compile checks it whole and makes Tests of it, and Run gives
// what a test did not find as expected. The package reads no file: recordings, rules and routes are
// given to it in a Plan.
//
// # Series
//
// What changes over the samples is written as a series, of values parted by blanks or commas:
//
//	A        one sample
//	AxN      N samples of A in all; N may stand apart, as in "running x3"
//	A+BxN    N samples, each B above the one before: 100+50x4 is 100 150 200 250
//	A-BxN    N samples, each B below the one before
//	_        a sample the server did not give; _xN, N of them
//	"A b"    a value with blanks or commas in it, in double quotes as JSON has them, or in single ones
//
// After its end a series stays as it was, so that a single value holds throughout. Steps are for
// numbers, and for sequences that are numbers. In a series of free text the N stands apart.
package ruletest
