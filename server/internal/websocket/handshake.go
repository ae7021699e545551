package websocket

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	keyGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" // section 1.3
	version = "13"

	// answerTimeout is how long the kernel may take for the answer to a handshake. It has room for
	// it at once, unless the client has left unread what it was sent before.
	answerTimeout = time.Second
)

// HandshakeError is the refusal of an opening handshake; the client has been answered with it.
type HandshakeError struct {
	Status int    // of the HTTP response
	Reason string // also the body of the response
}

func (e *HandshakeError) Error() string {
	return fmt.Sprintf("websocket: handshake refused: %s (%d)", e.Reason, e.Status)
}

// AcceptKey is the Sec-WebSocket-Accept that answers a Sec-WebSocket-Key (section 4.2.2, step 5).
func AcceptKey(key string) string { return string(appendAcceptKey(nil, key)) }

func appendAcceptKey(dst []byte, key string) []byte {
	sum := sha1.Sum([]byte(key + keyGUID))
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

// IsUpgrade reports whether r asks to become a WebSocket: "upgrade" among the tokens of Connection
// and "websocket" among those of Upgrade, in any case. It checks nothing else.
func IsUpgrade(r *http.Request) bool {
	return hasToken(r.Header["Connection"], "upgrade") && hasToken(r.Header["Upgrade"], "websocket")
}

func hasToken(values []string, token string) bool {
	for _, v := range values {
		for t := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.Trim(t, " \t"), token) {
				return true
			}
		}
	}
	return false
}

// Upgrade checks the opening handshake (section 4.2.1), answers 101 and takes the connection over.
// header goes into the response; what w.Header() holds does not, as with every hijacked connection.
// Header names that belong to the handshake are ignored in header, except Sec-WebSocket-Protocol,
// which is the caller's choice. first holds frames that leave in the same write as the response.
// Bytes that came with the request are the first that are read.
//
// A request that is no good handshake has been answered when Upgrade returns: 405 when it is not a
// GET, 426 for another version than 13, else 400 with a line of text. The error is then a
// *HandshakeError. A client that does not read the answer is cut off after a second; errors.Is(err,
// os.ErrDeadlineExceeded) then holds.
//
// The HTTP server's goroutine holds a request, its buffers and a large stack: return from the HTTP
// handler, after Start.
func (u *Upgrader) Upgrade(w http.ResponseWriter, r *http.Request, header http.Header, first []byte) (*Conn, error) {
	if refusal := checkHandshake(r); refusal != nil {
		refuse(w, r, refusal)
		return nil, refusal
	}
	nc, early, err := takeOver(w)
	if err != nil {
		refuse(w, r, &HandshakeError{http.StatusInternalServerError, "the connection cannot be taken over"})
		return nil, fmt.Errorf("websocket: taking the connection over: %w", err)
	}
	extensions := ""
	if u.Compression {
		extensions = acceptOffer(r.Header)
	}
	c := newConn(nc, bytes.Clone(early), u)
	if err := c.answer(response(r.Header.Get("Sec-WebSocket-Key"), extensions, header, first)); err != nil {
		return nil, errors.Join(fmt.Errorf("websocket: answering the handshake: %w", err), nc.Close())
	}
	if extensions != "" {
		c.compressed, c.reader.codec = true, &u.codec
	}
	return c, nil
}

// Giver is a ResponseWriter that gives its connection away as an http.Hijacker does, but without
// buffers, which for a WebSocket would be made to be thrown away: early is what came behind the
// request, and valid until the handler returns.
type Giver interface {
	TakeOver() (nc net.Conn, early []byte)
}

// takeOver takes the connection of a request over, with what was read behind that.
func takeOver(w http.ResponseWriter) (nc net.Conn, early []byte, err error) {
	if g, ok := w.(Giver); ok {
		nc, early = g.TakeOver()
		return nc, early, nil
	}
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	early, _ = rw.Reader.Peek(rw.Reader.Buffered()) // what is buffered can be had
	return nc, early, nil
}

// answer writes the answer to the handshake, and what comes with it. The HTTP server has cleared
// its deadlines; one is set only if the kernel does not take it all at once.
func (c *Conn) answer(p []byte) error {
	n, err := c.TryWrite(p)
	if err != nil || n == len(p) && !c.Held() {
		return err
	}
	_ = c.SetWriteDeadline(time.Now().Add(answerTimeout)) // fails for a closed one, as the write then does
	if _, err := c.Write(p[n:]); err != nil {
		return err
	}
	_ = c.SetWriteDeadline(time.Time{})
	return nil
}

// checkHandshake gives nil, or what is wrong with the client's opening handshake (section 4.2.1).
func checkHandshake(r *http.Request) *HandshakeError {
	bad := func(reason string) *HandshakeError { return &HandshakeError{http.StatusBadRequest, reason} }
	switch {
	case r.Method != http.MethodGet:
		return &HandshakeError{http.StatusMethodNotAllowed, "a WebSocket handshake is a GET request"}
	case r.ProtoMajor != 1 || r.ProtoMinor < 1:
		return bad("a WebSocket handshake needs HTTP/1.1")
	case !hasToken(r.Header["Connection"], "upgrade"):
		return bad("Connection does not name upgrade")
	case !hasToken(r.Header["Upgrade"], "websocket"):
		return bad("Upgrade does not name websocket")
	case r.ContentLength != 0:
		return bad("a WebSocket handshake has no body")
	}
	if v := r.Header["Sec-Websocket-Version"]; len(v) != 1 || v[0] != version {
		return &HandshakeError{http.StatusUpgradeRequired, "Sec-WebSocket-Version must be " + version}
	}
	keys := r.Header["Sec-Websocket-Key"]
	if len(keys) != 1 {
		return bad("exactly one Sec-WebSocket-Key is needed")
	}
	if k, err := base64.StdEncoding.DecodeString(keys[0]); err != nil || len(k) != 16 {
		return bad("Sec-WebSocket-Key is not 16 bytes in base64")
	}
	return nil
}

func refuse(w http.ResponseWriter, r *http.Request, e *HandshakeError) {
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close") // else net/http waits for the body before it answers
	}
	switch e.Status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodGet)
	case http.StatusUpgradeRequired:
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Sec-WebSocket-Version", version)
	}
	http.Error(w, e.Reason, e.Status)
}

// response is the server's half of the handshake (section 4.2.2), with first behind it.
// http.Header.WriteSubset keeps line ends out of it.
func response(key, extensions string, header http.Header, first []byte) []byte {
	const size = 256 // of the answer to a browser
	p := append(make([]byte, 0, size+len(first)), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Accept: "...)
	p = append(appendAcceptKey(p, key), "\r\n"...)
	if extensions != "" {
		p = append(append(append(p, "Sec-WebSocket-Extensions: "...), extensions...), "\r\n"...)
	}
	if len(header) > 0 {
		p = appendHeader(p, header)
	}
	return append(append(p, "\r\n"...), first...)
}

// appendHeader appends what the caller has for the response, but for what is the handshake's own.
func appendHeader(p []byte, header http.Header) []byte {
	b := bytes.NewBuffer(p)
	_ = header.WriteSubset(b, map[string]bool{ // a bytes.Buffer takes everything
		"Upgrade": true, "Connection": true, "Sec-Websocket-Accept": true, "Sec-Websocket-Extensions": true,
		"Content-Length": true, "Transfer-Encoding": true,
	})
	return b.Bytes()
}
