package history

import "time"

// Level is how closely points are kept until they are of some age. Rows of one level that cover a
// Row of the next are folded into it when all of it is older than Keep.
type Level struct {
	Step time.Duration // at most one point in each; 0: every look
	Row  time.Duration // how much one row covers, about
	Keep time.Duration // how old its points are at least when they are folded
}

// Levels are all of them, the finest first. Each Row is a part of the next.
var Levels = [...]Level{
	{Step: 0, Row: 10 * time.Minute, Keep: time.Hour},
	{Step: time.Minute, Row: time.Hour, Keep: 6 * time.Hour},
	{Step: 10 * time.Minute, Row: 6 * time.Hour, Keep: 3 * day},
	{Step: time.Hour, Row: day, Keep: 30 * day},
	{Step: 6 * time.Hour, Row: 10 * day}, // kept for the retention
}

const day = 24 * time.Hour

// Fold gives of points the last one of each step. It works in place.
func Fold(points []Point, step time.Duration) []Point {
	kept, seconds := points[:0], int64(step/time.Second)
	for i, p := range points {
		if i+1 < len(points) && points[i+1].second/seconds == p.second/seconds {
			continue
		}
		kept = append(kept, p)
	}
	return kept
}
