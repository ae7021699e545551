package cluster

import (
	"encoding/binary"
	"hash/maphash"
	"strings"
	"sync"
)

// A broadcast of ours carries a number as a fourth element behind the three of Node's format, which
// Node does not look at. By it a server knows what it got already, when a broken connection made
// the sender publish it again, and how many it missed.

// uidPrefix begins the name of every Hipflask process, by which they know each other on the Flask
// queue; so many random digits end it.
const (
	uidPrefix = "hipflask-"
	uidDigits = 12
)

// isOurs reports whether a Hipflask server has that name.
func isOurs(uid string) bool { return strings.HasPrefix(uid, uidPrefix) }

// Parts of msgpack (its specification, "Formats").
const (
	threeElements = 0x93 // fixarray
	fourElements  = 0x94
	shortText     = 0xa0 // fixstr, with the length in the lower five bits
	number        = 0xcf // uint 64, eight bytes, big-endian

	serialSize = 9
)

// appendSerial puts a number behind a broadcast in Node's format.
func appendSerial(payload []byte, n uint64) []byte {
	if len(payload) == 0 || payload[0] != threeElements {
		return payload
	}
	payload[0] = fourElements
	payload = append(payload, number)
	return binary.BigEndian.AppendUint64(payload, n)
}

// withoutSerial takes the number of a broadcast that has one off again.
func withoutSerial(payload []byte) []byte {
	payload[0] = threeElements
	return payload[:len(payload)-serialSize]
}

// readSerial reads the sender and the number of a broadcast that has one.
func readSerial(payload string) (uid string, n uint64, ok bool) {
	if len(payload) < 2+serialSize || payload[0] != fourElements || payload[1]&^0x1f != shortText {
		return "", 0, false
	}
	end := 2 + int(payload[1]&0x1f)
	tail := len(payload) - serialSize
	if end > tail || payload[tail] != number || !strings.HasPrefix(payload[2:end], uidPrefix) {
		return "", 0, false
	}
	return payload[2:end], binary.BigEndian.Uint64([]byte(payload[tail+1:])), true
}

// What comes from Redis may be forged by whoever reaches it. So a number alone makes nothing a
// repetition, or a forged one would silence a server: the message must be the same, byte for byte,
// as one with that number before. And a gap that no server can make is not counted.
const (
	// maxSenders bounds how many senders are remembered, each with window numbers. A server that
	// starts anew is a new one.
	maxSenders = 512
	// maxBatch is how many messages are sent to Redis at once.
	maxBatch = 2048
	// window is more than a sender has in doubt when its connection breaks: a batch.
	window = 2 * maxBatch
	// maxGap is how many messages can be missing between two of a sender.
	maxGap = 1 << 32
)

// sender is what is remembered of one.
type sender struct {
	latest uint64
	heard  uint64 // when it was heard last, in messages of all senders
	// seen has the hash of each of the latest messages at its number modulo window.
	seen [window]uint64
}

// senders remembers the latest messages of each sender.
type senders struct {
	mu     sync.Mutex
	known  map[string]*sender
	seed   maphash.Seed // set with known
	heard  uint64
	missed uint64
	told   uint64 // of missed
}

// fresh reports whether a message is to be handled, and is no repetition.
func (s *senders) fresh(uid string, n uint64, message string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known, s.seed = make(map[string]*sender), maphash.MakeSeed()
	}
	s.heard++
	hash := maphash.String(s.seed, message)
	from := s.known[uid]
	switch {
	case from == nil:
		from = &sender{latest: n}
		s.makeRoomLocked()
		s.known[strings.Clone(uid)] = from
	case from.seen[n%window] == hash:
		return false
	case n > from.latest:
		if missed := n - from.latest - 1; missed < maxGap {
			s.missed += missed
		}
		from.latest = n
	case from.latest-n >= window:
		from.latest = n // that one was forged, or this one is
	}
	from.seen[n%window] = hash
	from.heard = s.heard
	return true
}

// makeRoomLocked forgets the sender that was silent longest when there are too many.
func (s *senders) makeRoomLocked() {
	if len(s.known) < maxSenders {
		return
	}
	oldest := ""
	for uid, from := range s.known {
		if oldest == "" || from.heard < s.known[oldest].heard {
			oldest = uid
		}
	}
	delete(s.known, oldest)
}

func (s *senders) count() (missed uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.missed
}

// untold returns how many more were missed since it was called last.
func (s *senders) untold() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.missed - s.told
	s.told = s.missed
	return n
}
