package fanout

import (
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"testing"

	"hipflask/server/internal/packet"
	"hipflask/testdata/testkit"
)

// listen connects a client over WebSocket at that address, which reads all it is sent.
func (w *world) listen(addr string) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	fmt.Fprint(c, "GET /?EIO=4&transport=websocket HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	go io.Copy(io.Discard, c)
	client := &client{w: w}
	client.introduce(testkit.Await(w.t, w.opened, "session"))
	client.Admit()
}

// BenchmarkBroadcast broadcasts an argument as it came from a client. The encoding,
// once, and the queueing for each client are in the time, and what the flusher
// writes meanwhile; when it lags, several leave in one write.
func BenchmarkBroadcast(b *testing.B) {
	p, err := new(packet.Decoder).Text([]byte(`2["message","hello"]`))
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint("to-", n), func(b *testing.B) {
			w := newWorld(b)
			h := httptest.NewServer(w.engine)
			b.Cleanup(h.Close)
			for range n {
				w.listen(h.Listener.Addr().String())
			}
			b.ReportAllocs()
			for b.Loop() {
				w.adapter.Broadcast(message(p.Args[0]), everybody)
			}
		})
	}
}
