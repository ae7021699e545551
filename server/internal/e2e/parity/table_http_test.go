package parity

import "strings"

// refusedBody is the official server's form of a refusal.
func refusedBody(code, message string) string {
	return `{"code":` + code + `,"message":"` + message + `"}`
}

// requestDifferences are about what is answered to a request of Engine.IO.
func requestDifferences() []difference {
	const (
		form    = "the form in which the official server writes a refusal; the status is Flask-SocketIO's"
		eio3    = "clients 1.x and 2.x are served, which Flask-SocketIO 5 refuses"
		garbage = "Flask-SocketIO answers 200 to what it could not read, and drops it; the client should know"
		naming  = "every client names its transport, and the official server insists on it"
		script  = "a browser refuses a script of the type text/plain where it is told not to guess"
		early   = "the method is looked at first"
		version = `"The client is using an unsupported version of the Socket.IO or Engine.IO protocols"`
		opened  = `0{"sid":<id>,"upgrades":["websocket"],"pingTimeout":20000,"pingInterval":25000,"maxPayload":1000000}`
		none    = "no EIO, and EIO=2, are Engine.IO 3, as Flask-SocketIO 4 had it for old clients"
		bytes   = "\x00\x01\x01\x08\xff" // kind and length of a packet
		noWord  = "WebSocket handshakes that are none get a line that says why"
		refused = "*: body"
	)
	return []difference{
		{name: refused, why: form, flask: `"Invalid session"`, ours: refusedBody("1", "Session ID unknown")},
		{name: "HTTP POST without a sid: body", why: form, flask: `"Invalid session"`, ours: refusedBody("2", "Bad handshake method")},
		{name: refused, why: form, flask: `"Invalid transport"`, ours: refusedBody("0", "Transport unknown")},
		{name: refused, why: form, flask: `"Invalid websocket upgrade"`, ours: refusedBody("3", "Bad request")},
		{name: refused, why: form, flask: version, ours: refusedBody("5", "Unsupported protocol version")},
		{name: "HTTP GET /socket.io/: body", why: form, flask: version, ours: refusedBody("0", "Transport unknown")},
		{name: "*: type", why: form, flask: "text/plain", ours: "application/json"},

		{name: "HTTP GET /socket.io/?EIO=3&transport=polling: status", why: eio3, flask: "400", ours: "200"},
		{name: "HTTP GET /socket.io/?EIO=3&transport=polling: body", why: eio3, flask: version, ours: bytes + opened},
		{name: "HTTP GET /socket.io/?EIO=3&transport=polling: type", why: eio3, flask: "text/plain", ours: "application/octet-stream"},
		{name: "HTTP GET /socket.io/?EIO=3&transport=websocket: status", why: eio3, flask: "400", ours: "101"},
		{name: "HTTP GET /socket.io/?EIO=3&transport=websocket: body", why: eio3, flask: version, ours: ""},
		{name: "HTTP GET /socket.io/?EIO=3&transport=websocket: type", why: eio3, flask: "text/plain", ours: ""},

		{name: "HTTP GET /socket.io/?transport=polling: status", why: none, flask: "400", ours: "200"},
		{name: "HTTP GET /socket.io/?transport=polling: body", why: none, flask: version, ours: bytes + opened},
		{name: "HTTP GET /socket.io/?transport=polling: type", why: none, flask: "text/plain", ours: "application/octet-stream"},
		{name: "HTTP GET /socket.io/?transport=websocket: status", why: none, flask: "400", ours: "101"},
		{name: "HTTP GET /socket.io/?transport=websocket: body", why: none, flask: version, ours: ""},
		{name: "HTTP GET /socket.io/?transport=websocket: type", why: none, flask: "text/plain", ours: ""},

		{name: "HTTP POST of *: status", why: garbage, flask: "200", ours: "400"},
		{name: "HTTP POST of *: body", why: garbage, flask: "OK", ours: refusedBody("3", "Bad request")},

		{name: "HTTP GET /socket.io/?EIO=4*: status", why: naming, flask: "200", ours: "400"},
		{name: "HTTP GET /socket.io/?EIO=4*: body", why: naming, flask: opened, ours: refusedBody("0", "Transport unknown")},
		{name: "HTTP GET /socket.io/?EIO=4*: type", why: naming, flask: "text/plain; charset=UTF-8", ours: "application/json"},

		{name: "HTTP GET *&j=0: type", why: script, flask: "text/plain; charset=UTF-8", ours: "text/javascript; charset=UTF-8"},
		{name: "HTTP GET *&j=x: status", why: "a callback without a number is answered as the official server does", flask: "400", ours: "200"},
		{name: "HTTP GET *&j=x: type", why: script, flask: "text/plain", ours: "text/javascript; charset=UTF-8"},
		{name: "HTTP GET *&j=x: body", why: "the same", flask: `"Invalid JSONP index number"`,
			ours: `___eio[]("0{\"sid\":<id>,\"upgrades\":[\"websocket\"],\"pingTimeout\":20000,\"pingInterval\":25000,\"maxPayload\":1000000}");`},

		{name: "HTTP websocket without Connection: status", why: "a fault of the client's is not one of the server's", flask: "500", ours: "400"},
		{name: "HTTP websocket without Connection: body", why: "the same", flask: "a traceback", ours: refusedBody("3", "Bad request")},
		{name: "HTTP websocket without a key: body", why: noWord, flask: "", ours: "exactly one Sec-WebSocket-Key is needed\n"},
		{name: "HTTP websocket of version 7: body", why: noWord, flask: "", ours: "Sec-WebSocket-Version must be 13\n"},
		{name: "HTTP websocket *: type", why: noWord, flask: "", ours: "text/plain; charset=utf-8"},

		{name: "HTTP * /socket.io/: status", why: early, flask: "400", ours: "405"},
		{name: "HTTP * /socket.io/: body", why: early, flask: version, ours: "Method Not Allowed\n"},
		{name: "HTTP * /socket.io/?*: body", why: "the standard's words for 405", flask: "Method Not Found", ours: "Method Not Allowed\n"},
		{name: "HTTP * /socket.io/*: type", why: "the same", flask: "text/plain", ours: "text/plain; charset=utf-8"},

		{name: "open: an upgrade: status", why: "--allow-upgrades=false holds for those who try all the same", flask: "101", ours: "400"},
	}
}

