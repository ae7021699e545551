package forward

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	ownID   = "AAAAAAAAAA"
	otherID = "BBBBBBBBBB"
	askedAt = "/socket.io/?EIO=4&transport=polling&sid=AAAAAAAAAA.s3cret"
)

// passedOn is a request as it comes in with a proof.
func passedOn(method, uri, value string) *http.Request {
	return &http.Request{Method: method, RequestURI: uri, Header: http.Header{Header: {value}}}
}

func key(fill byte) []byte { return bytes.Repeat([]byte{fill}, 32) }

func TestProofIsBelieved(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_123)
	for _, client := range []string{"203.0.113.7:1234", "203.0.113.7", "[2001:db8::1]:80", "unix", "::1"} {
		for _, verb := range []string{verbPass, verbLeft, verbRelease} {
			p := proof{verb: verb, from: otherID, target: ownID, client: client, at: now}
			for _, keys := range [][][]byte{{key(1)}, {key(2), key(1)}} {
				got, err := read(passedOn("GET", askedAt, p.sign(key(1), "GET", askedAt)), keys, now.Add(maxSkew), ownID)
				if err != nil || *got != p {
					t.Errorf("%+v, %v; want %+v", got, err, p)
				}
			}
		}
	}
}

// TestHardeningForgedProofs changes each thing that a proof signs, and nothing else.
func TestHardeningForgedProofs(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_123)
	p := proof{verb: verbPass, from: otherID, target: ownID, client: "203.0.113.7:1234", at: now}
	signed := p.sign(key(1), "GET", askedAt)
	field := func(n int, value string) string {
		fields := strings.SplitN(signed, " ", proofFields)
		fields[n] = value
		return strings.Join(fields, " ")
	}
	mac := strings.Fields(signed)[5]
	for what, r := range map[string]*http.Request{
		"method":              passedOn("POST", askedAt, signed),
		"path":                passedOn("GET", "/other/?EIO=4&transport=polling&sid=AAAAAAAAAA.s3cret", signed),
		"query":               passedOn("GET", askedAt+"x", signed),
		"version":             passedOn("GET", askedAt, field(0, "2")),
		"verb":                passedOn("GET", askedAt, field(1, verbLeft)),
		"sender":              passedOn("GET", askedAt, field(2, ownID)),
		"target":              passedOn("GET", askedAt, field(3, otherID)),
		"time":                passedOn("GET", askedAt, field(4, strconv.FormatInt(now.UnixMilli()+1, 10))),
		"time's form":         passedOn("GET", askedAt, field(4, "+"+strconv.FormatInt(now.UnixMilli(), 10))),
		"MAC":                 passedOn("GET", askedAt, field(5, strings.Repeat("A", len(mac)))),
		"MAC that is shorter": passedOn("GET", askedAt, field(5, mac[:20])),
		"no MAC":              passedOn("GET", askedAt, field(5, "")),
		"MAC of another form": passedOn("GET", askedAt, field(5, mac+"=")),
		"client":              passedOn("GET", askedAt, field(6, "127.0.0.1:1")),
		"client with more":    passedOn("GET", askedAt, signed+" "),
		"nothing":             passedOn("GET", askedAt, ""),
		"too few fields":      passedOn("GET", askedAt, "1 pass"),
		"too long":            passedOn("GET", askedAt, signed+strings.Repeat("x", maxProof)),
		"another key":         passedOn("GET", askedAt, p.sign(key(3), "GET", askedAt)),
		"two of them":         {Method: "GET", RequestURI: askedAt, Header: http.Header{Header: {signed, signed}}},
		"a registration": passedOn("GET", askedAt, func() string {
			at := strconv.FormatInt(now.UnixMilli(), 10)
			return "1 pass " + otherID + " " + ownID + " " + at + " " + strings.Fields((&endpoint{id: ownID, address: "http://h:1"}).sign(key(1), now))[4] + " x"
		}()),
	} {
		if got, err := read(r, [][]byte{key(1), key(2)}, now, ownID); got != nil || !errors.Is(err, errUnproven) {
			t.Errorf("%s was changed: %+v, %v", what, got, err)
		}
	}
	if got, err := read(passedOn("GET", askedAt, signed), nil, now, ownID); got != nil || !errors.Is(err, errUnproven) {
		t.Errorf("without a key: %+v, %v", got, err)
	}
}

// TestHardeningReplayedProofs: one that was recorded is good at no other server, and not for long.
func TestHardeningReplayedProofs(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_123)
	p := proof{verb: verbPass, from: otherID, target: ownID, client: "203.0.113.7:1234", at: now}
	r := passedOn("GET", askedAt, p.sign(key(1), "GET", askedAt))
	for _, at := range []time.Time{now.Add(maxSkew + time.Millisecond), now.Add(-maxSkew - time.Millisecond)} {
		if _, err := read(r, [][]byte{key(1)}, at, ownID); !errors.Is(err, errSkewed) {
			t.Errorf("%v later: %v", at.Sub(now), err)
		}
	}
	if _, err := read(r, [][]byte{key(1)}, now, otherID); !errors.Is(err, errMisled) {
		t.Errorf("at another server: %v", err)
	}
}

func TestIDs(t *testing.T) {
	for text, want := range map[string]bool{
		ownID: true, "web-1.ABCDEFGHIJ": true, "a_b." + ownID: true,
		"": false, "ABC": false, ownID + "x": false, "a.b." + ownID: false, ".": false, "é" + ownID[2:]: false, "a b." + ownID: false,
		strings.Repeat("x", 33) + "." + ownID: false, "web-1.": false, "AAAAAAAAA*": false, "*." + ownID: false,
	} {
		if got := isID(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
