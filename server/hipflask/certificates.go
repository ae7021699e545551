package hipflask

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"hipflask/server/internal/config"
)

// certificateInterval is how often the files of the certificate are looked at. They are read and
// compared: whatever replaces them, a rename, a symbolic link, a mount, and whatever the clock
// says, their contents tell.
const certificateInterval = 2 * time.Second

// certificates is the certificate that new connections get. Connections that are there keep what
// they have.
type certificates struct {
	certFile, keyFile string
	log               *slog.Logger

	current atomic.Pointer[tls.Certificate]

	// What was read last, usable or not. Only load uses it.
	cert, key []byte
	trouble   string
}

// loadCertificates reads the pair for the first time.
func loadCertificates(certFile, keyFile string, log *slog.Logger) (*certificates, error) {
	c := &certificates{certFile: certFile, keyFile: keyFile, log: log}
	if _, err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *certificates) config() *tls.Config {
	return &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"},
	}
}

// load reads the pair, and takes it if it is another one than before and fits together.
func (c *certificates) load() (changed bool, err error) {
	cert, err := config.ReadPEM(c.certFile)
	if err != nil {
		return false, fmt.Errorf("--certfile: %w", err)
	}
	key, err := config.ReadPEM(c.keyFile)
	if err != nil {
		return false, fmt.Errorf("--keyfile: %w", err)
	}
	if c.trouble == "" && bytes.Equal(cert, c.cert) && bytes.Equal(key, c.key) {
		return false, nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return false, fmt.Errorf("--certfile and --keyfile: %w", err)
	}
	c.cert, c.key = cert, key
	c.current.Store(&pair)
	return true, nil
}

// watch loads the pair again when its files change and when SIGHUP asks for it, until ctx ends.
// From its return on, SIGHUP no longer ends the process.
func (c *certificates) watch(ctx context.Context) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	go func() {
		defer signal.Stop(hup)
		tick := time.NewTicker(certificateInterval)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				c.reload(false)
			case <-hup:
				c.reload(true)
			}
		}
	}()
}

// reload loads the certificate anew. It logs the outcome: always if it was asked for, else only a
// change.
func (c *certificates) reload(asked bool) {
	changed, err := c.load()
	switch {
	case err != nil:
		if asked || err.Error() != c.trouble {
			c.log.Warn("the certificate stays as it was", "error", err)
		}
		c.trouble = err.Error()
		return
	case changed:
		c.log.Info("certificate loaded", "file", c.certFile, "expires", c.current.Load().Leaf.NotAfter)
	case asked:
		c.log.Info("the certificate is the same as before", "file", c.certFile)
	}
	c.trouble = ""
}
