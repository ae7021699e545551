package engineio

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// nothing is a Receiver that wants nothing.
type nothing struct{}

func (nothing) Text([]byte) error   { return nil }
func (nothing) Binary([]byte) error { return nil }
func (nothing) Closed(Reason)       {}

// The handshake comes first even if the receiver sends at once, as the "40" that greets Engine.IO 3
// clients is: a client that gets it before OPEN never connects.
func TestOpenPacketComesFirst(t *testing.T) {
	early, err := NewMessage(2, func(dst []byte) ([]byte, [][]byte, error) { return append(dst, "0"...), nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	srv := NewServer(Config{Polling: true, Open: func(s *Session) Receiver {
		sent := make(chan struct{})
		go func() { s.Send(early); close(sent) }()
		<-sent
		return nothing{}
	}})
	defer func() {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // nobody polls any more
		_ = srv.Shutdown(ctx)
	}()
	web := httptest.NewServer(srv)
	defer web.Close()
	resp, err := http.Get(web.URL + "/?EIO=4&transport=polling")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	packets := strings.Split(string(body), "\x1e")
	if len(packets) != 2 || !strings.HasPrefix(packets[0], "0{") || packets[1] != "40" {
		t.Errorf("the handshake was answered with %q", packets)
	}
}
