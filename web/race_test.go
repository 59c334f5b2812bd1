//go:build race

package web_test

// slowdown is by how much longer things may take: the race detector costs that much.
const slowdown = 10
