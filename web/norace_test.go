//go:build !race

package web_test

// slowdown is by how much longer things may take than is promised: not at all.
const slowdown = 1
