// Package folder serves the files of a folder as they are on disk when they are asked for: a page
// of one's own. It owns which paths are files, and that nothing outside the folder is.
package folder

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// Index is the file that stands for its folder.
const Index = "index.html"

// Folder serves the files beneath a directory.
type Folder struct{ dir string }

// Open makes sure that dir is a directory that can be read.
func Open(dir string) (*Folder, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{dir}, root.Close()
}

// Serve answers a request for a file that is there, and reports whether there is one: if not, it
// has written nothing. A path that ends with a slash is that folder's index.html. A file's methods
// are GET and HEAD; for others see [Folder.Has].
func (f *Folder) Serve(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	file, info := f.open(r.URL.Path)
	if file == nil {
		return false
	}
	defer func() { _ = file.Close() }()
	SetCaching(w.Header())
	http.ServeContent(w, r, info.Name(), info.ModTime(), file)
	return true
}

// SetCaching has browsers ask each time whether a file has changed, as with Flask's, where the
// header does not say otherwise.
func SetCaching(h http.Header) {
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache")
	}
}

// Has reports whether a file answers GET at the path.
func (f *Folder) Has(urlPath string) bool {
	file, _ := f.open(urlPath)
	if file == nil {
		return false
	}
	_ = file.Close()
	return true
}

// open returns the file at the path of a URL, nil if there is none. The folder is looked up anew
// each time, so that it may be a link that a deployment moves; os.Root keeps what is beneath from
// leading out of it.
func (f *Folder) open(urlPath string) (*os.File, fs.FileInfo) {
	name, ok := fileName(urlPath)
	if !ok {
		return nil, nil
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, nil
	}
	defer func() { _ = root.Close() }()
	// To open a pipe would wait for who writes to it.
	if info, err := root.Stat(name); err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, nil
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = file.Close()
		return nil, nil
	}
	return file, info
}

// fileName is the file that a path means. Only the shortest form of a path is taken, and no hidden
// file.
func fileName(urlPath string) (string, bool) {
	name, ok := strings.CutPrefix(urlPath, "/")
	if !ok || strings.ContainsAny(name, "\\\x00") {
		return "", false
	}
	if name == "" || strings.HasSuffix(name, "/") {
		name += Index
	}
	return name, fs.ValidPath(name) && name != "." && !Hidden(name)
}

// Hidden reports whether a file is one that nobody is served: it or a folder on its path begins
// with a dot, as .git and .env do, which were not put there to be read. .well-known is none (RFC
// 8615).
func Hidden(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") && part != ".well-known" {
			return true
		}
	}
	return false
}
