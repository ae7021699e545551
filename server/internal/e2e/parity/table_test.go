package parity

import (
	"slices"
	"strings"

	"hipflask/testdata/testkit"
)

// differences is the table of all that is deliberately not as in Flask-SocketIO. Each row must show
// in every run.
func differences() []difference {
	return slices.Concat(
		packetDifferences(), valueDifferences(), engineDifferences(),
		requestDifferences(), originDifferences(), headerDifferences(), routeDifferences(),
	)
}

// printed is stdout of one connection that printed these lines, and the sentinel.
func printed(lines ...string) string {
	lines = slices.Concat([]string{"Client connected"}, lines, []string{"Received message: sentinel", "Client disconnected", ""})
	return strings.Join(lines, "\n")
}

// endedEarly is stdout of one whose session ended before the sentinel.
const endedEarly = "Client connected\nClient disconnected\n"

// packetDifferences are about packets of Socket.IO.
func packetDifferences() []difference {
	const (
		unread   = "a JavaScript client cannot read Flask-SocketIO's bare string: its err.message is empty. This is the official server's"
		reserved = "a client must not be able to make the handlers of connect and disconnect run"
		stuck    = "Flask-SocketIO waits for attachments for ever and handles nothing more of that client"
		notBytes = "what stands in the place of an attachment and is none is a fault of the client, not a message"
		auth     = "auth is an object, says the protocol; the official server closes the connection over all else, too"
		counter  = "ids go to 2^53-1, as far as clients can count"
		foo      = `44/foo,"Unable to connect"`
		noFoo    = `44/foo,{"message":"Invalid namespace"}`
		joined   = `40{"sid":<id>}`
	)
	return append(reconnectDifferences(), []difference{
		{name: "* 40/foo*: received", why: unread, flask: foo, ours: noFoo},
		{name: "* first 40/foo*: received", why: unread, flask: foo + " " + joined, ours: noFoo + " " + joined},
		{name: "* 40/föö,: received", why: unread, flask: `44/föö,"Unable to connect"`, ours: `44/föö,{"message":"Invalid namespace"}`},
		{name: "npm * namespaces: told /*", why: unread, flask: `[["connect_error","",null]]`, ours: `[["connect_error","Invalid namespace",null]]`},

		{name: `* 42["connect"]: stdout`, why: reserved, flask: printed("Client connected"), ours: printed()},
		{name: "* ends: the event disconnect: stdout", why: reserved, flask: printed("Client disconnected"), ours: printed()},

		{name: "* zero attachments: received", why: stuck, flask: "", ours: `42["message","x"] heard`},
		{name: "* zero attachments: stdout", why: stuck, flask: besideWitness(), ours: besideWitness("x", "sentinel")},
		{name: "* a placeholder out of range: received", why: stuck, flask: "", ours: "heard"},
		{name: "* a placeholder out of range: stdout", why: stuck, flask: besideWitness(), ours: besideWitness("sentinel")},

		{name: "* an attachment that is text: received", why: notBytes, flask: `42["message","2[\"message\",\"x\"]"]`, ours: ""},
		{name: "* an attachment that is text: stdout", why: notBytes, flask: printed(`Received message: 2["message","x"]`), ours: printed()},

		{name: `* first 40null: received`, why: auth, flask: joined + ` 44"Unable to connect"`, ours: "the end"},
		{name: `* first 40[]: received`, why: auth, flask: joined + ` 44"Unable to connect"`, ours: "the end"},
		{name: `* first 40"x": received`, why: auth, flask: joined + ` 44"Unable to connect"`, ours: "the end"},
		{name: `* first 40x: received`, why: auth, flask: joined, ours: "the end"},
		{name: `* first 40null: stdout`, why: auth, flask: printed(), ours: ""},
		{name: `* first 40[]: stdout`, why: auth, flask: printed(), ours: ""},
		{name: `* first 40"x": stdout`, why: auth, flask: printed(), ours: ""},
		{name: `* first 40x: stdout`, why: auth, flask: printed(), ours: ""},

		{name: `* 4299999999999999999999["message","x"]: received`, why: counter, flask: `42["message","x"] 4399999999999999999999[]`, ours: ""},
		{name: `* 4299999999999999999999["message","x"]: stdout`, why: counter, flask: printed("Received message: x"), ours: printed()},
	}...)
}

