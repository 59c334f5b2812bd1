package soak_test

import (
	"math/rand/v2"
	"testing"

	"watchdog/internal/soak"
)

func TestJudge(t *testing.T) {
	values := func(n int, at func(i int) float64) []float64 {
		all := make([]float64, n)
		for i := range all {
			all[i] = at(i)
		}
		return all
	}
	chance := rand.New(rand.NewPCG(1, 2))
	for _, tt := range []struct {
		name   string
		values []float64
		grows  bool
	}{
		{"nothing was measured", nil, false},
		{"what stands is flat", values(90, func(int) float64 { return 50 }), false},
		{"what is busy around one level is flat", values(90, func(int) float64 { return 50 + 30*chance.Float64() }), false},
		{"a saw tooth is flat", values(90, func(i int) float64 { return 50 + float64(i%8)*10 }), false},
		{"what has become warm in the first third is flat", values(90, func(i int) float64 { return float64(min(i, 30)) * 10 }), false},
		{"a peak near the end is no growth", append(values(80, func(int) float64 { return 50 }), values(10, func(int) float64 { return 5000 })...), false},
		{"what falls is no growth", values(90, func(i int) float64 { return 500 - float64(i) }), false},
		{"what is within the share and the slack is no growth", append(values(60, func(int) float64 { return 100 }), values(30, func(int) float64 { return 115 })...), false},
		{"a leak of one each time that something comes is found", values(90, func(i int) float64 { return 50 + float64(i) }), true},
		{"a leak that is busy is found", values(90, func(i int) float64 { return 50 + float64(i) + 30*chance.Float64() }), true},
		{"a leak that is given back now and then, but never whole, is found", values(90, func(i int) float64 { return 50 + float64(i/10)*10 + float64(i%10) }), true},
		{"a step that stays is found", append(values(60, func(int) float64 { return 100 }), values(30, func(int) float64 { return 116 })...), true},
		{"three looks are enough", []float64{0, 10, 100}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := soak.Series{Measure: soak.Measure{Name: "things", Unit: 1, Share: 0.1, Slack: 5}, Values: tt.values}
			if got := soak.Judge(s); got.Grows != tt.grows {
				t.Errorf("Judge: got %v, want grows: %t", got, tt.grows)
			}
		})
	}
}
