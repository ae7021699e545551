package socketiotest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"

	"hipflask/server/internal/packet"
)

// separator stands between the packets of a payload (Engine.IO 4, "Payload encoding").
const separator = "\x1e"

// errOver is the end that the client itself brought about.
var errOver = errors.New("the connection is over")

// conn is one Engine.IO session: requests to the server's ServeHTTP, one goroutine that polls, and
// the clients of its namespaces.
type conn struct {
	handler http.Handler
	header  http.Header
	query   url.Values
	timeout time.Duration // of a POST: the server holds one back while its queue is full

	ctx     context.Context // of every request
	cut     context.CancelFunc
	work    sync.WaitGroup // the polling goroutine, and the POSTs under way
	posting sync.Mutex     // one POST at a time: the server takes a second for a fault
	decoder packet.Decoder // the polling goroutine's

	mu      sync.Mutex
	clients map[string]*Client // by namespace
	err     error              // why the session is over; nil while it is not
}

// open makes the handshake and starts polling.
func open(handler http.Handler, opts Options, timeout time.Duration) (*conn, error) {
	c := &conn{
		handler: handler,
		timeout: timeout,
		header:  opts.Header,
		query:   url.Values{"EIO": {"4"}, "transport": {"polling"}},
		clients: make(map[string]*Client),
	}
	for name, values := range opts.Query {
		c.query[name] = values
	}
	c.ctx, c.cut = context.WithCancel(context.Background())
	payload, err := c.request(http.MethodGet, "")
	if err != nil {
		c.cut()
		return nil, fmt.Errorf("handshake: %w", err)
	}
	first, rest, more := strings.Cut(payload, separator)
	var hello struct{ SID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(first, "0")), &hello); err != nil || hello.SID == "" {
		c.cut()
		return nil, fmt.Errorf("handshake: answered with %q", payload)
	}
	c.query.Set("sid", hello.SID)
	c.work.Go(func() { c.poll(rest, more) })
	return c, nil
}

// request makes one request and returns the response's body.
func (c *conn) request(method, body string) (string, error) {
	w := c.serve(method, body)
	if err := c.ctx.Err(); err != nil {
		return "", errOver
	}
	if w.Code != http.StatusOK {
		return "", fmt.Errorf("%s was answered %d %s", method, w.Code, strings.TrimSpace(w.Body.String()))
	}
	return w.Body.String(), nil
}

func (c *conn) serve(method, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(c.ctx, method, "/socket.io/?"+c.query.Encode(), strings.NewReader(body))
	for name, values := range c.header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	r.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return w
}

// poll handles the packets of payload, if there is one, and of every poll, until the session ends.
func (c *conn) poll(payload string, some bool) {
	for {
		if some {
			for p := range strings.SplitSeq(payload, separator) {
				if err := c.packet(p); err != nil {
					c.end(err)
					return
				}
			}
		}
		var err error
		if payload, err = c.request(http.MethodGet, ""); err != nil {
			c.end(err)
			return
		}
		some = true
	}
}

// packet handles one Engine.IO packet.
func (c *conn) packet(p string) error {
	if p == "" {
		return errors.New("the server sent an empty packet")
	}
	switch data := p[1:]; p[0] {
	case '1':
		return errors.New("the server closed the connection")
	case '2':
		// Not here: a POST may wait for a handler that waits for this goroutine.
		c.work.Go(func() { _ = c.post("3" + data) })
		return nil
	case '4':
		return c.decoded(c.decoder.Text([]byte(data)))
	case 'b':
		bytes, err := base64.StdEncoding.DecodeString(data)
		if err != nil {
			return err
		}
		return c.decoded(c.decoder.Binary(bytes))
	case '6':
		return nil
	}
	return fmt.Errorf("the server sent the packet %.100q", p)
}

// decoded hands a packet on to the client of its namespace.
func (c *conn) decoded(p *packet.Packet, err error) error {
	if err != nil || p == nil { // nil: attachments are still to come
		return err
	}
	c.mu.Lock()
	client := c.clients[p.Namespace]
	c.mu.Unlock()
	if client != nil {
		client.take(p)
	}
	return nil
}

// post sends packets, each with its Engine.IO type. It gives up when the time is up; the request
// itself ends with the session at the latest. That the client itself ends it meanwhile is no error:
// a network does not tell either whether they arrived.
func (c *conn) post(packets ...string) error {
	done := make(chan error, 1)
	c.work.Go(func() {
		c.posting.Lock()
		defer c.posting.Unlock()
		err := c.ended()
		if err == nil {
			_, err = c.request(http.MethodPost, strings.Join(packets, separator))
			if errors.Is(err, errOver) {
				err = nil
			}
		}
		done <- err
	})
	timer := time.NewTimer(c.timeout)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("the server did not take it within %v; a handler may block", c.timeout)
	}
}

// message sends a Socket.IO packet with its attachments.
func (c *conn) message(text []byte, attachments [][]byte) error {
	packets := []string{"4" + string(text)}
	for _, a := range attachments {
		packets = append(packets, "b"+base64.StdEncoding.EncodeToString(a))
	}
	return c.post(packets...)
}

// close ends the session, with an Engine.IO close packet unless a POST is under way, and waits for
// the goroutine.
func (c *conn) close() {
	if c.posting.TryLock() {
		if c.ended() == nil {
			_, _ = c.request(http.MethodPost, "1")
		}
		c.posting.Unlock()
	}
	c.drop()
}

// drop ends the session as a lost network would.
func (c *conn) drop() {
	c.end(errOver)
	c.cut()
	c.work.Wait()
	// The server notices by a poll that is given up while it waits. The last one may have been
	// answered instead: one more is then, until nothing is left to answer with, or the session is
	// gone.
	for range maxLastPolls {
		if w := c.serve(http.MethodGet, ""); w.Code != http.StatusOK || w.Body.Len() == 0 {
			return
		}
	}
}

// maxLastPolls is far more than one, so that a server which emits all the time has to be very quick
// to keep a client that has gone.
const maxLastPolls = 1000

// end tells the clients that the session is over, once.
func (c *conn) end(err error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = err
	clients := c.clients
	c.clients = nil
	c.mu.Unlock()
	for _, client := range clients {
		client.lost(err)
	}
}

func (c *conn) ended() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// add makes the conn pass packets of the client's namespace on to it.
func (c *conn) add(client *Client) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	if old := c.clients[client.namespace]; old != nil && old.isConnected() {
		return fmt.Errorf("this connection has a client of %s already", client.namespace)
	}
	c.clients[client.namespace] = client
	return nil
}
