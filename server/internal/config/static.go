package config

import (
	"errors"
	"os"
)

// pages are what browsers are shown beside Socket.IO.
func pages(c *Config) []Setting {
	return []Setting{
		{Name: "static-folder", Value: "DIR", set: folder(&c.StaticFolder),
			Meaning: "Folder whose files are served as they are: its index.html at /, and what lies beneath at its own path. " +
				"The built-in page is then off. Hidden files are not served."},
		{Name: "page", Default: "true", set: boolean(&c.Page),
			Meaning: "Serve the built-in page, where nothing else is served at its paths."},
	}
}

func folder(field *string) func(string) error {
	return func(v string) error {
		*field = v
		if v == "" {
			return nil
		}
		if info, err := os.Stat(v); err != nil || !info.IsDir() {
			return errors.New("must be a folder that is there and can be read")
		}
		return nil
	}
}
