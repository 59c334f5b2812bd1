package web

import (
	"time"

	"watchdog/notify"
)

type windowList struct {
	Windows []notify.WindowState `json:"windows"`
}

func (s *Server) listWindows(*request) (any, error) {
	return windowList{s.windows(time.Now())}, nil
}

func (s *Server) windows(now time.Time) []notify.WindowState {
	if s.Windows == nil {
		return []notify.WindowState{}
	}
	return s.Windows(now)
}
