package packet

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// show writes a packet so that a table can say what it expects in one line.
func show(p *Packet) string {
	if p == nil {
		return "nil"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%v %s", p.Type, p.Namespace)
	if p.Query != "" {
		fmt.Fprintf(&b, " query=%s", p.Query)
	}
	if p.HasID {
		fmt.Fprintf(&b, " id=%d", p.ID)
	}
	if p.Type == Event {
		fmt.Fprintf(&b, " %q", p.Event)
	}
	for _, v := range p.Args {
		fmt.Fprintf(&b, " %s", v.JSON)
		if v.Attachments != nil {
			fmt.Fprintf(&b, "%q", v.Attachments)
		}
	}
	if p.Data != nil {
		fmt.Fprintf(&b, " data=%s", p.Data)
	}
	return b.String()
}

// decode gives a new decoder a text and its attachments, and expects a packet at the last of them
// and not before.
func decode(t *testing.T, limits Limits, text string, attachments ...string) *Packet {
	t.Helper()
	p, err := decodeAll(newDecoder(limits), text, attachments...)
	if err != nil {
		t.Fatalf("decoding %.200q: %v", text, err)
	}
	return p
}

func decodeAll(d *Decoder, text string, attachments ...string) (*Packet, error) {
	p, err := d.Text([]byte(text))
	for _, a := range attachments {
		if err != nil {
			return nil, err
		}
		if p != nil {
			return nil, errors.New("a packet before its attachments")
		}
		p, err = d.Binary([]byte(a))
	}
	if err == nil && p == nil {
		return nil, errors.New("no packet")
	}
	return p, err
}

// limitOf returns the limit an error names, "malformed" if none.
func limitOf(t *testing.T, err error) string {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T) is not an *Error", err, err)
	}
	if e.Limit == "" {
		if e.Reason == "" {
			t.Fatalf("an error without a reason")
		}
		return "malformed"
	}
	if !strings.Contains(e.Error(), e.Limit) || !strings.Contains(e.Error(), fmt.Sprint(e.Max)) {
		t.Errorf("message %q does not name the limit %s and its value %d", e, e.Limit, e.Max)
	}
	return e.Limit
}

// quoteAll writes attachments as a table expects them.
func quoteAll(attachments [][]byte) string {
	if attachments == nil {
		return ""
	}
	return fmt.Sprintf("%q", attachments)
}

func newDecoder(limits Limits) *Decoder { return &Decoder{Limits: limits} }
