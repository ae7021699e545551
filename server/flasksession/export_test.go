package flasksession

import "time"

// SetNow has the sessions take at for the present.
func (s *Sessions) SetNow(at time.Time) { s.now = func() time.Time { return at } }

// Sign signs a payload that Encode would never make.
func (s *Sessions) Sign(payload string) string { return s.signer.sign(payload, s.now()) }

// Pack compresses and encodes JSON that Encode would never make.
func Pack(text string) string { return pack([]byte(text)) }

// What Decode takes at most.
const (
	MaxText   = maxText
	MaxCookie = maxCookie
)
