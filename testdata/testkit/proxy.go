package testkit

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy is a TCP proxy: each connection to it has one of its own to the target.
type Proxy struct {
	net.Listener

	work sync.WaitGroup

	mu      sync.Mutex
	refuses bool
	open    []net.Conn
}

// Carry carries what comes from one side to the other, until that side ends, or either connection
// is closed. What it closes then, if anything, is its own matter.
type Carry func(to, from net.Conn)

// Copy is the Carry of a proxy that only passes on.
func Copy(to, from net.Conn) {
	_, _ = io.Copy(to, from) // until one of them is closed
	_ = to.Close()
}

// Listen listens for a proxy, which accepts nobody before Lead. It ends with the test.
func Listen(t testing.TB) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Listener: l}
	t.Cleanup(func() {
		_ = l.Close()
		p.Refuse()
		p.work.Wait()
	})
	return p
}

// StartProxy starts a proxy that leads to an address.
func StartProxy(t testing.TB, target string, up, down Carry) *Proxy {
	t.Helper()
	p := Listen(t)
	p.Lead(target, up, down)
	return p
}

// URL is the proxy's address as that of a Redis.
func (p *Proxy) URL() string { return "redis://" + p.Addr().String() }

// Lead leads to an address. What clients send goes up.
func (p *Proxy) Lead(target string, up, down Carry) {
	p.accept(func(client net.Conn) {
		server, err := DialTCP(target)
		if err != nil {
			_ = client.Close()
			return
		}
		if p.keep(server) {
			p.work.Go(func() { up(server, client) })
			down(client, server)
		}
	})
}

// Serve listens, and has talk deal with each connection, which is closed afterwards, or with the
// test.
func Serve(t testing.TB, talk func(net.Conn)) (addr string) {
	t.Helper()
	p := Listen(t)
	p.accept(func(conn net.Conn) {
		defer conn.Close()
		talk(conn)
	})
	return p.Addr().String()
}

// accept has work begin with each connection.
func (p *Proxy) accept(work func(net.Conn)) {
	p.work.Go(func() {
		for {
			conn, err := p.Accept()
			if err != nil {
				return
			}
			if p.keep(conn) {
				p.work.Go(func() { work(conn) })
			}
		}
	})
}

// keep puts a connection among those that are open, or closes it if it is refused.
func (p *Proxy) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = append(p.open, conn)
	if p.refuses {
		p.cutLocked()
	}
	return !p.refuses
}

// Cut ends all connections that there are now.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutLocked()
}

func (p *Proxy) cutLocked() {
	for _, conn := range p.open {
		_ = conn.Close()
	}
	p.open = nil
}

// Refuse ends all connections, and each that comes, until Reopen.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = true
	p.cutLocked()
}

// Reopen ends Refuse.
func (p *Proxy) Reopen() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuses = false
}
