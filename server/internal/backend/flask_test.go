package backend_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"hipflask/testdata/testkit"
)

// startFlask runs a real Flask behind a front.
func startFlask(t *testing.T) *front {
	t.Helper()
	testkit.NeedModules(t, "flask")
	cmd := exec.Command(testkit.Python, "-u", testkit.Testdata("flask", "behind.py"))
	cmd.Env = []string{"PATH=/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE=1"}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	var port int
	if _, err := fmt.Fscanf(bufio.NewReader(out), "port %d\n", &port); err != nil {
		t.Fatal(err)
	}
	return newFront(t, fmt.Sprintf("http://127.0.0.1:%d", port), nil)
}

func TestFlaskBehind(t *testing.T) {
	f := startFlask(t)

	t.Run("who asks, and for what", func(t *testing.T) {
		_, body := f.ask(t, "GET /seen/a%2Fb/../%C3%A9?x=%2F HTTP/1.1\r\n"+lies+"Connection: close\r\n\r\n")
		var seen struct {
			Path, Raw, Remote, URL string
			Names                  []string
		}
		if err := json.Unmarshal([]byte(body), &seen); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		if seen.Raw != "/seen/a%2Fb/../%C3%A9?x=%2F" || seen.Path != "a/b/../é" || seen.Remote != "127.0.0.1" || seen.URL != "http://shop.example/" {
			t.Errorf("%+v", seen)
		}
		want := []string{"HTTP_ACCEPT_ENCODING", "HTTP_COOKIE", "HTTP_HIPFLASK_LOOP", "HTTP_HOST", "HTTP_USER_AGENT",
			"HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_X_OWN"}
		if !slices.Equal(seen.Names, want) {
			t.Errorf("Flask sees %q", seen.Names)
		}
	})

	t.Run("login", func(t *testing.T) {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		browser := &http.Client{Jar: jar}
		resp, err := browser.PostForm(f.URL+"/login", url.Values{"name": {"Zoë"}})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || string(text) != "Hello, Zoë" || resp.Request.URL.Host != f.Listener.Addr().String() {
			t.Errorf("%q from %s, %v", text, resp.Request.URL, err)
		}
	})

	t.Run("upload", func(t *testing.T) {
		h := sha256.New()
		source := io.TeeReader(io.LimitReader(rand.NewChaCha8([32]byte{2}), 20<<20), h)
		req, err := http.NewRequest(http.MethodPost, f.URL+"/hash", source)
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = 20 << 20
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || string(text) != hex.EncodeToString(h.Sum(nil)) {
			t.Errorf("%q, %v", text, err)
		}
	})

	t.Run("events", func(t *testing.T) {
		if resp, body := f.get(t, "/events"); !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") || body != "data: one\n\ndata: two\n\n" {
			t.Errorf("%q, %v", body, resp.Header)
		}
	})
}
