package config

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

const settingsPage = "../../SETTINGS.md"

// The page of all settings is what the code says. With HIPFLASK_WRITE_SETTINGS=1, as make settings
// sets it, the page is written instead.
func TestSettingsPage(t *testing.T) {
	want := page(Settings())
	if os.Getenv("HIPFLASK_WRITE_SETTINGS") == "1" {
		if err := os.WriteFile(settingsPage, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(settingsPage)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("server/SETTINGS.md is not what the code says (%v), run: make settings", err)
	}
}

// page has a table for each group.
func page(list []Setting) []byte {
	var b bytes.Buffer
	b.WriteString(`# Settings

<!-- Written by "make settings" from internal/config; a test compares. -->

Each setting is a flag and an environment variable. The flag wins, and an empty variable counts as not set. A wrong
setting ends the process with exit code 2 and one line that names it; ` + "`--check`" + ` finds it without a start.

A DURATION is ` + "`25s`, `1m30s` or `500ms`" + `, or a plain number of seconds. A SIZE is a number of bytes, or a number with
KB, MB, GB, KiB, MiB or GiB. A setting without a kind of value is a switch: ` + "`--name`" + ` turns it on, ` + "`--name=false`" + ` off.
`)
	heading := ""
	for _, s := range list {
		if s.Group != heading {
			heading = s.Group
			fmt.Fprintf(&b, "\n## %s\n\n| Flag, variable | Default | Meaning |\n|---|---|---|\n", heading)
		}
		names := code(strings.TrimSpace("--" + s.Name + " " + s.Value))
		if s.Env != "" {
			names += "<br>" + code(s.Env)
		}
		value := ""
		if s.Default != "" {
			value = code(s.Default)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", names, value, cell(s.Meaning))
	}
	return b.Bytes()
}

func code(s string) string { return "`" + s + "`" }

// cell escapes what would end a cell, be a tag or emphasise.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`).Replace(s)
}
