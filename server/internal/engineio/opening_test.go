package engineio

import (
	"bufio"
	"crypto/tls"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// What is kept of a request gives the same request back.
func TestOpening(t *testing.T) {
	for _, raw := range []string{
		"GET /socket.io/?EIO=4&transport=websocket&x=%20%C3%A4 HTTP/1.1\r\nHost: h:1\r\nCookie: a=b; c=\"d:e\"\r\nX: 1\r\nX: 2\r\nEmpty:\r\n\r\n",
		"GET http://other:80/a%2Fb?c=d HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n",
	} {
		want, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			t.Fatal(err)
		}
		want.RemoteAddr, want.TLS = "[::1]:4711", new(tls.ConnectionState)
		o := keep(want)
		got := o.request()
		for _, c := range []struct{ name, got, want any }{
			{"method", got.Method, want.Method},
			{"URL", got.URL, want.URL},
			{"host", got.Host, want.Host},
			{"address", got.RemoteAddr, want.RemoteAddr},
			{"request URI", got.RequestURI, want.RequestURI},
			{"header", got.Header, want.Header},
			{"TLS", got.TLS, want.TLS},
		} {
			if !reflect.DeepEqual(c.got, c.want) {
				t.Errorf("%s of %q: %v, not %v", c.name, raw, c.got, c.want)
			}
		}
	}
}

// Of a long header the fields are kept that matter most, each whole or not at all.
func TestOpeningOfALongHeader(t *testing.T) {
	r, err := http.NewRequest(http.MethodGet, "http://h/socket.io/?EIO=4", nil)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 3000)
	r.Header = http.Header{
		"Aaa": {long}, "Cookie": {long}, "Authorization": {"Basic " + long}, "User-Agent": {"a", long},
		"X-Forwarded-For": {"192.0.2.1", "192.0.2.2"}, "Small": {"1"}, "Zzz": {strings.Repeat("z", 60_000)},
	}
	o := keep(r)
	got := o.request()
	for _, name := range []string{"Cookie", "Authorization", "X-Forwarded-For", "Small"} {
		if !reflect.DeepEqual(got.Header[name], r.Header[name]) {
			t.Errorf("%s is not kept", name)
		}
	}
	for _, name := range []string{"Aaa", "User-Agent", "Zzz"} {
		if got.Header.Values(name) != nil {
			t.Errorf("%s is kept, in part or whole", name)
		}
	}
	if got.Host != "h" || got.URL.String() != r.URL.String() || len(o.text) > maxKeptHeader+100 {
		t.Errorf("host %q, URL %v, %d bytes", got.Host, got.URL, len(o.text))
	}
}
