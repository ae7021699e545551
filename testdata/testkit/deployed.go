package testkit

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// withUpstreams is server/deploy/nginx.conf with these upstreams in the place of its own. In the
// place of its TLS stands "# listen, server_name, certificates". Where there is no upstream
// hipflask any more, the variable of that name chooses one.
func withUpstreams(t testing.TB, upstreams string) string {
	t.Helper()
	text, err := os.ReadFile(Testdata("..", "server", "deploy", "nginx.conf"))
	if err != nil {
		t.Fatal(err)
	}
	config := string(text)
	for _, change := range [][2]string{
		{`(?s)\nupstream hipflask \{.*?\n\}\n`, "\n" + upstreams},
		{`(?s)\nserver \{\s*listen 80;.*?\n\}\n`, "\n"},
		{`(?s)listen 443 ssl;.*?ssl_certificate_key [^;]*;`, "# listen, server_name, certificates"},
	} {
		pattern := regexp.MustCompile(change[0])
		if len(pattern.FindAllString(config, -1)) != 1 {
			t.Fatalf("deploy/nginx.conf does not have %s once", change[0])
		}
		config = pattern.ReplaceAllLiteralString(config, change[1])
	}
	if !strings.Contains(upstreams, "upstream hipflask ") {
		config = strings.Replace(config, "http://hipflask;", "http://$hipflask;", 1)
	}
	return config
}
