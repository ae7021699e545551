package assets

import (
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"hipflask/server/internal/folder"
)

// Folder reads all files of a file system, by the rules of package folder: hidden ones are left
// out, and an index.html stands for its folder, too. It returns who serves each by its URL path.
func Folder(fsys fs.FS) (map[string]http.Handler, error) {
	all := make(map[string]http.Handler)
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || folder.Hidden(name) {
			return err
		}
		body, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		kind := mime.TypeByExtension(path.Ext(name))
		if kind == "" {
			kind = http.DetectContentType(body)
		}
		file := embedded{newAsset(kind, "", body)}
		all["/"+name] = file
		if path.Base(name) == folder.Index {
			all["/"+strings.TrimSuffix(name, folder.Index)] = file
		}
		return nil
	})
	return all, err
}

// embedded is a file of an application.
type embedded struct{ *asset }

func (e embedded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	folder.SetCaching(w.Header())
	e.serve(w, r)
}