// reconnectDifferences are about a CONNECT to a namespace that the client is connected to.
func reconnectDifferences() []difference {
	const (
		why     = "Flask-SocketIO refuses it, and a client that has begun anew is then deaf for good"
		refused = `44"Unable to connect"`
		joined  = `40{"sid":<id>}`
	)
	again := func(times int) string {
		return printed(slices.Repeat([]string{"Client disconnected", "Client connected"}, times)...)
	}
	rows := []difference{
		{name: "* 40 twice more: received", why: why, flask: refused + " " + refused, ours: joined + " " + joined},
		{name: "* 40 twice more: stdout", why: why, flask: printed(), ours: again(2)},
	}
	for _, packet := range []string{"40", "40/", "40/,", "40/?token=1,", `40{"token":"x"}`} {
		rows = append(rows,
			difference{name: "* " + packet + ": received", why: why, flask: refused, ours: joined},
			difference{name: "* " + packet + ": stdout", why: why, flask: printed(), ours: again(1)})
	}
	for _, packet := range []string{"40/,", `40/,{"token":"x"}`, "40/?a=1,", `40{"token":"x"}`, "40{}"} {
		rows = append(rows,
			difference{name: "* first " + packet + ": received", why: why, flask: joined + " " + refused, ours: joined + " " + joined})
	}
	for _, packet := range []string{`40/,{"token":"x"}`, "40/?a=1,", "40{}"} { // the others are among the above
		rows = append(rows, difference{name: "* first " + packet + ": stdout", why: why, flask: printed(), ours: again(1)})
	}
	return rows
}

// besideWitness is stdout of a client that said these things, and of another that connected and
// left before it.
func besideWitness(said ...string) string {
	lines := []string{"Client connected", "Client connected"}
	for _, text := range append(said, "witness") {
		lines = append(lines, "Received message: "+text)
	}
	return strings.Join(append(lines, "Client disconnected", "Client disconnected", ""), "\n")
}

// valueDifferences are about what a message holds.
func valueDifferences() []difference {
	const (
		lost     = "no message is lost because of what it holds: Flask-SocketIO fails to print half a surrogate pair, and refuses integers of more than 100 digits"
		notJSON  = "Infinity and NaN are not JSON: one such message ends every JavaScript client that gets it"
		overflow = "a number beyond a double goes out as it came in, for the same reason"
		many     = "--max-attachments bounds what one message can cost; 10, as at the official server"
		depth    = "--max-json-depth bounds what one message can cost"
	)
	digits := strings.Repeat("7", 101)
	echo11 := strings.Join(attachments(11), " ")
	nested := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	return []difference{
		{name: "* half a surrogate pair: received", why: lost, flask: "", ours: `42["message","` + "\ufffd" + `"]`},
		{name: "* half a surrogate pair: stdout", why: lost,
			flask: strings.Replace(printed(), "R", "Received message: R", 1), ours: printed(`Received message: \ud83d`)},
		{name: "* 101 digits: received", why: lost, flask: "", ours: `42["message",` + digits + `]`},
		{name: "* 101 digits: stdout", why: lost, flask: printed(), ours: printed("Received message: " + digits)},

		{name: `* 42["message",NaN]: received`, why: notJSON, flask: `42["message",NaN]`, ours: ""},
		{name: `* 42["message",NaN]: stdout`, why: notJSON, flask: printed("Received message: nan"), ours: printed()},
		{name: `* 42["message",Infinity]: received`, why: notJSON, flask: `42["message",Infinity]`, ours: ""},
		{name: `* 42["message",Infinity]: stdout`, why: notJSON, flask: printed("Received message: inf"), ours: printed()},
		{name: `* 42["message",1e400]: received`, why: overflow, flask: `42["message",Infinity]`, ours: `42["message",1e400]`},
		{name: `* 42["message",-1e400]: received`, why: overflow, flask: `42["message",-Infinity]`, ours: `42["message",-1e400]`},

		{name: "websocket 11 attachments: received", why: many, flask: echo11, ours: "closed with 1002"},
		{name: "polling 11 attachments: received", why: many, flask: echo11, ours: "(400) poll(400)"},
		{name: "* 11 attachments: stdout", why: many, flask: printed("Received message: [" + strings.Repeat("b'xyz', ", 10) + "b'xyz']"), ours: endedEarly},

		{name: "websocket 200 levels: received", why: depth, flask: `42["message",` + nested + `]`, ours: "closed with 1002"},
		{name: "polling 200 levels: received", why: depth, flask: `42["message",` + nested + `]`, ours: "(400) poll(400)"},
		{name: "* 200 levels: stdout", why: depth, flask: printed("Received message: " + nested), ours: endedEarly},
	}
}

