package hipflask

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gin-gonic/gin"
)

// The files of an application are served by the static folder's rules, after the middleware, and in
// the place of the built-in page.
func TestFiles(t *testing.T) {
	script := strings.Repeat("let a = 1;\n", 100)
	files := fstest.MapFS{
		"page/index.html":                   {Data: []byte("<!doctype html><title>mine</title>")},
		"page/app.js":                       {Data: []byte(script)},
		"page/docs/index.html":              {Data: []byte("docs")},
		"page/.env":                         {Data: []byte("KEY=1")},
		"page/.well-known/security.txt":     {Data: []byte("Contact: a")},
		"page/unknown.kind":                 {Data: []byte{0, 1, 2}},
		"secret.html":                       {Data: []byte("not in the folder")},
		"page/docs/.hidden/still/hidden.js": {Data: []byte("x")},
	}
	r := start(t, func(app *App) error {
		app.Router.Use(func(c *gin.Context) {
			c.Header("X-Middleware", "ran")
			if c.Request.URL.Path == "/docs/" {
				c.Header("Cache-Control", "max-age=60")
			}
		})
		return app.Files(files, "page")
	}, nil)
	for path, want := range map[string]string{
		"/": "text/html; charset=utf-8 no-cache", "/index.html": "text/html; charset=utf-8 no-cache",
		"/docs/": "text/html; charset=utf-8 max-age=60", "/app.js": "text/javascript; charset=utf-8 no-cache",
		"/.well-known/security.txt": "text/plain; charset=utf-8 no-cache", "/unknown.kind": "application/octet-stream no-cache",
	} {
		got := r.ask(t, "GET", path, "Accept-Encoding", "identity")
		tag := got.header.Get("ETag")
		if has := got.header.Get("Content-Type") + " " + got.header.Get("Cache-Control"); got.status != 200 || has != want || tag == "" || got.header.Get("X-Middleware") != "ran" {
			t.Errorf("%s: %v, want %s", path, got, want)
		}
		if again := r.ask(t, "GET", path, "Accept-Encoding", "identity", "If-None-Match", tag); again.status != 304 {
			t.Errorf("%s with its ETag: %v", path, again)
		}
		if head := r.ask(t, "HEAD", path); head.status != 200 || head.body != "" {
			t.Errorf("HEAD %s: %v", path, head)
		}
	}
	if got := r.ask(t, "GET", "/app.js", "Accept-Encoding", "gzip"); got.header.Get("Content-Encoding") != "gzip" || len(got.body) >= len(script) {
		t.Errorf("compressed: %v", got)
	}
	for _, path := range []string{"/.env", "/docs", "/docs/.hidden/still/hidden.js", "/secret.html", "/../secret.html", "/page/index.html"} {
		if got := r.ask(t, "GET", path); got.status != 404 {
			t.Errorf("%s: %v", path, got)
		}
	}
	if got := r.ask(t, "POST", "/"); got.status != 405 || got.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %v", got)
	}
}

// An application reads settings as they were written, and its own defaults hold where nothing else
// was said; what is secret is not told.
func TestSettingsOfAnApplication(t *testing.T) {
	for _, test := range []struct {
		args []string
		env  map[string]string
		want string
	}{
		{nil, nil, "20m 1024 keys"},
		{[]string{"--recovery=1m"}, nil, "1m 1024 keys"},
		{nil, map[string]string{"HIPFLASK_RECOVERY": "2m"}, "2m 1024 keys"},
		{[]string{"--secret-key-file=files_test.go"}, nil, "20m 1024 refused"},
	} {
		var got string
		err := Run(t.Context(), append([]string{"--check"}, test.args...), func(name string) string { return test.env[name] }, &strings.Builder{}, &strings.Builder{}, func(app *App) error {
			got = app.Setting("recovery") + " " + app.Setting("max-queued-events") + " keys"
			if app.Sessions == nil || app.Log == nil || app.Setting("secret-key") != "" || app.Setting("none") != "" {
				t.Errorf("%v: sessions %v, log %v, the key is %q", test.args, app.Sessions, app.Log, app.Setting("secret-key"))
			}
			return nil
		}, "--recovery=20m", "--secret-key", "the program's own")
		if strings.HasSuffix(test.want, "refused") { // the file counts, and it is no list of keys
			if err == nil || !strings.Contains(err.Error(), "--secret-key-file") || strings.Contains(err.Error(), "together") {
				t.Errorf("%v: %v", test.args, err)
			}
			continue
		}
		if err != nil || got != test.want {
			t.Errorf("%v, %v: %q, %v, want %q", test.args, test.env, got, err, test.want)
		}
	}
	err := Run(t.Context(), nil, noEnv, &strings.Builder{}, &strings.Builder{}, func(*App) error { return nil }, "--no-such-setting=1")
	if ExitCode(err) != 2 || !strings.Contains(err.Error(), "the program's defaults: unknown flag") {
		t.Errorf("a default that is none: %v", err)
	}
}
