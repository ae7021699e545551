package parity

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"

	"hipflask/testdata/testkit"
)

// originScenes ask with every kind of Origin on every kind of request.
func originScenes() []scene {
	cases := []struct {
		name   string
		header []string
	}{
		{"no origin", nil},
		{"the same origin", []string{"Origin: http://ADDR"}},
		{"the same origin over TLS", []string{"Origin: https://ADDR"}},
		{"a foreign origin", []string{"Origin: http://evil.example"}},
		{"origin null", []string{"Origin: null"}},
		{"an empty origin", []string{"Origin:"}},
		{"a longer origin", []string{"Origin: http://ADDR.evil.example"}},
		{"an origin with a path", []string{"Origin: http://ADDR/"}},
		{"another port", []string{"Origin: http://127.0.0.1:1"}},
		{"forwarded proto", []string{"Origin: https://ADDR", "X-Forwarded-Proto: https"}},
		{"forwarded host", []string{"Origin: http://chat.example", "X-Forwarded-Host: chat.example"}},
		{"forwarded proto and host", []string{"Origin: https://chat.example:8443", "X-Forwarded-Proto: https", "X-Forwarded-Host: chat.example:8443"}},
		{"forwarded twice", []string{"Origin: https://chat.example", "X-Forwarded-Proto: https, http", "X-Forwarded-Host: chat.example, inner"}},
		{"forwarded by another", []string{"Origin: https://evil.example", "X-Forwarded-Proto: https", "X-Forwarded-Host: chat.example"}},
		{"forwarded, and the own origin", []string{"Origin: http://ADDR", "X-Forwarded-Proto: https", "X-Forwarded-Host: chat.example"}},
		{"forwarded port", []string{"Origin: https://chat.example:8443", "X-Forwarded-Proto: https", "X-Forwarded-Host: chat.example", "X-Forwarded-Port: 8443"}},
		{"asked headers", []string{"Origin: http://ADDR", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type,x-token"}},
		{"asked headers, foreign", []string{"Origin: http://evil.example", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type"}},
	}
	requests := []httpRequest{
		{name: "poll", method: http.MethodGet, target: testkit.PollingPath},
		{name: "POST", method: http.MethodPost, target: testkit.PollingPath + "&sid=SID", body: "40"},
		{name: "preflight", method: http.MethodOptions, target: testkit.PollingPath},
		{name: "preflight of a session", method: http.MethodOptions, target: testkit.PollingPath + "&sid=SID"},
		{name: "unknown session", method: http.MethodGet, target: testkit.PollingPath + "&sid=nobody"},
		{name: "websocket", method: http.MethodGet, target: testkit.WebSocketPath, header: upgradeHeader()},
	}
	var scenes []scene
	for _, r := range requests {
		for _, c := range cases {
			if strings.HasPrefix(c.name, "asked") && r.method != http.MethodOptions {
				continue
			}
			asked := r
			asked.header = slices.Concat(r.header, c.header)
			scenes = append(scenes, asked.named(r.name+", "+c.name).scene())
		}
	}
	return scenes
}

// proxyScenes go through a proxy on a port of its own, as a browser would that was given the
// proxy's page.
func proxyScenes() []scene {
	kinds := []struct {
		name string
		set  func(*httputil.ProxyRequest)
	}{
		{"that passes Host", func(r *httputil.ProxyRequest) { r.Out.Host = r.In.Host }},
		{"that says where it stands", func(r *httputil.ProxyRequest) {
			r.Out.Header.Set("X-Forwarded-Host", r.In.Host)
			r.Out.Header.Set("X-Forwarded-Proto", "http")
		}},
		{"for TLS", func(r *httputil.ProxyRequest) {
			r.Out.Host = r.In.Host
			r.Out.Header.Set("X-Forwarded-Proto", "https")
		}},
		{"that says nothing", func(*httputil.ProxyRequest) {}},
	}
	var scenes []scene
	for _, kind := range kinds {
		scenes = append(scenes, scene{"behind a proxy " + kind.name, func(s *story) {
			server := &url.URL{Scheme: "http", Host: s.addr}
			proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(server)
				kind.set(r)
			}})
			defer proxy.Close()
			addr := proxy.Listener.Addr().String()
			for _, scheme := range []string{"http", "https"} {
				header := http.Header{"Origin": {scheme + "://" + addr}}
				poll := s.request(addr, http.MethodGet, testkit.PollingPath, header, "")
				s.saw("poll from "+scheme, fmt.Sprint(poll.Status, strings.ReplaceAll(headersLike(poll.Header, "Access-Control-"), addr, "PROXY")))
				upgrade := s.request(addr, http.MethodGet, testkit.WebSocketPath, withUpgrade(header), "")
				s.saw("websocket from "+scheme, fmt.Sprint(upgrade.Status))
			}
		}})
	}
	return scenes
}
