package http1

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/socket"
	"hipflask/testdata/testkit"
)

// exchange sends bytes over a connection, in pieces, and reads all that is answered. A refusal is
// left out, with which net/http ends the connection: as it does not read what follows the request,
// the kernel may throw the answer away.
func exchange(t *testing.T, addr string, pieces ...[]byte) []string {
	t.Helper()
	nc, err := net.Dial("unix", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(testkit.Deadline))
	for _, piece := range pieces {
		if _, err := nc.Write(piece); err != nil {
			break // a server that has refused what came before
		}
	}
	_ = socket.CloseWrite(nc)
	var all []string
	for r := bufio.NewReader(nc); ; {
		answer, err := http.ReadResponse(r, nil)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("no end behind %q", all)
		}
		if err != nil {
			return all
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode >= http.StatusBadRequest && answer.StatusCode != http.StatusTeapot {
			return all
		}
		for _, name := range []string{"Date", "Content-Length"} { // a long answer of net/http comes in chunks
			answer.Header.Del(name)
		}
		all = append(all, fmt.Sprint(answer.Status, answer.Header, string(body))) // which sorts the header
	}
}

func streams() []string {
	const plain = "Host: x\r\nCookie: a=b; c=\xe4\r\n"
	return []string{
		getOf(1) + getOf(2) + postOf("abc") + getOf(3),
		"GET /poll HTTP/1.1\r\n" + plain + "\r\nGET /poll?t=1 HTTP/1.1\r\n" + plain + "\r\n",
		postOf("a") + "\r\n" + postOf("b") + "\r\n\r\n" + getOf(1) + "\r\n" + getOf(2),
		postOf("a") + "\r\n\r\n", postOf("a") + "\r\n\r\n\r\n" + getOf(1), postOf("a") + "\n\n\n" + getOf(1),
		postOf("") + postOf(strings.Repeat("x", 10_000)) + postOf("é\x00\r\n\r\n"),
		"POST /poll HTTP/1.1\r\nHost: x\r\ncontent-length:  3 \r\nX: y\r\n\r\nabc" + "POST /poll HTTP/1.1\r\nHost: x\r\ncontent-length:  12 \r\nX: y\r\n\r\nabcdefghijkl",
		"POST /poll HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc" + getOf(1),
		"POST /poll HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc" + getOf(1),
		"POST /poll HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" + getOf(1),
		"POST /poll HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" + getOf(1),
		"POST /poll HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
		"POST /poll HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc" + getOf(1),
		"POST /poll HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\nabc",
		"POST /poll HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\nabc",
		"POST /poll HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n 4\r\n\r\nabc",
		"POST /poll HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\nabc",
		"POST /poll HTTP/1.1\r\nHost: x\r\n\r\n" + getOf(1),
		"POST /poll HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc",
		"POST /poll HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
		"GET /poll HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + getOf(1),
		"GET /poll HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
		"GET /poll HTTP/1.1\r\nHost: x\r\nhost: x\r\n\r\n",
		"GET /poll HTTP/1.1\r\n\r\n",
		"GET /poll HTTP/1.1\r\nHost:\r\n\r\n",
		"GET /poll HTTP/1.1\r\nHost: a b\r\n\r\n",
		"GET /poll HTTP/1.1\r\nHost: x/y\r\n\r\n",
		"GET /poll HTTP/1.1\nHost: x\n\n" + getOf(1),
		"GET /poll HTTP/1.1\r\nHost: x\n\r\n" + getOf(1),
		"GET /poll HTTP/1.1\r\nHost: x\r\nA\r\n\r\n",
		"GET /poll HTTP/1.1\r\nHost: x\r\nA: \x01\r\n\r\n",
		"GET /poll HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n",
		"GET /poll HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n",
		"GET /poll HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + getOf(1),
		"GET /poll HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, close\r\n\r\n" + getOf(1),
		"GET /poll HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n" + getOf(1),
		"GET /poll HTTP/1.0\r\nHost: x\r\n\r\n" + getOf(1),
		"GET /poll HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n" + getOf(1),
		"GET /poll HTTP/2.0\r\nHost: x\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"GET  /poll HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /poll  HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /poll?a=b#c HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /poll?a=%zz HTTP/1.1\r\nHost: x\r\n\r\n" + "GET /po%zzll HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /po%6cl?a HTTP/1.1\r\nHost: x\r\n\r\n" + "GET /po%6cl? HTTP/1.1\r\nHost: x\r\n\r\n" + "GET /po%6cl HTTP/1.1\r\nHost: x\r\n\r\n",
		getOf(1) + "GET /poll? HTTP/1.1\r\nHost: x\r\n\r\n" + "GET /poll HTTP/1.1\r\nHost: x\r\n\r\n" + "GET /poll?? HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET http://y/poll HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET //poll HTTP/1.1\r\nHost: x\r\n\r\n",
		"HEAD /poll HTTP/1.1\r\nHost: x\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n" + getOf(1),
		"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
		"\r\n\r\n" + getOf(1),
		"\r\n" + getOf(1),
		"GET /poll HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("a", 5000) + "\r\n\r\n" + getOf(1),
		"GET /poll?" + strings.Repeat("a", 5000) + " HTTP/1.1\r\nHost: x\r\n\r\n" + getOf(1),
		strings.Repeat(getOf(1), 300),
		strings.Repeat(getOf(1), 50) + "GET /page HTTP/1.1\r\nHost: x\r\n\r\n" + strings.Repeat(getOf(2), 150) + "GET /page HTTP/1.1\r\nHost: x\r\n\r\n" + strings.Repeat(getOf(3), 300),
		"GET /page HTTP/1.1\r\nHost: x\r\n\r\n" + getOf(1) + "GET /page HTTP/1.1\r\nHost: x\r\n\r\n" + getOf(2) + postOf("abc"),
		"GET /poll HTTP/1.1\r\nHost: x\r\n\x00\r\n\r\n",
		"GET /poll HTTP/1.1\r\nHost: x\r\nTrailer: A\r\n\r\n",
		"GET", "",
	}
}

