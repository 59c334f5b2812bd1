package web

import "time"

// statusAnswer is which program this is, and which config is in use.
type statusAnswer struct {
	Build
	StartedAt time.Time  `json:"started_at"`
	Config    configInfo `json:"config"`
}

// configInfo is how loading the config went.
type configInfo struct {
	Path     string    `json:"path"`      // of the main file; absolute
	LoadedAt time.Time `json:"loaded_at"` // when the one that is in use was
	Error    string    `json:"error"`     // why the last attempt failed, "" when it did not
	Reloaded           // what the one that is in use brought when it was loaded
}

func (s *Server) status(*request) (any, error) {
	return statusAnswer{s.Build, s.Board.Started(), s.configInfo()}, nil
}

func (s *Server) configInfo() configInfo {
	info := configInfo{Path: s.ConfigPath}
	if c := s.config.Load(); c != nil {
		info.LoadedAt, info.Error, info.Reloaded = c.at, message(c.err), c.last
	}
	info.Changes, info.RestartNeeded = orNone(info.Changes), orNone(info.RestartNeeded)
	return info
}