// originDifferences are about which pages may connect.
func originDifferences() []difference {
	const (
		site    = "what a page of another site has loaded without an Origin opens no session"
		own     = "the server's own page may connect beside those that are listed; Flask-SocketIO's list replaces it"
		refused = `"Not an accepted origin."`
		opened  = `{"sid":<id>,"upgrades":["websocket"],"pingTimeout":20000,"pingInterval":25000,"maxPayload":1000000}`
		strict  = `0{"sid":<id>,"upgrades":["websocket"],"pingTimeout":12500,"pingInterval":30000,"maxPayload":2000}`
	)
	return []difference{
		{name: "HTTP GET another site's *: status", why: site, flask: "200", ours: "400"},
		{name: "HTTP GET another site's *: type", why: site, flask: "text/plain; charset=UTF-8", ours: "text/plain"},
		{name: "HTTP GET another site's *: body", why: site, flask: "0" + opened, ours: refused},
		{name: "HTTP GET another site's script *: body", why: site,
			flask: `___eio[0]("0` + strings.ReplaceAll(opened, `"`, `\"`) + `");`, ours: refused},

		{name: `strict: poll from "http://ADDR": status`, why: own, flask: "400", ours: "200"},
		{name: `strict: poll from "http://ADDR": type`, why: own, flask: "text/plain", ours: "text/plain; charset=UTF-8"},
		{name: `strict: poll from "http://ADDR": body`, why: own, flask: refused, ours: strict},
		{name: `strict: poll from "http://ADDR": cookie`, why: own, flask: ";", ours: "io=<id> path=/; SameSite=Lax;"},
		{name: `strict: poll from "http://ADDR": CORS`, why: own, flask: "", ours: "Allow-Credentials: true; Allow-Origin: http://ADDR"},
		{name: `strict: preflight from "http://ADDR": status`, why: own, flask: "400", ours: "200"},
		{name: `strict: preflight from "http://ADDR": body`, why: own, flask: refused, ours: ""},
		{name: `strict: preflight from "http://ADDR": CORS`, why: own,
			flask: "", ours: "Allow-Credentials: true; Allow-Methods: OPTIONS, GET, POST; Allow-Origin: http://ADDR"},
		{name: `strict: websocket from "http://ADDR": status`, why: own, flask: "400", ours: "101"},
		{name: `strict: websocket from "http://ADDR": type`, why: own, flask: "text/plain", ours: ""},
		{name: `strict: websocket from "http://ADDR": body`, why: own, flask: refused, ours: ""},
	}
}

