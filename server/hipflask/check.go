package hipflask

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"

	"hipflask/server/internal/capacity"
	"hipflask/server/internal/config"
)

// check finds out whether a server could run with these settings, which Parse found to be valid,
// without running one: whether Redis answers, above all, also where that is optional. It returns
// the limits that the server would have on this machine. Its errors are of the type *config.Error.
func check(ctx context.Context, cfg *config.Config, register func(*App) error) (limits capacity.Capacity, err error) {
	strict := *cfg
	strict.MessageQueueOptional = false
	a, err := newServer(&strict, slog.New(slog.DiscardHandler), io.Discard, register)
	if err == nil {
		limits = a.capacity
		err = errors.Join(a.joinCluster(ctx), a.giveUp())
	}
	var wrong *config.Error
	if err != nil && !errors.As(err, &wrong) {
		return limits, &config.Error{Problem: err.Error()}
	}
	return limits, err
}

// healthcheck asks the server that runs with these settings whether it answers. A preflight opens
// no session and leaves no line in the log.
func healthcheck(ctx context.Context, cfg *config.Config) error {
	if cfg.UnixSocket == "" && cfg.Port == 0 {
		return errors.New("--port is 0, so nobody knows where the server listens")
	}
	url := "http"
	if cfg.CertFile != "" {
		url = "https"
	}
	url += "://" + net.JoinHostPort(reachable(cfg.Host), fmt.Sprint(cfg.Port)) + cfg.Path + "/"
	req, err := http.NewRequestWithContext(ctx, http.MethodOptions, url, nil)
	if err != nil {
		return err
	}
	req.Host = cfg.AllowedHosts.Example(req.URL.Host)
	transport := &http.Transport{
		DisableKeepAlives: true,
		// Not who answers is the question, and a certificate rarely has the name localhost.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	if cfg.UnixSocket != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", cfg.UnixSocket)
		}
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("the server does not answer: %w", err)
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", resp.Status)
	}
	return nil
}

// reachable is the loopback address where a server listens on all.
func reachable(host string) string {
	switch ip := net.ParseIP(host); {
	case ip == nil || !ip.IsUnspecified():
		return host
	case ip.To4() != nil:
		return "127.0.0.1"
	}
	return "::1"
}
