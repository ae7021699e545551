package engineio

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"hipflask/server/internal/engineio/payload"
)

// zipped polls as a browser does and returns the body as it came, and what is in it.
func (f *fixture) zipped(query string) (encoding string, raw []byte, text string) {
	f.t.Helper()
	req, err := http.NewRequest(http.MethodGet, f.url(query), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := f.http.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	if raw, err = io.ReadAll(resp.Body); err != nil {
		f.t.Fatal(err)
	}
	encoding, text = resp.Header.Get("Content-Encoding"), string(raw)
	if encoding == "gzip" {
		unzip, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			f.t.Fatal(err)
		}
		all, err := io.ReadAll(unzip)
		if err != nil {
			f.t.Fatal(err)
		}
		text = string(all)
	}
	return encoding, raw, text
}

// A message that is not to be compressed is in no answer's compressed part, whatever its size and
// whatever else is in the answer, which all clients read.
func TestMessagesThatAreNotCompressed(t *testing.T) {
	f := start(t, func(c *Config) { c.Compression, c.CompressionThreshold = true, 1024 })
	secret, open := strings.Repeat("secret ", 300), strings.Repeat("open ", 400)
	large := strings.Repeat("large secret ", 20_000)
	stored := func(text string) *Message {
		m := textMessage(t, text)
		m.DoNotCompress()
		return m
	}
	for what, test := range map[string]struct {
		sent []*Message
		want string
		gzip bool
	}{
		"alone":        {[]*Message{stored(secret)}, "4" + secret, false},
		"large, alone": {[]*Message{stored(large)}, "4" + large, false},
		"among others": {[]*Message{textMessage(t, open), stored(secret), textMessage(t, open), stored(large)},
			"4" + open + "\x1e4" + secret + "\x1e4" + open + "\x1e4" + large, true},
		"with little else": {[]*Message{textMessage(t, "x"), stored(secret), stored("y"), textMessage(t, "z")},
			"4x\x1e4" + secret + "\x1e4y\x1e4z", false},
	} {
		o, query := f.polling(4)
		for _, m := range test.sent {
			o.Send(m)
		}
		encoding, raw, text := f.zipped(query)
		if text != test.want || encoding == "gzip" != test.gzip {
			t.Errorf("%s: %q, %.200q", what, encoding, text)
		}
		for _, part := range []string{secret[:200], large[:200]} {
			if strings.Contains(test.want, part) && !bytes.Contains(raw, []byte(part)) {
				t.Errorf("%s: %.20q was compressed", what, part)
			}
		}
		if test.gzip && bytes.Contains(raw, []byte(open)) {
			t.Errorf("%s: nothing was compressed", what)
		}
	}
}

// JSONP has something around what is sent, which does not change how that is.
func TestItemsOfJSONP(t *testing.T) {
	m := textMessage(t, "secret")
	m.DoNotCompress()
	items, size := itemsOf([]portion{{Message: m, count: 1}}, payload.V4JSONP, "before(", ");")
	if len(items) != 2 || items[0].stored || !items[1].stored || string(items[1].run) != "4secret);" || size != len("before(") {
		t.Errorf("%d bytes to compress in %+v", size, items)
	}
}
