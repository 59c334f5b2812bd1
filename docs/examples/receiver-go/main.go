// Receiver takes Watchdog's webhooks: it verifies the signature, drops repeats and prints one
// line for each alert. It needs nothing but the standard library.
//
//	HOOK_SECRET=whsec_... go run . -listen 127.0.0.1:9000
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// message is what this receiver reads of a body; there is more (docs/webhook.schema.json).
type message struct {
	ID     string `json:"id"`
	Alerts []struct {
		Status  string `json:"status"`
		Rule    string `json:"rule"`
		Server  string `json:"server"`
		DocID   string `json:"doc_id"`
		Summary string `json:"summary"`
	} `json:"alerts"`
}

const tolerance = 5 * time.Minute

// verify reports why a message is not Watchdog's, or is too old to be taken.
func verify(key, body []byte, header http.Header, now time.Time) error {
	id, timestamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return errors.New("webhook-timestamp is missing or no number")
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return errors.New("webhook-timestamp is too far from now")
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	want := mac.Sum(nil)
	for signature := range strings.FieldsSeq(header.Get("webhook-signature")) {
		encoded, isV1 := strings.CutPrefix(signature, "v1,")
		got, err := base64.StdEncoding.DecodeString(encoded)
		if isV1 && err == nil && hmac.Equal(got, want) { // in constant time
			return nil
		}
	}
	return errors.New("no signature fits")
}

// keyOf is the signing key: base64 after "whsec_", or the text itself.
func keyOf(secret string) ([]byte, error) {
	if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		return base64.StdEncoding.DecodeString(encoded)
	}
	return []byte(secret), nil
}

// receiver remembers the ids it has taken. A real one keeps them for a day, on disk.
type receiver struct {
	key  []byte
	mu   sync.Mutex // guards seen
	seen map[string]bool
}

func (rc *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusServiceUnavailable) // sent again
		return
	}
	if err := verify(rc.key, body, r.Header, time.Now()); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized) // not sent again
		return
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		http.Error(w, "the body is not what was expected", http.StatusBadRequest)
		return
	}
	rc.mu.Lock()
	repeated := rc.seen[m.ID]
	rc.seen[m.ID] = true
	rc.mu.Unlock()
	if !repeated {
		for _, a := range m.Alerts {
			fmt.Printf("%s %s %s/%s: %q\n", a.Status, a.Rule, a.Server, a.DocID, a.Summary)
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func main() {
	listen := flag.String("listen", "127.0.0.1:9000", "where to listen")
	flag.Parse()
	key, err := keyOf(os.Getenv("HOOK_SECRET"))
	if err != nil || len(key) == 0 {
		log.Fatal("HOOK_SECRET is missing or not base64 after whsec_")
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, &receiver{key: key, seen: map[string]bool{}}))
}
