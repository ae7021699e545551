package websocket

import (
	"net/http"
	"strings"
)

// The extension and its parameters, RFC 7692, sections 7 and 7.1.
const (
	deflateName      = "permessage-deflate"
	serverNoContext  = "server_no_context_takeover"
	clientNoContext  = "client_no_context_takeover"
	serverWindowBits = "server_max_window_bits"
	clientWindowBits = "client_max_window_bits"
)

// acceptOffer returns the Sec-WebSocket-Extensions that answers the first of a client's offers that
// can be taken, or "" when there is none. Every message is compressed by itself, in both
// directions: ours so that clients can share it, theirs so that an idle connection keeps no window.
// A client that wants our window smaller than 32 KiB is not served compressed ones.
func acceptOffer(h http.Header) string {
	for _, field := range h["Sec-Websocket-Extensions"] {
		for offer := range strings.SplitSeq(field, ",") {
			if answer := takeOffer(offer); answer != "" {
				return answer
			}
		}
	}
	return ""
}

// takeOffer returns the answer to one offer, or "" to decline it, as section 7.1 wants for a
// parameter that is unknown, comes twice or has a wrong value.
func takeOffer(offer string) string {
	extension, params, _ := strings.Cut(offer, ";")
	if !strings.EqualFold(strings.TrimSpace(extension), deflateName) {
		return ""
	}
	answer := deflateName + "; " + serverNoContext + "; " + clientNoContext
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
