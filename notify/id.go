package notify

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"watchdog/alert"
)

// crockford is the alphabet of ULIDs: it sorts like the bytes it encodes.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// messageID makes the unchanging id of a message: the form of a ULID, six bytes of time in
// milliseconds and ten of a hash of what is said to whom. The same decision gives the same id.
func messageID(at time.Time, sink string, group map[string]string, alerts []alert.Transition) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d\xff%s\xff", at.UnixMicro(), sink)
	for _, name := range slices.Sorted(maps.Keys(group)) {
		fmt.Fprintf(h, "%s=%s\xff", name, group[name])
	}
	for i := range alerts {
		fmt.Fprintf(h, "%s %s %s\xff", alerts[i].Fingerprint, alerts[i].Status, alerts[i].Reason)
	}
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	var raw [16]byte
	copy(raw[:6], ms[2:])
	copy(raw[6:], h.Sum(nil))
	return "dlv_" + ulid(raw)
}

// ulid writes 16 bytes as 26 characters of 5 bits, the first two of which are 0.
func ulid(b [16]byte) string {
	var shifted [17]byte
	for i, v := range b {
		shifted[i] |= v >> 2
		shifted[i+1] = v << 6
	}
	return crockford.EncodeToString(shifted[:])[:26]
}
