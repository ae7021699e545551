package websocket

import (
	"net/http"
	"testing"
)

func TestAcceptOffer(t *testing.T) {
	const plain = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	for offer, want := range map[string]string{
		"permessage-deflate":                                                         plain,
		"Permessage-Deflate":                                                         plain,
		"permessage-deflate; client_max_window_bits":                                 plain, // browsers, npm's ws
		"permessage-deflate;client_max_window_bits=15":                               plain,
		"permessage-deflate; client_max_window_bits=\"8\"":                           plain,
		"permessage-deflate; server_no_context_takeover":                             plain,
		"permessage-deflate; client_no_context_takeover":                             plain,
		"permessage-deflate; server_max_window_bits=15":                              plain + "; server_max_window_bits=15",
		"permessage-deflate; server_max_window_bits=10, permessage-deflate":          plain, // the second offer
		"permessage-deflate; server_max_window_bits=10":                              "",
		"x-webkit-deflate-frame, permessage-deflate":                                 plain,
		"permessage-deflate; server_max_window_bits":                                 "",
		"permessage-deflate; client_max_window_bits=7":                               "",
		"permessage-deflate; client_max_window_bits=16":                              "",
		"permessage-deflate; client_max_window_bits=08":                              "",
		"permessage-deflate; server_no_context_takeover=1":                           "",
		"permessage-deflate; client_no_context_takeover; client_no_context_takeover": "",
		"permessage-deflate; unknown":                                                "",
		"permessage-deflate;":                                                        plain,
		"permessage-bzip2":                                                           "",
		"":                                                                           "",
		",,;;==":                                                                     "",
	} {
		if got := acceptOffer(http.Header{"Sec-Websocket-Extensions": {offer}}); got != want {
			t.Errorf("%q: %q, want %q", offer, got, want)
		}
	}
	if got := acceptOffer(http.Header{"Sec-Websocket-Extensions": {"unknown", "permessage-deflate"}}); got != plain {
		t.Errorf("two fields: %q", got)
	}
	if got := acceptOffer(http.Header{}); got != "" {
		t.Errorf("no field: %q", got)
	}
}
