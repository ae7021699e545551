package deflate

import (
	"net/http"
	"strings"
)

// name is the extension's, section 7.
const name = "permessage-deflate"

// The parameters of section 7.1.
const (
	serverNoContext  = "server_no_context_takeover"
	clientNoContext  = "client_no_context_takeover"
	serverWindowBits = "server_max_window_bits"
	clientWindowBits = "client_max_window_bits"
)

// Accept returns the Sec-WebSocket-Extensions that answers the first of a client's offers that
// can be taken, or "" when there is none. Every message is compressed by itself, in both
// directions: ours so that clients can share it, theirs so that an idle connection keeps no
// window. A client that wants our window smaller than 32 KiB is not served compressed ones.
func Accept(h http.Header) string {
	for _, field := range h["Sec-Websocket-Extensions"] {
		for offer := range strings.SplitSeq(field, ",") {
			if answer := take(offer); answer != "" {
				return answer
			}
		}
	}
	return ""
}

// take returns the answer to one offer, or "" to decline it, as section 7.1 wants for a
// parameter that is unknown, comes twice or has a wrong value.
func take(offer string) string {
	extension, params, _ := strings.Cut(offer, ";")
	if !strings.EqualFold(strings.TrimSpace(extension), name) {
		return ""
	}
	answer := name + "; " + serverNoContext + "; " + clientNoContext
	if params == "" {
		return answer
	}
	seen := make(map[string]bool)
	for param := range strings.SplitSeq(params, ";") {
		key, value, hasValue := strings.Cut(param, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		if seen[key] || !allowed(key, strings.Trim(strings.TrimSpace(value), `"`), hasValue) {
			return ""
		}
		seen[key] = true
	}
	if seen[serverWindowBits] {
		answer += "; " + serverWindowBits + "=15"
	}
	return answer
}

// allowed reports whether an offer with this parameter can be taken.
func allowed(key, value string, hasValue bool) bool {
	switch key {
	case serverNoContext, clientNoContext:
		return !hasValue
	case serverWindowBits:
		return value == "15"
	case clientWindowBits:
		return !hasValue || isWindow(value)
	}
	return false
}

// isWindow reports whether value is a window's size: 8 to 15 bits.
func isWindow(value string) bool {
	switch value {
	case "8", "9", "10", "11", "12", "13", "14", "15":
		return true
	}
	return false
}
