//go:build linux

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
	"unsafe"
)

// secure is TLS on a client's socket, which the loop reads as it does the others: a read that finds
// no whole record comes back at once. Only the handshake waits.
type secure struct {
	*tls.Conn
	c *conn
}

// secure does the handshake.
func (c *conn) secure() error {
	s := &secure{c: c}
	s.Conn = tls.Client(&recordSocket{c: c}, &tls.Config{InsecureSkipVerify: true}) // the certificate is the benchmark's own
	if err := s.Handshake(); err != nil {
		return err
	}
	c.tls = s
	return nil
}

// readable takes all records that are there.
func (s *secure) readable() {
	for s.c.state != stateClosed {
		n, err := s.Read(s.c.loop.buf)
		if errors.Is(err, errNothingYet) {
			return
		}
		s.c.received(n, err)
	}
}

// recordSocket is the socket beneath TLS.
type recordSocket struct {
	net.Conn // what crypto/tls does not call
	c        *conn
}

func (s *recordSocket) Write(p []byte) (int, error) {
	s.c.transmit(p)
	return len(p), nil
}

func (s *recordSocket) Read(p []byte) (int, error) {
	for {
		n, err := syscall.Read(s.c.fd, p)
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN && s.c.tls != nil:
			return 0, errNothingYet
		case err == syscall.EAGAIN:
			if err := await(s.c.fd, startTimeout); err != nil {
				return 0, err
			}
		case n == 0 && err == nil:
			return 0, errors.New("closed by the server")
		default:
			return max(n, 0), err
		}
	}
}

// errNothingYet is an error after which crypto/tls may be asked again.
var errNothingYet error = nothingYet{}

type nothingYet struct{}

func (nothingYet) Error() string   { return "nothing to read yet" }
func (nothingYet) Timeout() bool   { return true }
func (nothingYet) Temporary() bool { return true }

// await waits until a socket can be read.
func await(fd int, limit time.Duration) error {
	poll := struct {
		fd      int32
		events  int16
		revents int16
	}{fd: int32(fd), events: 1} // POLLIN
	ts := syscall.NsecToTimespec(limit.Nanoseconds())
	n, _, errno := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&poll)), 1, uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
	switch {
	case errno != 0 && errno != syscall.EINTR:
		return fmt.Errorf("ppoll: %w", errno)
	case errno == 0 && n == 0:
		return fmt.Errorf("nothing to read: %w after %v", errTooLong, limit)
	}
	return nil
}

// certify writes a certificate for the servers, cert.pem and key.pem.
func certify(folder string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(folder, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600),
		os.WriteFile(filepath.Join(folder, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}