// Whatever comes over a connection is answered as net/http alone answers it.
func FuzzAsNetHTTP(f *testing.F) {
	for i, s := range streams() {
		f.Add([]byte(s), 7*i)
	}
	alone, taken, fresh := serveSite(f, echo, nil), serveSite(f, echo, asIs), serveFresh(f, echo, asIs)
	f.Fuzz(func(t *testing.T, sent []byte, cut int) {
		cut = max(0, min(cut, len(sent)))
		for _, c := range []struct {
			site  *site
			first string
		}{{taken, getOf(0)}, {fresh, getOf(0)}, {fresh, ""}} {
			pieces := [][]byte{[]byte(c.first), sent[:cut], sent[cut:]}
			want, got := exchange(t, alone.addr, pieces...), exchange(t, c.site.addr, pieces...)
			if !reflect.DeepEqual(want, got) {
				t.Errorf("%.500q, cut at %d, is answered\n%.500q, by net/http\n%.500q", sent, cut, got, want)
			}
		}
	})
}

// A request over TLS says so, also when its connection has gone back.
func TestTLS(t *testing.T) {
	certFile, keyFile, pool := testkit.SelfSigned(t)
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	s := serveSite(t, func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil {
			t.Errorf("%s came without TLS", r.URL)
		}
		echo(w, r)
	}, asIs)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.web.Serve(l) }()
	defer func() { _ = l.Close(); <-ended }()
	nc, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	p := &peer{nc, t, bufio.NewReader(nc)}
	p.asks(getOf(1), `GET /poll?n=1 x 0 ""`)
	p.asks(getOf(2), `GET /poll?n=2 x 0 ""`)
	p.asks("GET /page HTTP/1.1\r\nHost: x\r\n\r\n", `GET /page x 0 ""`)
	if n := s.taken.Load(); n != 2 {
		t.Errorf("%d were taken", n)
	}
}

// Of what repeats nothing is parsed again.
func BenchmarkRequest(b *testing.B) {
	head := bytes.TrimSuffix([]byte("GET /poll?EIO=4&transport=polling&t=PabcdeF&sid=abcdefghijklmnopqrst HTTP/1.1\r\nHost: localhost:5000\r\n"+
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\nAccept: */*\r\n"+
		"Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nConnection: keep-alive\r\n"+
		"Cookie: session=eyJfcGVybWFuZW50Ijp0cnVlfQ.ZzzZzz.abcdefghijklmnopqrstuvwxyz\r\n\r\n"), []byte(headEnd))
	for name, repeats := range map[string]bool{"new": false, "repeated": true} {
		b.Run(name, func(b *testing.B) {
			c := &conn{conns: New(Options{}), ctx: b.Context()}
			b.ReportAllocs()
			for b.Loop() {
				if !repeats {
					c.get = form{}
				}
				if c.request(head) == nil {
					b.Fatal("not taken")
				}
			}
		})
	}
}
