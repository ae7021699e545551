package main

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hipflask/server/internal/config"
)

// others are names in the documents that are no settings: flags of Docker and systemctl,
// the example of a switch, variables of the tests.
var others = []string{"--ulimit", "--stop-timeout", "--now", "--name", "HIPFLASK_WRITE_SETTINGS", "HIPFLASK_TEST_TARGET", "HIPFLASK_TEST_ENGINES"}

// documents are the project's Markdown files, by their paths from its top.
func documents(t *testing.T) map[string]string {
	t.Helper()
	top := os.DirFS("..")
	files := make(map[string]string)
	err := fs.WalkDir(top, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "dist"):
			return fs.SkipDir
		case filepath.Ext(path) == ".md":
			text, err := fs.ReadFile(top, path)
			files[path] = string(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("only %d documents were found", len(files))
	}
	return files
}

// Each flag and each environment variable that the documents and the deployment files
// name is a setting.
func TestDocumentsNameSettings(t *testing.T) {
	files := documents(t)
	deployed, err := filepath.Glob("deploy/*")
	if err != nil || len(deployed) == 0 {
		t.Fatal("no deployment files", err)
	}
	for _, file := range deployed {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		files[file] = string(text)
	}
	image, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	// Its flags are those of Docker's instructions.
	files["Dockerfile"] = strings.Join(regexp.MustCompile(`HIPFLASK_[A-Z_]+`).FindAllString(string(image), -1), " ")

	known := make(map[string]bool)
	for _, s := range config.Settings() {
		known["--"+s.Name], known[s.Env] = true, true
	}
	names, flags := regexp.MustCompile(`(?:^|[\s"(\x60])(--[a-z][a-z-]*[a-z])|\b(HIPFLASK_[A-Z_]+)\b`), 0
	for file, text := range files {
		for _, found := range names.FindAllStringSubmatch(text, -1) {
			name := found[1] + found[2]
			flags += len(found[1])
			if !known[name] && !slices.Contains(others, name) {
				t.Errorf("%s names %s, which is no setting", file, name)
			}
		}
	}
	if flags < 1000 {
		t.Errorf("the flags found have %d letters together: the documents were not understood", flags)
	}
}

// Each link from one document to another, or within one, leads somewhere.
func TestDocumentsLinks(t *testing.T) {
	files := documents(t)
	anchors := make(map[string][]string)
	for file, text := range files {
		anchors[file] = headings(text)
	}
	links := 0
	for file, text := range files {
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(withoutCode(text), -1) {
			target, err := url.Parse(link[1])
			if err != nil || target.IsAbs() {
				continue
			}
			links++
			path := file
			if target.Path != "" {
				path = filepath.ToSlash(filepath.Join(filepath.Dir(file), target.Path))
			}
			if _, err := os.Stat(filepath.Join("..", path)); err != nil {
				t.Errorf("%s links to %s: %v", file, link[1], err)
			} else if target.Fragment != "" && !slices.Contains(anchors[path], target.Fragment) {
				t.Errorf("%s links to %s, where there is no such heading", file, link[1])
			}
		}
	}
	if links < 20 {
		t.Errorf("only %d links were found", links)
	}
}

// Each Go file that ARCHITECTURE.md names is there, and each of its five ways through the
// files names a file once.
func TestDocumentsNameFiles(t *testing.T) {
	page := documents(t)["server/ARCHITECTURE.md"]
	names := regexp.MustCompile("`([a-z0-9_/]+\\.go)`")
	found := names.FindAllStringSubmatch(page, -1)
	if len(found) < 80 {
		t.Errorf("only %d files were found", len(found))
	}
	for _, name := range found {
		if !slices.ContainsFunc([]string{"..", ".", "internal"}, func(in string) bool {
			_, err := os.Stat(filepath.Join(in, name[1]))
			return err == nil
		}) {
			t.Errorf("there is no %s at the top, in server or in server/internal", name[1])
		}
	}
	_, walk, _ := strings.Cut(page, "## Five ways through the files")
	walk, _, _ = strings.Cut(walk, "\n## ")
	ways := strings.Split(walk, "\n\n**")
	if len(ways) != 6 { // the first is what stands before them
		t.Fatalf("there are %d ways", len(ways)-1)
	}
	for _, way := range ways[1:] {
		seen := make(map[string]bool)
		for _, name := range names.FindAllStringSubmatch(way, -1) {
			if seen[name[1]] {
				t.Errorf("the way %.20q names %s twice", way, name[1])
			}
			seen[name[1]] = true
		}
	}
}

// The page that says which test holds which promise names every folder, and no file or test
// that is not there.
func TestDocumentsNameTests(t *testing.T) {
	const folder = "internal/e2e"
	page := documents(t)["server/internal/e2e/README.md"]
	rows := regexp.MustCompile(`(?m)^\| .*$`).FindAllString(page, -1)
	named, tests := make(map[string]bool), 0
	for _, held := range regexp.MustCompile("((?:, )?`([a-z0-9]+)/[a-z0-9_]+_test\\.go`)+: ([^;|]*)").FindAllString(strings.Join(rows, "\n"), -1) {
		var text []byte
		for _, file := range regexp.MustCompile("`(([a-z0-9]+)/[a-z0-9_]+_test\\.go)`").FindAllStringSubmatch(held, -1) {
			one, err := os.ReadFile(filepath.Join(folder, file[1]))
			if err != nil {
				t.Errorf("%s: %v", held, err)
			}
			text, named[file[2]] = append(text, one...), true
		}
		for _, name := range regexp.MustCompile(`\bTest\w+`).FindAllString(held, -1) {
			if tests++; !strings.Contains(string(text), "\nfunc "+name) {
				t.Errorf("%s: there is no %s", held, name)
			}
		}
	}
	if tests < 100 {
		t.Errorf("only %d tests were found", tests)
	}
	folders, err := filepath.Glob(folder + "/*/*_test.go")
	if err != nil || len(folders) == 0 {
		t.Fatal("no tests", err)
	}
	for _, file := range folders {
		if in := filepath.Base(filepath.Dir(file)); !named[in] {
			t.Errorf("the page names no test of %s", in)
		}
	}
}

// headings are the fragments by which a document's headings are linked to.
func headings(text string) (anchors []string) {
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(withoutCode(text), -1) {
		plain := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		anchors = append(anchors, strings.ReplaceAll(plain, " ", "-"))
	}
	return anchors
}

func withoutCode(text string) string {
	return regexp.MustCompile("(?ms)^ *```.*?^ *```").ReplaceAllString(text, "")
}