// engineDifferences are about packets of Engine.IO and the ends of sessions.
func engineDifferences() []difference {
	const (
		unknown = "a packet of no known type ends the session, as at the official server"
		payload = "clients put a burst of messages into one payload, and Flask-SocketIO answers 200 and drops more than 16; --max-payload-packets"
		leak    = "Flask-SocketIO writes an HTTP response into the WebSocket, and keeps the session until a ping timeout"
		http500 = `"HTTP/1.1 500 Internal Server Error" <nil>`
		closed  = `"\x88\x02\x03\xea" <nil>` // a close frame with 1002
		done    = "a client that closed its session is not waited for"
		hangs   = "Flask-SocketIO leaves the request without an answer for ever; this is the official server's"
		stop    = "every client is told of the end, and every disconnect handler runs"
		gaveUp  = "a client that gave up its poll is gone: it would not poll again but open another session"
	)
	many := strings.Repeat(testkit.Message("one of many")+" ", 17)
	rows := []difference{
		{name: "polling 17 packets at once: received", why: payload, flask: "", ours: strings.TrimSpace(many)},
		{name: "polling 17 packets at once: stdout", why: payload, flask: printed(), ours: printed(slices.Repeat([]string{"Received message: one of many"}, 17)...)},
		{name: "websocket 5: received", why: "an upgrade of what is upgraded already means nothing; nobody awaits an answer", flask: "6", ours: ""},
		{name: "no packet: received", why: leak, flask: http500, ours: closed},
		{name: "an empty message: received", why: leak, flask: http500, ours: closed},
		{name: "SIGTERM: received", why: stop, flask: "cut off", ours: "closed with 1001"},
		{name: "SIGTERM: stdout", why: stop, flask: "Client connected\n", ours: endedEarly},
		{name: "never 40: the connection", why: "a connection that is used for nothing is closed after --connect-timeout", flask: "open", ours: "closed with 1000"},
		{name: "polling ends: 1: the connection", why: "a fault of the server's is no answer to a late poll", flask: "poll(500)", ours: "poll(400)"},
		{name: "websocket ends: 1: the connection", why: done, flask: "open", ours: "closed with 1000"},
		{name: "websocket ends: a close frame without a code: answer", why: "the echo says what was said, as RFC 6455 has it", flask: "1000 <nil>", ours: "1005 <nil>"},
		{name: "HTTP a poll that was given up: the session afterwards", why: gaveUp, flask: "", ours: "(400)"},
		{name: "polling 2: POST", why: hangs, flask: "silence", ours: "200 ok"},
		{name: "two polls at once: answers", why: hangs, flask: "silence, silence", ours: `200 1, 400 {"code":3,"message":"Bad request"}`},
		{name: "POST of 2001: POST", why: hangs, flask: "silence", ours: "413 the message is larger than this server takes\n"},
	}
	for _, packet := range []string{"7", "9", "b!"} {
		rows = append(rows,
			difference{name: "websocket " + packet + ": received", why: unknown, flask: "", ours: "closed with 1002"},
			difference{name: "websocket " + packet + ": stdout", why: unknown, flask: printed(), ours: endedEarly})
	}
	return rows
}
