package config

import (
	"fmt"
	"slices"
	"time"

	"watchdog/diag"
	"watchdog/notify"
)

// WindowSpec is a named time that comes again and again, as it is written in YAML.
type WindowSpec struct {
	Name     string        `yaml:"name"`      // unique; routes mute by it
	Start    string        `yaml:"start"`     // a schedule: when it begins
	Duration time.Duration `yaml:"duration"`  // how long it is open each time
	TimeZone string        `yaml:"time_zone"` // of start; default: that of the config
}

// buildWindows checks the windows. One with a mistake is kept, so that routes still find its
// name.
func (l *loader) buildWindows(main *document) []notify.Window {
	var windows []notify.Window
	for i, spec := range l.config.Understood.Windows {
		at := origin{main, fmt.Sprintf("windows[%d]", i)}
		if spec.Name == "" {
			l.problem(at, diag.Problemf("name", "give it a name that routes can mute by", "a window has no name"))
		}
		if slices.ContainsFunc(windows, func(w notify.Window) bool { return w.Name == spec.Name }) {
			l.problem(at, diag.Problemf("name", "rename or remove one", "the window %q is defined twice", spec.Name))
		}
		if spec.Duration <= 0 {
			l.problem(at, diag.Problemf("duration", "write how long it is open, as 2h", "a window needs a duration"))
		}
		location := l.config.Location
		if spec.TimeZone != "" {
			zone, err := loadLocation(spec.TimeZone)
			if err != nil {
				l.problem(at, diag.Problemf("time_zone", zoneHint, "%q is not a time zone", spec.TimeZone))
			} else {
				location = zone
			}
		}
		schedule, problem := ParseSchedule(spec.Start, location)
		if problem != nil {
			problem.Field = "start"
			l.problem(at, *problem)
		}
		windows = append(windows, notify.Window{Name: spec.Name, Start: schedule, Duration: spec.Duration})
	}
	return windows
}
