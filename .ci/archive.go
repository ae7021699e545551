// Command archive packs a folder so that the same files always make the same bytes: in the order of their names, all
// of one time, of no owner, with one of two modes. It prints a line of sha256sum about the archive.
//
//	archive FOLDER OUT.tar.gz|OUT.zip SECONDS
//
// The folder's name is the first part of each name in the archive; SECONDS is the time, since 1970.
package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// packer is a tar or zip archive that is being written.
type packer interface {
	// add writes the name of a file with its content.
	add(name string, content []byte, mode fs.FileMode, at time.Time) error
	Close() error
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: archive FOLDER OUT.tar.gz|OUT.zip SECONDS")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "archive:", err)
		os.Exit(1)
	}
}

func run(folder, name, seconds string) error {
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return err
	}
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	sum := sha256.New()
	both := io.MultiWriter(out, sum)
	var p packer = newTarball(both)
	if strings.HasSuffix(name, ".zip") {
		p = zipFile{zip.NewWriter(both)}
	}
	if err := errors.Join(pack(folder, time.Unix(at, 0).UTC(), p), p.Close(), out.Close()); err != nil {
		return err
	}
	_, err = fmt.Printf("%x  %s\n", sum.Sum(nil), filepath.Base(name))
	return err
}

// pack adds every file of the folder; fs.WalkDir goes by name.
func pack(folder string, at time.Time, p packer) error {
	files := os.DirFS(folder)
	return fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		return p.add(path.Join(filepath.Base(folder), name), content, mode, at)
	})
}

type tarball struct {
	*tar.Writer
	gz *gzip.Writer
}

func newTarball(w io.Writer) tarball {
	gz := gzip.NewWriter(w)
	return tarball{tar.NewWriter(gz), gz}
}

func (t tarball) add(name string, content []byte, mode fs.FileMode, at time.Time) error {
	header := &tar.Header{Name: name, Size: int64(len(content)), Mode: int64(mode), ModTime: at, Format: tar.FormatUSTAR}
	if err := t.WriteHeader(header); err != nil {
		return err
	}
	_, err := t.Write(content)
	return err
}

func (t tarball) Close() error { return errors.Join(t.Writer.Close(), t.gz.Close()) }

type zipFile struct{ *zip.Writer }

func (z zipFile) add(name string, content []byte, mode fs.FileMode, at time.Time) error {
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at}
	header.SetMode(mode)
	w, err := z.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = w.Write(content)
	return err
}
