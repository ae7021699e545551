package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/relay"
)

func sessionSamples() []sample {
	return []sample{
		{"session-cookie-name", "SessionCookieName", "session", []good{{"chat-session", "chat-session"}, {"__Host-s", "__Host-s"}}, map[string]string{
			"": "cookie's name", "a b": "cookie's name", "a=b": "cookie's name", "\u00e9": "cookie's name", "a;b": "cookie's name",
		}},
		{"session-lifetime", "SessionLifetime", 31 * 24 * time.Hour, []good{
			{"30m", 30 * time.Minute}, {"7d", 7 * 24 * time.Hour}, {"1d12h", 36 * time.Hour}, {"2678400", 31 * 24 * time.Hour},
			{"3650d", 3650 * 24 * time.Hour}, {"1s", time.Second}, {"0d5m", 5 * time.Minute},
		}, map[string]string{
			"": "duration", "0": "from 1s", "0d": "from 1s", "soon": "duration", "-1d": "duration", "3651d": "to 3650d", "99999d": "to 3650d",
			"1.5d": "duration", "1h1d": "duration", "d": "duration", "3650d1s": "to 3650d", "999999999999999999h": "duration", "1d-2h": "duration",
		}},
	}
}

func TestSecretKey(t *testing.T) {
	c := mustParse(t, env())
	expect(t, c, "SecretKeys", [][]byte(nil))
	expect(t, c, "SecretKeyVisible", false)
	c = mustParse(t, env(envName("secret-key"), "s3cret"))
	expect(t, c, "SecretKeys", [][]byte{[]byte("s3cret")})
	expect(t, c, "SecretKeyVisible", false)
	c = mustParse(t, env(envName("secret-key"), "other"), "--secret-key=s3cret")
	expect(t, c, "SecretKeys", [][]byte{[]byte("s3cret")})
	expect(t, c, "SecretKeyVisible", true)
	refused(t, []string{"--secret-key="}, env(), "--secret-key:", "must not be empty")
}

func keyFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestSecretKeyFile(t *testing.T) {
	for text, want := range map[string][][]byte{
		"one\ntwo\n":                       {[]byte("one"), []byte("two")},
		"one":                              {[]byte("one")},
		"one\r\n two \r\n":                 {[]byte("one"), []byte(" two ")},
		"base64:AP8=\nbase64:__8\nbase64x": {{0, 0xff}, {0xff, 0xff}, []byte("base64x")},
	} {
		name := keyFile(t, text)
		c := mustParse(t, env(), "--secret-key-file", name)
		if !reflect.DeepEqual(c.SecretKeys, want) || c.SecretKeyFile != name || c.SecretKeyVisible {
			t.Errorf("%q: %q", text, c.SecretKeys)
		}
	}
	for text, why := range map[string]string{
		"": "no key", "\n": "no key", "secret\n\n": "line 2 is empty", "\nsecret": "line 1 is empty", "secret\nbase64:": "line 2 is a key of no length",
		"base64:secret!": "line 1 has base64: before", strings.Repeat("secret\n", 17): "more than 16", strings.Repeat("secret", 1<<18): "1 MiB",
	} {
		args := []string{"--secret-key-file", keyFile(t, text)}
		refused(t, args, env(), "--secret-key-file", why)
		if _, err := Parse(args, env()); strings.Contains(err.Error(), "secret!") {
			t.Errorf("the error repeats a secret: %v", err)
		}
	}
	refused(t, []string{"--secret-key-file=/no/such/file"}, env(), "--secret-key-file", "cannot be read")
	refused(t, []string{"--secret-key-file", t.TempDir()}, env(), "--secret-key-file", "must be a file")
	refused(t, []string{"--secret-key-file", keyFile(t, "a")}, env(envName("secret-key"), "s3cret"), "--secret-key-file", "--secret-key")
}

func TestBackend(t *testing.T) {
	expect(t, mustParse(t, env()), "Backend", relay.Target{})
	for _, text := range []string{"http://127.0.0.1:8000", "https://flask", "unix:/run/app.sock"} {
		want, err := relay.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, mustParse(t, env(), "--backend", text), "Backend", want)
		expect(t, mustParse(t, env(envName("backend"), text)), "Backend", want)
	}
	for text, why := range map[string]string{
		"127.0.0.1:8000": "must be http", "http://127.0.0.1:8000/app": "behind the host", "http://127.0.0.1:5000": "own address",
		"http://localhost:5000": "own address", "ftp://a": "must be http",
	} {
		refused(t, []string{"--backend", text}, env(), "--backend", quoted(text), why)
	}
	refused(t, []string{"--host=0.0.0.0", "--port=80", "--backend=http://127.0.0.1"}, env(), "--backend", "own address")
	refused(t, []string{"--unix-socket=/run/a", "--backend=unix:/run/a"}, env(), "--backend", "own address")
	mustParse(t, env(), "--port=0", "--backend=http://127.0.0.1:5000")
}
