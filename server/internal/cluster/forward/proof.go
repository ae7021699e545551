package forward

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hipflask/server/internal/cluster/keyring"
)

// Header is the field in which one server proves to another that it passes a request on. It is
// removed from every other request, and never logged.
const Header = "Hipflask-Forwarded"

// maxSkew is how old a proof may be, or how far ahead. The servers' own clocks do not count, see
// [keyring.Ring.Now].
const maxSkew = time.Minute

// What the first server wants of the one that has the session.
const (
	verbPass    = "pass"    // the client's request, to be answered
	verbLeft    = "left"    // the client has left: so has it the session, if the poll still waits
	verbLost    = "lost"    // the answer to its poll did not reach it
	verbRelease = "release" // the poll that waits is to be answered, with nothing
	verbAlive   = "alive"   // nothing but an answer
)

// proof is what a server says of a request that it passes on.
type proof struct {
	verb   string
	from   string // the id of the server that passes it on
	target string // and of the one that it is for
	client string // the client's address
	at     time.Time
}

const (
	proofVersion = "1"
	proofFields  = 7
	// maxProof bounds what is read: an id has 43 bytes, an address with its zone and port less than
	// 100.
	maxProof = 512
)

// The errors of reading a proof.
var (
	errUnproven = errors.New("it does not come from a server of this cluster")
	errSkewed   = errors.New("it was signed too long ago, or by a clock that is ahead")
	errMisled   = errors.New("it is for another server")
)

// sign is the header's value. uri is the request's target as it is sent.
func (p *proof) sign(key []byte, method, uri string) string {
	at := strconv.FormatInt(p.at.UnixMilli(), 10)
	mac := keyring.MAC(key, "request", p.verb, method, uri, p.from, p.target, at, p.client)
	return strings.Join([]string{proofVersion, p.verb, p.from, p.target, at, base64.RawURLEncoding.EncodeToString(mac), p.client}, " ")
}

// read reads the header of a request and checks its signature with one of the keys, its age, and
// whether it is for this server, in this order.
func read(r *http.Request, keys [][]byte, now time.Time, own string) (*proof, error) {
	values := r.Header[Header]
	if len(values) != 1 || len(values[0]) > maxProof {
		return nil, errUnproven
	}
	fields := strings.SplitN(values[0], " ", proofFields)
	if len(fields) != proofFields || fields[0] != proofVersion {
		return nil, errUnproven
	}
	p := &proof{verb: fields[1], from: fields[2], target: fields[3], client: fields[6]}
	mac, err := base64.RawURLEncoding.Strict().DecodeString(fields[5])
	if err != nil || !keyring.IsMAC(mac, keys, "request", p.verb, r.Method, r.RequestURI, p.from, p.target, fields[4], p.client) {
		return nil, errUnproven
	}
	at, err := strconv.ParseInt(fields[4], 10, 64)
	if err != nil { // not what one of ours has signed
		return nil, errUnproven
	}
	p.at = time.UnixMilli(at)
	if age := now.Sub(p.at).Abs(); age > maxSkew {
		return p, errSkewed
	}
	if p.target != own {
		return p, errMisled
	}
	return p, nil
}
