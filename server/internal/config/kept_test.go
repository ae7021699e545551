package config

import (
	"slices"
	"testing"
)

// Every flag that was there when applications got routes is still taken, with the value that was
// its default: scripts and unit files name them.
func TestFlagsAreKept(t *testing.T) {
	for name, value := range map[string]string{
		"host":                            "127.0.0.1",
		"port":                            "5000",
		"certfile":                        "",
		"keyfile":                         "",
		"unix-socket":                     "",
		"unix-socket-mode":                "0660",
		"path":                            "socket.io",
		"plain-websocket-path":            "/",
		"transports":                      "polling,websocket",
		"allow-upgrades":                  "true",
		"async-handlers":                  "false",
		"cookie":                          "",
		"server-id":                       "",
		"cors-allowed-origins":            "",
		"cors-credentials":                "true",
		"ping-interval":                   "25s",
		"ping-timeout":                    "20s",
		"connect-timeout":                 "45s",
		"upgrade-timeout":                 "10s",
		"read-header-timeout":             "10s",
		"read-body-timeout":               "30s",
		"shutdown-timeout":                "10s",
		"recovery":                        "off",
		"max-http-buffer-size":            "1000000",
		"max-backlog":                     "1MiB",
		"max-queued-events":               "1024",
		"max-attachments":                 "10",
		"max-payload-packets":             "16384",
		"max-json-depth":                  "128",
		"max-messages-per-second":         "off",
		"max-bytes-per-second":            "off",
		"max-connections":                 "off",
		"max-connections-per-address":     "off",
		"max-handshakes-per-second":       "off",
		"trusted-proxies":                 "",
		"http-compression":                "true",
		"compression-threshold":           "1024",
		"websocket-compression":           "false",
		"websocket-compression-threshold": "1024",
		"message-queue":                   "",
		"message-queue-optional":          "false",
		"channel":                         "flask-socketio",
		"channel-format":                  "auto",
		"admin-user":                      "",
		"admin-password-hash":             "",
		"admin-mode":                      "production",
		"ops-addr":                        "off",
		"ops-pprof":                       "false",
		"log-level":                       "info",
		"log-format":                      "text",
		"check":                           "false",
		"healthcheck":                     "false",
	} {
		if _, err := Parse([]string{"--" + name + "=" + value}, env()); err != nil {
			t.Errorf("--%s=%s: %v", name, value, err)
		}
		if slices.ContainsFunc(Settings(), func(s Setting) bool { return s.Name == name && s.isSwitch() }) {
			if _, err := readFlags(Settings(), []string{"--" + name}); err != nil {
				t.Errorf("--%s: %v", name, err)
			}
		}
	}
}
