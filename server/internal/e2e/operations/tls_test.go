package operations

import (
	"crypto/tls"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

// Over TLS, by IPv4 and IPv6, a client connects, talks and hears itself; its origin is https.
func TestTLS(t *testing.T) {
	certFile, keyFile, pool := testkit.SelfSigned(t)
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run(host, func(t *testing.T) {
			server := harness.Start(t, "--host", host, "--certfile", certFile, "--keyfile", keyFile)
			client := &http.Client{Timeout: testkit.Deadline, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
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
				return testkit.ReadBody(t, resp, err)
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
