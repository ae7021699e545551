package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	weborigin "hipflask/server/internal/origin"
)

// The settings that say which web pages may connect, and by which names the server is called.

func crossOrigin(c *Config) []Setting {
	return []Setting{
		{Name: "cors-allowed-origins", Value: "LIST", set: originList(&c.CORSAllowedOrigins),
			Meaning: "Origins of web pages that may connect beside the server's own, separated by commas, " +
				"such as https://example.com,http://localhost:3000; https://*.example.com is every name that ends so; " +
				"null, file:// and app://. can be named; * allows every origin."},
		{Name: "cors-credentials", Default: "true", set: boolean(&c.CORSCredentials),
			Meaning: "Let pages of allowed origins send cookies and HTTP authentication."},
		{Name: "allowed-hosts", Value: "LIST", set: hostList(&c.AllowedHosts),
			Meaning: "Names by which the server may be called, as in a Host header, with a port or for any, separated by commas, " +
				"such as chat.example.com,*.example.org,192.0.2.1:5000,[2001:db8::1]; other requests are refused. " +
				"Without it, and with *, every name is taken: name them where no proxy in front does, against DNS rebinding."},
	}
}

// originList takes * alone, or origins.
func originList(field *[]string) func(string) error {
	return list(field, "* allows every origin, so it must stand alone", weborigin.Parse)
}

// hostList takes * alone, or names of hosts.
func hostList(field *weborigin.Hosts) func(string) error {
	return list((*[]string)(field), "* takes every host, so it must stand alone", weborigin.ParseHost)
}

// list takes what stands between commas as parse has it, each once. alone is what is wrong with a * among others.
func list(field *[]string, alone string, parse func(string) (string, error)) func(string) error {
	return func(v string) error {
		*field = nil
		v = strings.TrimSpace(v)
		if v == "" || v == "*" {
			if v != "" {
				*field = []string{v}
			}
			return nil
		}
		for item := range strings.SplitSeq(v, ",") {
			item = strings.TrimSpace(item)
			if item == "*" {
				return errors.New(alone)
			}
			normal, err := parse(item)
			if err != nil {
				return fmt.Errorf("%s %w", quote(item), err)
			}
			if !slices.Contains(*field, normal) {
				*field = append(*field, normal)
			}
		}
		return nil
	}
}
