package websocket

import (
	"io"
	"strconv"
	"testing"

	"hipflask/server/internal/socket"
)

func sizeName(n int) string { return strconv.Itoa(n) + "B" }

// While a plain connection waits, its buffer is in the pool.
func TestNoBufferWhileWaiting(t *testing.T) {
	c, peer := pair(t)
	needRaw(t, c)
	if c.kept != nil {
		t.Error("the connection keeps a buffer")
	}
	if _, err := peer.Write([]byte("ab")); err != nil {
		t.Fatal(err)
	}
	if p, err := c.read(); err != nil || len(p) == 0 || !c.taker.Holds() {
		t.Fatalf("%q, %v", p, err)
	}
	// One read has taken everything that was sent, or the next one does; then there is nothing.
	var err error
	for err == nil {
		_, err = c.taker.Read(c.raw, true)
	}
	if err != socket.ErrIdle || c.taker.Holds() {
		t.Errorf("with nothing to read: %v, with a buffer: %v", err, c.taker.Holds())
	}
}

func TestAllocations(t *testing.T) {
	c, peer := pair(t)
	needRaw(t, c)
	go io.Copy(io.Discard, peer)
	h := make(counter)
	end := make(chan error, 1)
	go func() { end <- serve(c, h, testMax) }()
	out, in := AppendFrame(nil, Text, make([]byte, 64)), final(Text, xs(64))
	// AllocsPerRun counts the whole process and rounds down: the pool, which the collector empties,
	// may cost a little.
	writes := testing.AllocsPerRun(200, func() {
		if n, err := c.TryWrite(out); n != len(out) || err != nil {
			t.Errorf("TryWrite returned %d, %v", n, err)
		}
	})
	reads := testing.AllocsPerRun(200, func() {
		if _, err := peer.Write(in); err != nil {
			t.Error(err)
			return
		}
		<-h
	})
	if writes != 0 || reads != 0 {
		t.Errorf("%v allocations for a TryWrite, %v for a small message", writes, reads)
	}
	c.Close()
	<-end
}

func BenchmarkTryWrite(b *testing.B) {
	for _, n := range []int{64, 16 << 10} {
		b.Run(sizeName(n), func(b *testing.B) {
			c, peer := pair(b)
			needRaw(b, c)
			go io.Copy(io.Discard, peer)
			p := AppendFrame(nil, Text, make([]byte, n))
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				n, err := c.TryWrite(p)
				if err == nil && n < len(p) {
					_, err = c.Write(p[n:])
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSmallMessage(b *testing.B) {
	c, peer := pair(b)
	h := make(counter)
	go serve(c, h, testMax)
	p := final(Text, xs(64))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := peer.Write(p); err != nil {
			b.Fatal(err)
		}
		<-h
	}
}