// headerDifferences are about headers, and bodies that no client reads.
func headerDifferences() []difference {
	const (
		cache    = "no answer of this kind may come out of a cache"
		vary     = "an answer that depends on a header says so, for caches"
		noOrigin = "without an Origin no browser's page asks, and CORS headers mean nothing"
		unread   = "no client reads the body of this answer"
		allow    = "RFC 9110 wants Allow with 405"
		accept   = "RFC 9110: q=0 means not acceptable, more is better, names of codings have no case, and * is any of them"
		cookie   = "the official server sets it with a WebSocket handshake, too: a client without polling needs it as well"
		readable = "a page of an allowed origin may read why it was refused"
		asked    = "a preflight is about what comes after it, and answered before that is looked at"
	)
	return []difference{
		{name: "*: Cache-Control", why: cache, flask: "", ours: "no-store"},
		{name: "*: Vary", why: vary, flask: "", ours: "Origin"},
		{name: "*: CORS", why: noOrigin, flask: "Allow-Credentials: true", ours: ""},
		{name: "*preflight*: CORS", why: noOrigin, flask: "Allow-Credentials: true; Allow-Methods: OPTIONS, GET, POST", ours: ""},
		{name: "open: preflight*: CORS", why: noOrigin, flask: "Allow-Methods: OPTIONS, GET, POST", ours: ""},
		{name: "*POST*: body", why: unread, flask: "OK", ours: "ok"},
		{name: "*POST*: type", why: unread, flask: "text/plain", ours: "text/html"},
		{name: "*preflight*: body", why: unread, flask: "OK", ours: ""},
		{name: "*preflight*: type", why: unread, flask: "text/plain", ours: ""},
		{name: "HTTP * /socket.io/*: Allow", why: allow, flask: "", ours: "OPTIONS, GET, POST"},
		{name: `HTTP poll of * "gzip;q=0": encoding`, why: accept, flask: "gzip", ours: ""},
		{name: `HTTP poll of * "GZIP": encoding`, why: accept, flask: "", ours: "gzip"},
		{name: `HTTP poll of * "br, deflate;q=0.5, gzip": encoding`, why: accept, flask: "deflate", ours: "gzip"},
		{name: `HTTP poll of * "*": encoding`, why: accept, flask: "", ours: "gzip"},
		{name: "strict: websocket *: cookie", why: cookie, flask: ";", ours: "io=<id> path=/; SameSite=Lax;"},

		{name: "narrow: poll *: CORS", why: readable, flask: "", ours: "Allow-Credentials: true; Allow-Origin: http://ADDR"},
		{name: "narrow: preflight *: CORS", why: asked, flask: "", ours: "Allow-Credentials: true; Allow-Methods: OPTIONS, GET, POST; Allow-Origin: http://ADDR"},
		{name: "narrow: preflight *: status", why: asked, flask: "400", ours: "200"},
		{name: "narrow: preflight *: body", why: asked, flask: `"Invalid transport"`, ours: ""},
	}
}

// routeDifferences are about paths beside that of Socket.IO.
func routeDifferences() []difference {
	const (
		page    = "there is a page, where the document's server has none"
		missing = "a page that is not there says so in fewer words"
		slash   = "--path holds without a slash at its end, too: proxies cut it off"
		no      = "the page 404 Not Found"
		html    = "text/html; charset=utf-8"
		opened  = `0{"sid":<id>,"upgrades":["websocket"],"pingTimeout":20000,"pingInterval":25000,"maxPayload":1000000}`
	)
	return []difference{
		{name: "HTTP * /: status", why: page, flask: "404", ours: "200"},
		{name: "HTTP GET /: body", why: page, flask: no, ours: "the page Hipflask"},
		{name: "HTTP * /: Cache-Control", why: page, flask: "", ours: "no-cache"},
		{name: "HTTP * /: Vary", why: page, flask: "", ours: "Accept-Encoding"},
		{name: "HTTP * /: status", why: page, flask: "404", ours: "405"},
		{name: "HTTP * /: body", why: page, flask: no, ours: "405 method not allowed"},
		{name: "HTTP * /: type", why: page, flask: html, ours: "text/plain"},
		{name: "HTTP * /: Allow", why: page, flask: "", ours: "GET, HEAD"},

		{name: "HTTP GET *: body", why: missing, flask: no, ours: "404 page not found"},
		{name: "HTTP GET *: type", why: missing, flask: html, ours: "text/plain"},

		{name: "HTTP GET /socket.io?*: status", why: slash, flask: "404", ours: "200"},
		{name: "HTTP GET /socket.io?*: body", why: slash, flask: no, ours: opened},
		{name: "HTTP GET /socket.io?*: type", why: slash, flask: html, ours: "text/plain; charset=UTF-8"},
		{name: "HTTP GET /socket.io: status", why: slash, flask: "404", ours: "400"},
		{name: "HTTP GET /socket.io: body", why: slash, flask: no, ours: refusedBody("0", "Transport unknown")},
		{name: "HTTP GET /socket.io: type", why: slash, flask: html, ours: "application/json"},
	}
}
