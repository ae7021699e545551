package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// selfSigned writes a certificate for the loopback addresses and its key.
func selfSigned(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pool = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(cert)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return write("cert.pem", "CERTIFICATE", cert), write("key.pem", "PRIVATE KEY", der), pool
}

// Over TLS, by IPv4 and IPv6, a client connects, talks and hears itself; its origin
// is https.
func TestTLS(t *testing.T) {
	certFile, keyFile, pool := selfSigned(t)
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			server := harness.Start(t, "--host", host, "--certfile", certFile, "--keyfile", keyFile)
			client := &http.Client{Timeout: testkit.Patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
			t.Cleanup(client.CloseIdleConnections)
			origin := "https://" + server.Addr
			url := origin + "/socket.io/?EIO=4&transport=polling"
			ask := func(method, url, payload string) string {
				req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(payload))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Origin", origin)
				resp, err := client.Do(req)
				return body(t, resp, err)
			}
			url += "&sid=" + regexp.MustCompile(`"sid":"([^"]+)"`).FindStringSubmatch(ask(http.MethodGet, url, ""))[1]
			ask(http.MethodPost, url, "40")
			if got := ask(http.MethodGet, url, ""); !strings.HasPrefix(got, "40{") {
				t.Fatalf("CONNECT was answered with %q", got)
			}
			ask(http.MethodPost, url, `42["message","over TLS"]`)
			if got := ask(http.MethodGet, url, ""); got != `42["message","over TLS"]` {
				t.Errorf("heard %q", got)
			}
			ask(http.MethodPost, url, "1")
		})
	}
}
