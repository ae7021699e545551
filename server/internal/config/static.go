package config

import (
	"errors"
	"os"
)

// pages are what browsers are shown beside Socket.IO.
func pages(c *Config) []Setting {
	return []Setting{
		{Name: "static-folder", Value: "DIR", set: into(&c.StaticFolder, folder),
			Meaning: "Folder whose files are served as they are: its index.html at /, and what lies beneath at its own path. " +
				"The built-in page is then off. Hidden files are not served."},
		{Name: "page", Default: "true", set: into(&c.Page, boolean),
			Meaning: "Serve the built-in page, where nothing else is served at its paths."},
	}
}

func folder(v string) (string, error) {
	if v == "" {
		return "", nil
	}
	if info, err := os.Stat(v); err != nil || !info.IsDir() {
		return "", errors.New("must be a folder that is there and can be read")
	}
	return v, nil
}
