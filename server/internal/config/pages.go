package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	weborigin "hipflask/server/internal/origin"
)

// The settings that say which web pages may connect, by which names the server is called, and which
// pages it serves.

func crossOrigin(c *Config) []Setting {
	return []Setting{
		{Name: "cors-allowed-origins", Value: "LIST", set: into(&c.CORSAllowedOrigins, originList),
			Meaning: "Origins of web pages that may connect beside the server's own, separated by commas, " +
				"such as https://example.com,http://localhost:3000; https://*.example.com is every name that ends so; " +
				"null, file:// and app://. can be named; * allows every origin."},
		{Name: "cors-credentials", Default: "true", set: into(&c.CORSCredentials, boolean),
			Meaning: "Let pages of allowed origins send cookies and HTTP authentication."},
		{Name: "allowed-hosts", Value: "LIST", set: into(&c.AllowedHosts, hostList),
			Meaning: "Names by which the server may be called, as in a Host header, with a port or for any, separated by commas, " +
				"such as chat.example.com,*.example.org,192.0.2.1:5000,[2001:db8::1]; other requests are refused. " +
				"Without it, and with *, every name is taken: name them where no proxy in front does, against DNS rebinding."},
	}
}

func originList(v string) ([]string, error) {
	return list(v, "* allows every origin, so it must stand alone", weborigin.Parse)
}

func hostList(v string) (weborigin.Hosts, error) {
	return list(v, "* takes every host, so it must stand alone", weborigin.ParseHost)
}

// list takes * alone, or what stands between commas as parse has it, each once. alone is what is
// wrong with a * among others.
func list(v, alone string, parse func(string) (string, error)) (all []string, err error) {
	v = strings.TrimSpace(v)
	switch v {
	case "":
		return nil, nil
	case "*":
		return []string{v}, nil
	}
	for item := range strings.SplitSeq(v, ",") {
		item = strings.TrimSpace(item)
		if item == "*" {
			return nil, errors.New(alone)
		}
		normal, err := parse(item)
		if err != nil {
			return nil, fmt.Errorf("%s %w", quote(item), err)
		}
		if !slices.Contains(all, normal) {
			all = append(all, normal)
		}
	}
	return all, nil
}

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
