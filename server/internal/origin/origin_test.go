package origin

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
)

// request is one to a Host, with headers in pairs.
func request(host string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = host
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// The server's own origin counts beside every list; a pattern's star is one whole label or more.
func TestAllows(t *testing.T) {
	own := &Policy{}
	listed := &Policy{List: []string{"https://a.example", "https://*.b.example", "http://*.c.example:8080", "null", "file://", "app://."}}
	named := &Policy{List: listed.List, Hosts: Hosts{"chat.example", "*.chat.example:5000"}}
	for _, c := range []struct {
		policy *Policy
		host   string
		origin string
		want   bool
	}{
		{own, "chat.example", "http://chat.example", true},
		{own, "chat.example", "https://chat.example", false},
		{own, "chat.example", "ws://chat.example", true},
		{own, "chat.example", "wss://chat.example", true},
		{own, "chat.example", "ftp://chat.example", false},
		{own, "chat.example", "ws://evil.example", false},
		{own, "chat.example", "http://chat.example.", false},
		{own, "chat.example", "http://chat.example:80", false},
		{own, "chat.example", "null", false},
		{own, "", "http://", false},
		{own, "", "://", false},
		{own, "", "", false},
		{own, "[::1]:5000", "http://[::1]:5000", true},

		{listed, "chat.example", "http://chat.example", true},
		{listed, "chat.example", "http://evil.example", false},
		{listed, "chat.example", "https://a.example", true},
		{listed, "chat.example", "http://a.example", false},
		{listed, "chat.example", "https://x.a.example", false},
		{listed, "chat.example", "https://x.b.example", true},
		{listed, "chat.example", "https://x.y-1.z_2.b.example", true},
		{listed, "chat.example", "https://b.example", false},
		{listed, "chat.example", "https://.b.example", false},
		{listed, "chat.example", "https://x..b.example", false},
		{listed, "chat.example", "https://xb.example", false},
		{listed, "chat.example", "https://*.b.example.evil", false},
		{listed, "chat.example", "https://x.b.example:8443", false},
		{listed, "chat.example", "https://x.b.example.", false},
		{listed, "chat.example", "https://X.b.example", true}, // no browser writes it so
		{listed, "chat.example", "https://evil/.b.example", false},
		{listed, "chat.example", "https://evil:80.b.example", false},
		{listed, "chat.example", "https://evil@x.b.example", false},
		{listed, "chat.example", "https://evil?.b.example", false},
		{listed, "chat.example", "https://evil#.b.example", false},
		{listed, "chat.example", `https://evil\.b.example`, false},
		{listed, "chat.example", "https://evil .b.example", false},
		{listed, "chat.example", "https://[::1].b.example", false},
		{listed, "chat.example", "http://x.c.example:8080", true},
		{listed, "chat.example", "http://x.c.example", false},
		{listed, "chat.example", "null", true},
		{listed, "chat.example", "file://", true},
		{listed, "chat.example", "file:///", false},
		{listed, "chat.example", "app://.", true},
		{listed, "chat.example", "app://", false},

		{named, "chat.example", "http://chat.example", true},
		{named, "chat.example:81", "http://chat.example:81", true},
		{named, "a.chat.example:5000", "http://a.chat.example:5000", true},
		{named, "a.chat.example:5001", "http://a.chat.example:5001", false},
		{named, "evil.example", "http://evil.example", false},
		{named, "evil.example", "https://a.example", true},
	} {
		if got := c.policy.allows(request(c.host), c.origin); got != c.want {
			t.Errorf("%v at %q: %q is allowed: %v, want %v", c.policy.List, c.host, c.origin, got, c.want)
		}
	}
	if !(&Policy{Any: true}).allows(request("chat.example"), "http://evil.example") {
		t.Error("* refuses an origin")
	}
	secure := request("chat.example")
	secure.TLS = new(tls.ConnectionState)
	if !own.allows(secure, "https://chat.example") || own.allows(secure, "http://chat.example") {
		t.Error("TLS does not make the own origin https")
	}
}

// A proxy's word about the own origin counts, but only for a name the server goes by.
func TestAllowsForwarded(t *testing.T) {
	forwarded := request("inner:5000", "X-Forwarded-Host", "chat.example, inner", "X-Forwarded-Proto", "https, http")
	for _, c := range []struct {
		hosts  Hosts
		origin string
		want   bool
	}{
		{nil, "https://chat.example", true}, {nil, "http://inner:5000", true}, {nil, "https://inner:5000", false},
		{Hosts{"chat.example"}, "https://chat.example", true}, {Hosts{"chat.example"}, "http://inner:5000", false},
		{Hosts{"inner"}, "https://chat.example", false},
	} {
		if got := (&Policy{Hosts: c.hosts}).allows(forwarded, c.origin); got != c.want {
			t.Errorf("hosts %v: %q is allowed: %v, want %v", c.hosts, c.origin, got, c.want)
		}
	}
}

// Without an Origin a browser's word decides, and for another site's request its Referer.
func TestAdmits(t *testing.T) {
	policy := &Policy{List: []string{"https://friend.example", "https://*.friends.example"}}
	const (
		site, referer = "Sec-Fetch-Site", "Referer"
		friend        = "https://friend.example/page"
		evil          = "https://evil.example/"
	)
	for _, c := range []struct {
		header       []string
		want, script bool // script: with an answer that is one
	}{
		{nil, true, false},
		{[]string{"Origin", "http://chat.example"}, true, true},
		{[]string{"Origin", "http://chat.example", site, "cross-site"}, true, true},
		{[]string{"Origin", "https://evil.example", site, "same-origin", referer, friend}, false, false},
		{[]string{site, "same-origin"}, true, true},
		{[]string{site, "none"}, true, true},
		{[]string{site, "same-site"}, false, false},
		{[]string{site, "cross-site"}, false, false},
		{[]string{site, "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, false, false},
		{[]string{site, "what comes next"}, false, false},
		{[]string{site, "Same-Origin"}, false, false},
		{[]string{site, "cross-site", referer, friend}, true, true},
		{[]string{site, "cross-site", referer, "https://friend.example"}, true, true},
		{[]string{site, "cross-site", referer, "https://a.friends.example/"}, true, true},
		{[]string{site, "same-site", referer, "http://chat.example/"}, true, true},
		{[]string{site, "cross-site", referer, evil}, false, false},
		{[]string{site, "cross-site", referer, "https://friend.example@evil.example/"}, false, false},
		{[]string{site, "cross-site", referer, "https://friend.example.evil.example/"}, false, false},
		{[]string{site, "cross-site", referer, "https://evil.example/https://friend.example/"}, false, false},
		{[]string{site, "cross-site", referer, "https://evil.example?.friends.example"}, false, false},
		{[]string{site, "cross-site", referer, `https://evil.example\.friends.example`}, false, false},
		{[]string{site, "cross-site", referer, "//friend.example/"}, false, false},
		{[]string{site, "cross-site", referer, "://"}, false, false},
		{[]string{referer, friend}, true, true},
		{[]string{referer, "http://chat.example/"}, true, true},
		{[]string{referer, evil}, true, false},
	} {
		r := request("chat.example", c.header...)
		if got := policy.Admits(r, false); got != c.want {
			t.Errorf("%q is admitted: %v, want %v", c.header, got, c.want)
		}
		if got := policy.Admits(r, true); got != c.script {
			t.Errorf("%q is admitted as a script: %v, want %v", c.header, got, c.script)
		}
		if !(&Policy{Any: true}).Admits(r, true) {
			t.Errorf("* refuses %q", c.header)
		}
	}
}

func TestHosts(t *testing.T) {
	list := Hosts{"chat.example", "*.cdn.example", "other.example:5000", "plain.example:80", "192.0.2.1", "[2001:db8::1]:5000", "intranet"}
	for _, c := range []struct {
		host   string
		listed bool // by list
		local  bool // an address not for the public takes it, without a list
	}{
		{host: "chat.example", listed: true},
		{host: "chat.example:1234", listed: true},
		{host: "CHAT.Example.", listed: true},
		{host: "chat.example.:80", listed: true},
		{host: "chat.example.."},
		{host: "chat.example.evil"},
		{host: "evil-chat.example"},
		{host: "a.chat.example"},
		{host: "a.cdn.example", listed: true},
		{host: "a.b.cdn.example:81", listed: true},
		{host: "cdn.example"},
		{host: ".cdn.example"},
		{host: "a@b.cdn.example"},
		{host: "*.cdn.example"},
		{host: "other.example:5000", listed: true},
		{host: "other.example:05000", listed: true},
		{host: "other.example"},
		{host: "other.example:5001"},
		{host: "other.example:"},
		{host: "plain.example", listed: true},
		{host: "192.0.2.1:7", listed: true, local: true},
		{host: "192.0.2.2", local: true},
		{host: "[2001:DB8:0::1]:5000", listed: true, local: true},
		{host: "[2001:db8::1]", local: true},
		{host: "[::1]:9100", local: true},
		{host: "[::1%25lo]:9100"},
		{host: "[fe80::1%eth0]"},
		{host: "::1"},
		{host: "127.1"},
		{host: "0x7f.0.0.1"},
		{host: "2130706433"},
		{host: "intranet:80", listed: true, local: true},
		{host: "localhost", local: true},
		{host: "LOCALHOST.:9100", local: true},
		{host: "hipflask", local: true},
		{host: "localhost.evil.example"},
		{host: "evil.example, chat.example"},
		{host: "chat.example, evil.example"},
		{host: "chat.example, intranet", listed: true},
		{host: "127.0.0.1, evil.example"},
		{host: ","},
		{host: "."},
	} {
		if !Hosts(nil).Allow(c.host) || !(Hosts{anyHost}).Allow(c.host) || !(Hosts{anyHost}).AllowLocal(c.host) {
			t.Errorf("%q is refused where every host is allowed", c.host)
		}
		if got := list.Allow(c.host); got != c.listed {
			t.Errorf("%q is allowed: %v, want %v", c.host, got, c.listed)
		}
		if got := Hosts(nil).AllowLocal(c.host); got != c.local {
			t.Errorf("%q is local: %v, want %v", c.host, got, c.local)
		}
		if got := list.AllowLocal(c.host); c.host != "chat.example, intranet" && got != (c.local || c.listed) {
			t.Errorf("%q is local or listed: %v, want %v", c.host, got, c.local || c.listed)
		}
	}
	if list.Allow("") || !list.AllowLocal("") {
		t.Error("no Host at all is for addresses alone that are not public")
	}
	if got := list.Example("127.0.0.1:5000"); !list.Allow(got) {
		t.Errorf("the example %q is refused", got)
	}
	if got := (Hosts{"*.example"}).Example("127.0.0.1:5000"); got != "healthcheck.example" {
		t.Errorf("the example of a pattern is %q", got)
	}
	if got := list.Example("192.0.2.1:5000"); got != "192.0.2.1:5000" {
		t.Errorf("the example is %q where the address itself is listed", got)
	}
}
