package operations

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// liveCertificate is a certificate's files under names that do not change: a symbolic link leads to
// the folder of the moment, as Kubernetes and certbot have it.
type liveCertificate struct {
	t    *testing.T
	dir  string
	cert string
	key  string
}

func newLiveCertificate(t *testing.T) *liveCertificate {
	t.Helper()
	dir := t.TempDir()
	c := &liveCertificate{t: t, dir: dir, cert: filepath.Join(dir, "live", "cert.pem"), key: filepath.Join(dir, "live", "key.pem")}
	c.renew()
	return c
}

// renew makes the names lead to a new pair, at one stroke, and returns the certificate.
func (c *liveCertificate) renew() (cert string) {
	c.t.Helper()
	cert, _, _ = testkit.SelfSigned(c.t)
	c.swap(filepath.Dir(cert))
	return cert
}

// swap makes the names lead to another folder.
func (c *liveCertificate) swap(folder string) {
	c.t.Helper()
	link := filepath.Join(c.dir, "next")
	err := os.Symlink(folder, link)
	if err == nil {
		err = os.Rename(link, filepath.Join(c.dir, "live"))
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// served is the certificate that a new connection gets.
func served(t *testing.T, addr string) (raw string, conn net.Conn) {
	t.Helper()
	dialer := &net.Dialer{Timeout: testkit.Deadline}
	secure, err := tls.DialWithDialer(dialer, "tcp", addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = secure.Close() })
	return string(secure.ConnectionState().PeerCertificates[0].Raw), secure
}

// waitCount waits until the log holds text n times.
func waitCount(t *testing.T, log *testkit.Output, text string, n int) {
	t.Helper()
	log.WaitFor(t, text, testkit.Deadline, func(all string) bool { return strings.Count(all, text) >= n })
}

const (
	certificateLoaded = "certificate loaded"
	certificateStays  = "the certificate stays as it was"
)

// A renewed certificate is served to whoever connects from then on, and a WebSocket that is there
// lives on. A pair that does not fit, and one that is gone, leave the one before in service.
func TestCertificateReloadsWithItsFiles(t *testing.T) {
	t.Parallel()
	files := newLiveCertificate(t)
	server := harness.Start(t, "--certfile", files.cert, "--keyfile", files.key)
	first, conn := served(t, server.Addr)
	client := testkit.JoinOver(t, conn, server.Addr, "https://"+server.Addr)

	files.renew()
	waitCount(t, server.Stderr, certificateLoaded, 1)
	second, _ := served(t, server.Addr)
	if second == first {
		t.Error("the certificate from before is served")
	}
	client.Chats("after a new certificate")

	whole := files.renewWithForeignKey()
	waitCount(t, server.Stderr, certificateStays, 1)
	if !strings.Contains(server.Stderr.String(), "--certfile and --keyfile: ") {
		t.Error("the log does not name the settings")
	}
	files.swap(filepath.Join(files.dir, "nowhere"))
	waitCount(t, server.Stderr, certificateStays, 2)
	if now, _ := served(t, server.Addr); now != second {
		t.Error("a broken pair has replaced the certificate")
	}
	files.swap(filepath.Dir(whole))
	waitCount(t, server.Stderr, certificateLoaded, 2)
	if now, _ := served(t, server.Addr); now == second {
		t.Error("the pair that was mended is not served")
	}
	client.Chats("after all of that")
}

// renewWithForeignKey takes a certificate and another one's key into service. It returns a
// certificate that stands beside its own key.
func (c *liveCertificate) renewWithForeignKey() (whole string) {
	c.t.Helper()
	whole, _, _ = testkit.SelfSigned(c.t)
	_, foreign, _ := testkit.SelfSigned(c.t)
	broken := c.t.TempDir()
	for name, from := range map[string]string{"cert.pem": whole, "key.pem": foreign} {
		if err := os.Symlink(from, filepath.Join(broken, name)); err != nil {
			c.t.Fatal(err)
		}
	}
	c.swap(broken)
	return whole
}

// SIGHUP has the files read at once, says what came of it, and ends nothing.
func TestCertificateReloadsOnSIGHUP(t *testing.T) {
	t.Parallel()
	files := newLiveCertificate(t)
	cmd, _, stderr := harness.StartServer(t, "--port", "0", "--certfile", files.cert, "--keyfile", files.key)
	waitCount(t, stderr, "url=https://", 1)
	hangUp := func(awaited string, n int) {
		t.Helper()
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		waitCount(t, stderr, awaited, n)
	}
	hangUp("the certificate is the same as before", 1)
	files.renew()
	hangUp(certificateLoaded, 1)
	files.renewWithForeignKey()
	waitCount(t, stderr, certificateStays, 1) // said once by itself, and again for whoever asks
	hangUp(certificateStays, 2)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v, want exit code 0", err)
	}
}
