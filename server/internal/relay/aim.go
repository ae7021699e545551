package relay

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// Aim has a request that is passed on go to the target, for what was asked for: path and query byte
// for byte, and the same host.
func (t Target) Aim(p *httputil.ProxyRequest) {
	out := p.Out
	out.URL.Scheme, out.URL.Host = t.scheme, t.host
	if t.socket != "" {
		out.URL.Host = url.PathEscape(t.socket) // what connections are kept under; Dial has the socket
	}
	out.URL.User = nil
	out.Host = p.In.Host
	setPath(out, p.In.RequestURI)
}

// Dial connects to the target, however the request was aimed.
func (t Target) Dial(ctx context.Context, dialer *net.Dialer) (net.Conn, error) {
	if t.socket != "" {
		return dialer.DialContext(ctx, "unix", t.socket)
	}
	return dialer.DialContext(ctx, "tcp", t.host)
}

// IsDial reports whether an error is that of a server which is not there.
func IsDial(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// setPath has the request line name what was asked for, byte for byte and without a host.
func setPath(out *http.Request, uri string) {
	path, query, asks := strings.Cut(uri, "?")
	if !strings.HasPrefix(path, "/") { // the absolute form, or a request made by hand
		path = out.URL.EscapedPath()
		path = cmp.Or(path, "/")
		query, asks = out.URL.RawQuery, out.URL.ForceQuery
	}
	out.URL.RawQuery, out.URL.ForceQuery = query, asks
	if !strings.HasPrefix(path, "//") {
		// Path alone would be written in our own spelling where its own is unusual.
		out.URL.Opaque = path
		return
	}
	out.URL.Opaque = "" // two slashes there would be taken for a host; Path says the same
}

// withoutUpgrade returns the request without a wish for another protocol than WebSocket: HTTP/2
// would let requests pass that nobody has looked at.
func withoutUpgrade(r *http.Request) *http.Request {
	if wish := r.Header.Get("Upgrade"); wish == "" || strings.EqualFold(wish, "websocket") {
		return r
	}
	out := new(http.Request)
	*out = *r
	out.Header = r.Header.Clone()
	out.Header.Del("Upgrade")
	return out
}
