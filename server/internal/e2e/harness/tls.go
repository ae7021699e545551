package harness

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

// StartTLS is Start with a certificate of its own for the loopback addresses. The configuration is
// for clients, which trust it.
func StartTLS(t *testing.T, args ...string) (*Server, *tls.Config) {
	t.Helper()
	certFile, keyFile, pool := selfSigned(t)
	return Start(t, append(args, "--certfile", certFile, "--keyfile", keyFile)...), &tls.Config{RootCAs: pool}
}

// DialTLS connects over TLS, on top of what wrap makes of the connection, unless that is nil.
func DialTLS(t *testing.T, addr string, config *tls.Config, wrap func(net.Conn) net.Conn) *tls.Conn {
	t.Helper()
	nc, err := testkit.DialTCP(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	if wrap != nil {
		nc = wrap(nc)
	}
	config = config.Clone()
	config.ServerName, _, _ = net.SplitHostPort(addr)
	return tls.Client(nc, config)
}

// selfSigned writes a certificate for the loopback addresses and its key.
func selfSigned(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	parsed, err := x509.ParseCertificate(cert)
	must(err)
	pool = x509.NewCertPool()
	pool.AddCert(parsed)
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	must(os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600))
	must(os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return certFile, keyFile, pool
}
