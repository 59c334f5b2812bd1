package watch

import (
	"time"

	"github.com/robfig/cron/v3"
)

// Setting lets tests say what two clocks show.
var Setting = setting

// Steady lets tests ask a schedule as the loop does.
func Steady(s cron.Schedule, now time.Time) time.Time { return steady{s}.Next(now) }
