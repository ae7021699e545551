package handshake

import (
	"crypto/tls"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"hipflask/server/internal/packet"
)

func TestOf(t *testing.T) {
	r := httptest.NewRequest("GET", "/socket.io/?EIO=4&transport=polling&a=1&a=2", nil)
	r.Host, r.TLS = "example.com:5000", &tls.ConnectionState{}
	r.Header.Set("Origin", "http://other.example")
	r.Header["X-Twice"] = []string{"1", "2"}
	r.Header.Set("Cookie", "session=secret")
	at := time.Date(2026, 11, 26, 9, 5, 3, 7e6, time.FixedZone("", 3600))
	h := Of(r, "192.0.2.1", at).WithHeaders(r)
	want := &Handshake{
		Headers: map[string]string{"host": "example.com:5000", "origin": "http://other.example", "x-twice": "1, 2", "cookie": "session=secret"},
		Time:    "Thu Nov 26 2026 09:05:03 GMT+0100", Address: "192.0.2.1", Xdomain: true, Secure: true,
		Issued: at.UnixMilli(), URL: "/socket.io/?EIO=4&transport=polling&a=1&a=2",
		Query: map[string]string{"EIO": "4", "transport": "polling", "a": "2"},
	}
	if !reflect.DeepEqual(h, want) {
		t.Errorf("%+v, want %+v", h, want)
	}
	h.Hide()
	if h.Headers["cookie"] != "(hidden)" || h.Headers["authorization"] != "" || h.Headers["host"] == "(hidden)" {
		t.Errorf("hidden: %v", h.Headers)
	}
}

// What is written is read again, auth in its own key order.
func TestRead(t *testing.T) {
	h := Of(httptest.NewRequest("GET", "/?transport=websocket", nil), "::1", time.UnixMilli(1234567890123))
	h.Auth = packet.Value{JSON: []byte(`{"b":12345678901234567890,"a":"é"}`)}
	v, err := packet.NewValue(h)
	if err != nil {
		t.Fatal(err)
	}
	got := Read(v)
	if got.Address != "::1" || got.Transport != "websocket" || got.At.UnixMilli() != 1234567890123 ||
		string(got.Auth.JSON) != `{"b":12345678901234567890,"a":"é"}` {
		t.Errorf("%s is read as %+v", v.JSON, got)
	}
}

func TestReadWhatIsNone(t *testing.T) {
	for _, text := range []string{``, `null`, `7`, `[]`, `{}`, `{"address":1,"issued":"x","query":[{}],"auth":null}`, `{"query":{"transport":{}}}`} {
		got := Read(packet.Value{JSON: []byte(text)})
		if got.Address != "" || got.Transport != "" || !got.At.IsZero() || !got.Auth.IsNull() {
			t.Errorf("%s: %+v", text, got)
		}
	}
}
