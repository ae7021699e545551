package cluster

import (
	"encoding/binary"
	"strings"
	"sync"
)

// A broadcast of ours carries a number as a fourth element behind the three of
// Node's format, which Node does not look at. By it a server knows what it got
// already, when a broken connection made the sender publish it again, and how many
// it missed.

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

// maxSenders bounds how many senders are remembered. A server that starts anew is
// a new one.
const maxSenders = 4096

// senders remembers the latest number of each sender.
type senders struct {
	mu     sync.Mutex
	latest map[string]uint64
	missed uint64
}

// fresh says whether a message is to be handled, and not a repetition.
func (s *senders) fresh(uid string, n uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, known := s.latest[uid]
	if known && n <= last {
		return false
	}
	if known {
		s.missed += n - last - 1
	} else if s.latest == nil || len(s.latest) >= maxSenders {
		s.latest = make(map[string]uint64)
	}
	s.latest[uid] = n
	return true
}

func (s *senders) count() (missed uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.missed
}
