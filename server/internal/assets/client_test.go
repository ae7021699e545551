package assets

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hipflask/static"
)

// clients is the folder of the bundles.
const clients = "../../../static/client/"

func newClient(t *testing.T) http.Handler {
	t.Helper()
	client, err := Client()
	if err != nil {
		t.Fatalf("Client: %v", err)
	}
	return client
}

func TestClientServesTheBundles(t *testing.T) {
	client := newClient(t)
	for _, name := range ClientFiles() {
		want, err := os.ReadFile(clients + name)
		if err != nil {
			t.Fatal(err)
		}
		wantType := "application/javascript; charset=utf-8"
		if strings.HasSuffix(name, ".map") {
			wantType = "application/json; charset=utf-8"
		}
		got := request(client, "GET", "/socket.io/"+name, nil)
		wantStatus(t, got, http.StatusOK)
		wantHeaders(t, got, map[string]string{
			"Content-Type":           wantType,
			"Cache-Control":          "public, max-age=0",
			"X-Content-Type-Options": "nosniff",
			"Vary":                   "Accept-Encoding",

			"Cross-Origin-Resource-Policy": "cross-origin",
		})
		if got.body.String() != string(want) {
			t.Errorf("%s: %d bytes, want the file's %d", name, got.body.Len(), len(want))
		}
		if tag := got.header.Get("ETag"); !strings.HasPrefix(tag, `"`+static.ClientVersion+"-") {
			t.Errorf("%s: ETag %s does not begin with the version", name, tag)
		}
		wantHeadLikeGet(t, client, "/socket.io/"+name)
	}
}

func TestClientGoesByTheLastElement(t *testing.T) {
	client := newClient(t)
	for _, path := range []string{"/socket.io.js", "/a/b/c/socket.io.js", "//socket.io.js", "/socket.io/socket.io.js?EIO=4"} {
		wantStatus(t, request(client, "GET", path, nil), http.StatusOK)
	}
	for _, path := range []string{
		"/", "/socket.io", "/socket.io/", "/socket.io/socket.io.js/", "/socket.io/socket.io.js/x", "/socket.io/VERSION",
		"/socket.io/LICENSE", "/socket.io/refresh", "/socket.io/socket.io.esm.js", "/socket.io/SOCKET.IO.JS", "/..%2fsocket.io.js.map.bak",
	} {
		wantStatus(t, request(client, "GET", path, nil), http.StatusNotFound)
	}
}

func TestClientOtherMethods(t *testing.T) {
	wantMethodsRefused(t, newClient(t), "/socket.io/socket.io.js")
}

func TestClientFilesAreTheDirectorys(t *testing.T) {
	entries, err := os.ReadDir(clients)
	if err != nil {
		t.Fatal(err)
	}
	var bundles []string
	for _, entry := range entries {
		if strings.Contains(entry.Name(), ".js") {
			bundles = append(bundles, entry.Name())
		}
	}
	listed := ClientFiles()
	slices.Sort(listed)
	if !slices.Equal(bundles, listed) {
		t.Errorf("client/ holds %q, ClientFiles() lists %q", bundles, listed)
	}
}

func TestBundlesAreOfTheVersionNamed(t *testing.T) {
	spec, err := os.ReadFile(clients + "VERSION")
	if err != nil {
		t.Fatal(err)
	}
	if want := "socket.io-client@" + static.ClientVersion + "\n"; string(spec) != want {
		t.Errorf("client/VERSION is %q, ClientVersion makes it %q", spec, want)
	}
	banner := regexp.MustCompile(`^/\*!\n \* Socket\.IO v(\S+)\n`)
	for _, name := range ClientFiles() {
		if strings.HasSuffix(name, ".map") {
			continue
		}
		bundle, err := os.ReadFile(clients + name)
		if err != nil {
			t.Fatal(err)
		}
		found := banner.FindSubmatch(bundle)
		if found == nil || string(found[1]) != static.ClientVersion {
			t.Errorf("%s: banner %q, want version %s", name, found, static.ClientVersion)
		}
		if !strings.HasSuffix(strings.TrimSpace(string(bundle)), "//# sourceMappingURL="+name+".map") {
			t.Errorf("%s does not end with the name of its source map", name)
		}
	}
}
