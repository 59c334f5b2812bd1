package email_test

import (
	"bufio"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// server is a small SMTP server with a certificate of its own.
type server struct {
	addr   string
	caFile string

	implicit bool                     // TLS from the first byte on
	bare     bool                     // no STARTTLS
	greeting string                   // in place of 220
	answer   func(line string) string // of a command, "" for what is usual; "close" and "hang" do that
	taken    func(m letter)           // of each mail, after its final dot, before the answer

	certificate tls.Certificate
	stopped     chan struct{}

	mu    sync.Mutex // guards heard
	heard []string   // all commands
}

// letter is one mail as it came.
type letter struct {
	from string
	to   []string
	text string
}

func (s *server) start(t *testing.T) *server {
	t.Helper()
	certified := httptest.NewTLSServer(nil)
	s.certificate = certified.TLS.Certificates[0]
	s.caFile = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certified.Certificate().Raw})
	certified.Close()
	if err := os.WriteFile(s.caFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr, s.stopped = l.Addr().String(), make(chan struct{})
	var serving sync.WaitGroup
	t.Cleanup(func() {
		close(s.stopped)
		l.Close()
		serving.Wait()
	})
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				s.serve(conn)
			})
		}
	})
	return s
}

// talk is one connection.
type talk struct {
	net.Conn
	lines *bufio.Reader
}

func (c *talk) say(text string) { fmt.Fprintf(c.Conn, "%s\r\n", text) }

func (s *server) secure(conn net.Conn) *talk {
	conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{s.certificate}})
	return &talk{conn, bufio.NewReader(conn)}
}

func (s *server) serve(conn net.Conn) {
	c := &talk{conn, bufio.NewReader(conn)}
	encrypted := s.implicit
	if encrypted {
		c = s.secure(conn)
	}
	switch s.greeting {
	case "":
		c.say("220 mail.example.com ESMTP")
	case "hang":
		s.hang(c)
		return
	case "flood":
		for {
			if _, err := c.Write([]byte("220-" + strings.Repeat("welcome ", 1000) + "\r\n")); err != nil {
				return
			}
		}
	default:
		c.say(s.greeting)
	}
	var mail letter
	for {
		line, err := c.lines.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		s.note(line)
		if s.answer != nil {
			switch text := s.answer(line); text {
			case "":
			case "close":
				return
			case "hang":
				s.hang(c)
				return
			default:
				c.say(text)
				continue
			}
		}
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			offers := "250-mail.example.com\r\n"
			if !encrypted && !s.bare {
				offers += "250-STARTTLS\r\n"
			}
			c.say(offers + "250 AUTH PLAIN LOGIN")
		case "STARTTLS":
			c.say("220 go on")
			c, encrypted = s.secure(conn), true
		case "AUTH":
			c.say("235 welcome")
		case "MAIL":
			mail = letter{from: rest}
			c.say("250 ok")
		case "RCPT":
			mail.to = append(mail.to, strings.Trim(rest[len("TO:"):], "<>"))
			c.say("250 ok")
		case "DATA":
			c.say("354 go on")
			if mail.text, err = body(c.lines); err != nil {
				return
			}
			text := "250 ok: queued"
			if s.answer != nil && s.answer(".") != "" {
				text = s.answer(".")
			}
			if text == "hang" {
				s.hang(c)
				return
			}
			if s.taken != nil && strings.HasPrefix(text, "250") {
				s.taken(mail)
			}
			c.say(text)
		case "QUIT":
			c.say("221 bye")
			return
		default:
			c.say("250 ok")
		}
	}
}

// hang says nothing until the other side or the test ends.
func (s *server) hang(c *talk) {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		c.lines.ReadByte()
	}()
	select {
	case <-gone:
	case <-s.stopped:
	}
}

func (s *server) note(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, line)
}

// all is what was heard so far.
func (s *server) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.heard, " ")
}

// body is a mail up to its final dot.
func body(lines *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return "", err
		}
		if line == ".\r\n" {
			return b.String(), nil
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
}
