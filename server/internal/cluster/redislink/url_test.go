package redislink

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/cluster/redistest"
)

// What redis-py writes into a URL means here what it means there.
func TestOptionsOfRedisPy(t *testing.T) {
	u, err := Parse("redis://:a%2Fb@h:1/2?socket_timeout=0.5&socket_connect_timeout=3&health_check_interval=25&retry_on_timeout=True" +
		"&max_connections=7&socket_keepalive=no&decode_responses=yes&encoding=UTF-8&encoding_errors=strict&protocol=3&client_name=chat&username=u")
	if err != nil {
		t.Fatal(err)
	}
	o := u.single
	if o.Addr != "h:1" || o.Username != "u" || o.Password != "a/b" || o.DB != 2 || o.PoolSize != 7 || o.Protocol != 3 || o.ClientName != "chat" {
		t.Errorf("options %+v", o)
	}
	if o.ReadTimeout != 500*time.Millisecond || o.WriteTimeout != 500*time.Millisecond || u.dialTimeout != 3*time.Second ||
		u.PingInterval() != 25*time.Second || u.keepAlive {
		t.Errorf("read %v, write %v, dial %v, ping %v, TCP keep-alive %v", o.ReadTimeout, o.WriteTimeout, u.dialTimeout, u.PingInterval(), u.keepAlive)
	}
	u, err = Parse("unix://me@/run/redis/r.sock?db=3&password=se%2Fcret")
	if err != nil {
		t.Fatal(err)
	}
	if o := u.single; o.Addr != "/run/redis/r.sock" || o.Network != "unix" || o.DB != 3 || o.Username != "me" || o.Password != "se/cret" {
		t.Errorf("options %+v", o)
	}
	for _, empty := range []string{"rediss://h?socket_timeout=&ssl_cert_reqs=&db=", "redis+cluster://h?db=0", "redis://h?db=5&health_check_interval=0"} {
		if _, err := Parse(empty); err != nil {
			t.Errorf("%s: %v", empty, err)
		}
	}
}

// What is not taken is refused by its name, and nothing else of the URL is repeated.
func TestRefusedByName(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "secret.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"socket_timeout=secret":        "socket_timeout, which must be a number of seconds",
		"socket_timeout=0":             "socket_timeout, which must be a number of seconds",
		"socket_connect_timeout=-1":    "socket_connect_timeout, which must be",
		"health_check_interval=secret": "health_check_interval, which must be",
		"socket_keepalive=secret":      "socket_keepalive, which must be true or false",
		"retry_on_timeout=false":       "retry_on_timeout, which cannot be switched off",
		"retry_on_error=secret":        "retry_on_error, which has no counterpart",
		"max_connections=0":            "max_connections, which must be",
		"db=secret":                    "db, which must be the number",
		"protocol=4":                   "protocol, which must be 2 or 3",
		"encoding=secret":              "encoding, which must be utf-8",
		"decode_responses=secret":      "decode_responses, which must be",
		"ssl_cert_reqs=secret":         "ssl_cert_reqs, which must be none, optional or required",
		"ssl_check_hostname=secret":    "ssl_check_hostname, which must be",
		"ssl_ca_certs=/secret":         "ssl_ca_certs, whose file cannot be read: no such file",
		"ssl_ca_certs=" + empty:        "ssl_ca_certs, which holds no certificate",
		"ssl_keyfile=/secret":          "ssl_keyfile, which needs ssl_certfile",
		"ssl_certfile=/secret":         "ssl_certfile or ssl_keyfile, whose file cannot be read",
		"ssl_certfile=" + empty:        "name no certificate with its key",
		"ssl_password=secret":          "ssl_password, which is not supported",
		"ssl_ciphers=secret":           "ssl_ciphers, which is not supported",
		"ssl_secret=1":                 "must be redis://",
		"secret=1":                     "must be redis://",
	} {
		_, err := Parse("rediss://u:secret@h?" + query)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", query, err)
		}
	}
	for text, want := range map[string]string{
		"redis://h?ssl_cert_reqs=none": "ssl_cert_reqs, which needs rediss://",
		"redis://h?skip_verify=true":   "skip_verify, which needs rediss://",
		"redis+cluster://h?db=1":       "db, which must be 0",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A Redis that shows a certificate of an authority nobody knows, for a name that it is not reached
// by, and that wants to see one.
func TestEncryption(t *testing.T) {
	dir := t.TempDir()
	ca, key := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, ca, key)
	port := freePort(t)
	redistest.Start(t, "--tls-port", port, "--tls-cert-file", ca, "--tls-key-file", key, "--tls-ca-cert-file", ca, "--tls-auth-clients", "yes")
	own := "&ssl_certfile=" + ca + "&ssl_keyfile=" + key
	for query, want := range map[string]string{
		"ssl_cert_reqs=none" + own:                                      "",
		"skip_verify=true" + own:                                        "",
		"ssl_ca_certs=" + ca + "&ssl_check_hostname=false" + own:        "",
		"ssl_ca_certs=" + ca + own:                                      "valid for redis.test, not localhost",
		"ssl_cert_reqs=required&ssl_check_hostname=no" + own:            "unknown authority",
		"ssl_cert_reqs=required" + own:                                  "x509: ",
		"ssl_cert_reqs=none&ssl_ca_certs=" + ca + "&client_name=x&db=1": "certificate required",
	} {
		u, err := Parse("rediss://localhost:" + port + "?" + query)
		if err != nil {
			t.Fatal(err)
		}
		l := u.Open()
		err = l.client.Ping(t.Context()).Err()
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", query, err, want)
		}
		_ = l.Close()
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// writeCertificate writes a certificate for redis.test, signed by itself, and its key.
func writeCertificate(t *testing.T, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"redis.test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	certDER, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: certDER}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A frozen Redis holds nobody up who waits for it when the connections are cut: not one who has
// sent a command, not one who connects, and not Close.
func TestCut(t *testing.T) {
	r := redistest.Start(t)
	u, err := Parse(r.URL())
	if err != nil {
		t.Fatal(err)
	}
	l := u.Open()
	if err := l.client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	r.Freeze()
	defer r.Thaw()
	waiting := make(chan error, 3)
	go func() { waiting <- l.client.Ping(context.Background()).Err() }()
	go func() { waiting <- l.client.Ping(context.Background()).Err() }() // on a new connection
	go func() {
		_, err := l.client.Subscribe(context.Background(), "c").Receive(context.Background())
		waiting <- err
	}()
	for {
		l.conns.mu.Lock()
		n := len(l.conns.open)
		l.conns.mu.Unlock()
		if n == 3 {
			break
		}
		time.Sleep(time.Millisecond) // nobody tells
	}
	l.Cut()
	_ = l.Close()
	for range 3 {
		select {
		case err := <-waiting:
			if err == nil {
				t.Error("a frozen Redis answered")
			}
		case <-time.After(readTimeout / 2):
			t.Fatal("somebody still waits")
		}
	}
	if err := l.client.Ping(t.Context()).Err(); err == nil {
		t.Error("connected after the end")
	}
}
