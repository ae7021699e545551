package assets

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"hipflask/static"
)

type response struct {
	what   string // the request, for messages
	status int
	header http.Header
	body   *bytes.Buffer
}

func request(h http.Handler, method, target string, header map[string]string) response {
	r := httptest.NewRequest(method, target, nil)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return response{what: method + " " + target, status: w.Code, header: w.Result().Header, body: w.Body}
}

func wantStatus(t *testing.T, got response, want int) {
	t.Helper()
	if got.status != want {
		t.Errorf("%s: status %d, want %d", got.what, got.status, want)
	}
}

func wantHeaders(t *testing.T, got response, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got.header.Get(name) != value {
			t.Errorf("%s: %s is %q, want %q", got.what, name, got.header.Get(name), value)
		}
	}
}

func wantHeadLikeGet(t *testing.T, h http.Handler, path string) {
	t.Helper()
	for _, encoding := range []string{"identity", "gzip"} {
		header := map[string]string{"Accept-Encoding": encoding}
		get, head := request(h, "GET", path, header), request(h, "HEAD", path, header)
		wantStatus(t, head, http.StatusOK)
		if !maps.EqualFunc(get.header, head.header, slices.Equal) {
			t.Errorf("HEAD %s: headers %v, GET's are %v", path, head.header, get.header)
		}
		if head.body.Len() != 0 {
			t.Errorf("HEAD %s: a body of %d bytes", path, head.body.Len())
		}
		if want := strconv.Itoa(get.body.Len()); get.header.Get("Content-Length") != want {
			t.Errorf("GET %s: Content-Length %q, the body has %s", path, get.header.Get("Content-Length"), want)
		}
	}
}

func wantMethodsRefused(t *testing.T, h http.Handler, path string) {
	t.Helper()
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get"} {
		got := request(h, method, path, nil)
		wantStatus(t, got, http.StatusMethodNotAllowed)
		wantHeaders(t, got, map[string]string{"Allow": "GET, HEAD"})
	}
}

func TestConditionalRequests(t *testing.T) {
	for path, h := range map[string]http.Handler{
		"/":                       newPage(t, "/socket.io"),
		"/style.css":              newPage(t, "/socket.io"),
		"/socket.io/socket.io.js": newClient(t),
	} {
		first := request(h, "GET", path, nil)
		tag := first.header.Get("ETag")
		if !strings.HasPrefix(tag, `"`) || !strings.HasSuffix(tag, `"`) || len(tag) < 20 {
			t.Fatalf("GET %s: ETag %s is not a strong tag", path, tag)
		}
		for condition, want := range map[string]int{
			tag:                              http.StatusNotModified,
			"W/" + tag:                       http.StatusNotModified,
			`"other", ` + tag:                http.StatusNotModified,
			"*":                              http.StatusNotModified,
			`"other"`:                        http.StatusOK,
			strings.Trim(tag, `"`):           http.StatusOK,
			`"` + static.ClientVersion + `"`: http.StatusOK,
		} {
			for _, method := range []string{"GET", "HEAD"} {
				got := request(h, method, path, map[string]string{"If-None-Match": condition})
				got.what += " If-None-Match: " + condition
				wantStatus(t, got, want)
				wantHeaders(t, got, map[string]string{
					"ETag":          tag,
					"Cache-Control": first.header.Get("Cache-Control"),
					"Vary":          "Accept-Encoding",
				})
				if got.status == http.StatusNotModified && got.body.Len() != 0 {
					t.Errorf("%s: a body of %d bytes", got.what, got.body.Len())
				}
			}
		}
	}
}

func TestTagFollowsTheContent(t *testing.T) {
	tag := func(socketPath string) string {
		return request(newPage(t, socketPath), "GET", "/", nil).header.Get("ETag")
	}
	if tag("/a") == tag("/b") {
		t.Error("two different pages have one entity tag")
	}
	if tag("/a") != tag("/a/") {
		t.Error("one page has two entity tags")
	}
}

func TestGzip(t *testing.T) {
	client := newClient(t)
	plain := request(client, "GET", "/socket.io.js", nil)
	for accept, want := range map[string]string{
		"gzip":                          "gzip",
		"GZIP":                          "gzip",
		"gzip, deflate, br":             "gzip",
		"br;q=1.0, gzip;q=0.8, *;q=0.1": "gzip",
		"*":                             "gzip",
		"identity;q=0.5, *;q=0.1":       "gzip",
		"":                              "",
		"identity":                      "",
		"br, deflate":                   "",
		"gzip;q=0":                      "",
		"gzip;q=0.000, *":               "",
		"*, gzip;q=0":                   "",
		"*;q=0":                         "",
		"gzip;q=many":                   "",
		"gzip;level=9":                  "",
		"xgzip":                         "",
	} {
		got := request(client, "GET", "/socket.io.js", map[string]string{"Accept-Encoding": accept})
		got.what += " Accept-Encoding: " + accept
		wantStatus(t, got, http.StatusOK)
		wantHeaders(t, got, map[string]string{
			"Content-Encoding": want,
			"Content-Type":     "application/javascript; charset=utf-8",
			"Vary":             "Accept-Encoding",
			"Content-Length":   strconv.Itoa(got.body.Len()),
		})
		if want == "" {
			wantHeaders(t, got, map[string]string{"ETag": plain.header.Get("ETag")})
			continue
		}
		if got.header.Get("ETag") == plain.header.Get("ETag") {
			t.Errorf("%s: the same strong tag for other bytes", got.what)
		}
		if unzipped := gunzip(t, got.body); unzipped != plain.body.String() {
			t.Errorf("%s: %d bytes unzipped, want %d", got.what, len(unzipped), plain.body.Len())
		}
	}
}

func TestGzipNotModified(t *testing.T) {
	client := newClient(t)
	header := map[string]string{"Accept-Encoding": "gzip"}
	header["If-None-Match"] = request(client, "GET", "/socket.io.js", header).header.Get("ETag")
	got := request(client, "GET", "/socket.io.js", header)
	wantStatus(t, got, http.StatusNotModified)
	wantHeaders(t, got, map[string]string{"Content-Encoding": "", "Content-Length": "", "ETag": header["If-None-Match"]})

	header["Accept-Encoding"] = "identity"
	wantStatus(t, request(client, "GET", "/socket.io.js", header), http.StatusOK)
}

func TestGzipOnlyWhereItSaves(t *testing.T) {
	small := &catalogue{
		assets: map[string]*asset{"/": newAsset("text/plain; charset=utf-8", "", []byte("abc"))},
		name:   func(r *http.Request) string { return r.URL.Path },
	}
	got := request(small, "GET", "/", map[string]string{"Accept-Encoding": "gzip"})
	wantStatus(t, got, http.StatusOK)
	wantHeaders(t, got, map[string]string{"Content-Encoding": "", "Content-Length": "3"})
	if got.body.String() != "abc" {
		t.Errorf("body %q, want %q", got.body, "abc")
	}
}

// The first requests for a file compress it; they may come together.
func TestManyFirstRequests(t *testing.T) {
	page := newPage(t, "/socket.io")
	bodies := make([]string, 8)
	var all sync.WaitGroup
	for i := range bodies {
		all.Go(func() {
			bodies[i] = request(page, "GET", "/app.js", map[string]string{"Accept-Encoding": "gzip"}).body.String()
		})
	}
	all.Wait()
	if got := slices.Compact(bodies); len(got) != 1 || got[0] == "" {
		t.Errorf("%d different bodies, want one that is not empty", len(got))
	}
}

func gunzip(t *testing.T, body io.Reader) string {
	t.Helper()
	z, err := gzip.NewReader(body)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}
