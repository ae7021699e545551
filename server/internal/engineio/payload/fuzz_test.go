package payload

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// fuzzedPackets is how many packets a fuzzed payload may hold.
const fuzzedPackets = 64

// What the fuzz targets check of every body: the decoder neither panics nor writes to the body,
// hands on no more than the body holds, in no more packets than are allowed; and what it took in,
// written down again, decodes to the same.

func FuzzDecodeV4(f *testing.F) {
	for _, seed := range []string{"4hello", "4a\x1e2\x1ebAAEC", "b", "4\x1e", "4é👋", "bAA*="} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got, ok := fuzzDecode(t, DecodeV4, in)
		if !ok {
			return
		}
		again(t, DecodeV4, body(V4, messagesOf(got)...), got)
	})
}

func FuzzDecodeV3(f *testing.F) {
	for _, seed := range []string{"6:4hello", "2:4a1:22:4b", "4:4é👋1:2", "6:b4AAEC", "3:4Ã©", "99999999999:4"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got, ok := fuzzDecode(t, DecodeV3, in)
		if !ok {
			return
		}
		again(t, DecodeV3Binary, body(V3Binary, messagesOf(got)...), got)
		// The text form escapes what is not ASCII in the JSON part. What is left before it may look
		// like the double encoding of 1.x, and is not ours.
		for i, p := range got {
			if isAttachment(p) {
				continue
			}
			escaped := asciiText([]byte(p))
			if !bytes.Equal(undouble(escaped), escaped) {
				return
			}
			got[i] = string(escaped)
		}
		again(t, DecodeV3, body(V3, messagesOf(got)...), got)
	})
}

func FuzzDecodeV3Binary(f *testing.F) {
	for _, seed := range []string{"\x00\x06\xff4hello", "\x01\x04\xff\x04\x00\x01\x02", "\x00\x02\xff4a\x01\x02\xff\x04\xff", "\x00\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got, ok := fuzzDecode(t, DecodeV3Binary, in)
		if !ok {
			return
		}
		again(t, DecodeV3Binary, body(V3Binary, messagesOf(got)...), got)
	})
}

func fuzzDecode(t *testing.T, decode decoder, body []byte) (packets, bool) {
	t.Helper()
	var got packets
	before := bytes.Clone(body)
	err := decode(body, fuzzedPackets, &got)
	if !bytes.Equal(before, body) {
		t.Fatalf("%q was written to", before)
	}
	size := 0
	for _, p := range got {
		size += len(p)
		if isAttachment(p) {
			size -= len("binary ")
		}
	}
	if len(got) > fuzzedPackets || size > len(body) {
		t.Fatalf("%q holds %d packets of %d bytes", body, len(got), size)
	}
	return got, err == nil
}

// isAttachment tells the sink's two kinds apart: no text packet begins with a b.
func isAttachment(packet string) bool { return strings.HasPrefix(packet, "binary ") }

// messagesOf makes messages of packets: an attachment belongs to the text before it.
func messagesOf(got packets) []message {
	var list []message
	for _, p := range got {
		if !isAttachment(p) {
			list = append(list, message{text: p})
			continue
		}
		if len(list) == 0 {
			list = append(list, message{text: "4"})
		}
		last := &list[len(list)-1]
		last.bins = append(last.bins, []byte(strings.TrimPrefix(p, "binary ")))
	}
	return list
}

// again decodes what was encoded and compares, but for a text that messagesOf had to put before an
// attachment.
func again(t *testing.T, decode decoder, body []byte, want packets) {
	t.Helper()
	var got packets
	if err := decode(body, 2*fuzzedPackets, &got); err != nil {
		t.Fatalf("%q does not decode: %v", body, err)
	}
	if len(got) == len(want)+1 && got[0] == "4" {
		got = got[1:]
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%q decodes to %q, want %q", body, got, want)
	}
}
