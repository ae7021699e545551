package parity

import (
	"fmt"
	"slices"
	"strings"

	"hipflask/testdata/testkit"
)

// frameCase is what one client sends after it is connected.
type frameCase struct {
	name    string // when it is not the first packet
	packets []string
	deafens bool // Flask-SocketIO handles nothing more of that client
	ends    bool // Hipflask ends the session, which is connected to nothing
}

func bothTransports() []string { return []string{"websocket", "polling"} }

// frameScenes play each case over both transports.
func frameScenes() []scene {
	var scenes []scene
	for _, transport := range bothTransports() {
		cases := frameCases()
		if transport == "websocket" {
			cases = append(cases, engineCases()...)
		}
		for _, c := range cases {
			scenes = append(scenes, scene{transport + " " + c.label(), func(s *story) { c.play(s, transport) }})
		}
		for _, c := range connectCases() {
			scenes = append(scenes, scene{transport + " " + c.label(), func(s *story) { c.playFirst(s, transport) }})
		}
	}
	return scenes
}

// connectedAnswer begins the answer to a CONNECT to "/".
const connectedAnswer = `40{"sid"`

// play sends the packets after CONNECT.
func (c frameCase) play(s *story, transport string) {
	k := s.join(transport)
	exchange := s.exchange
	if c.deafens {
		exchange = s.exchangeDeaf
	}
	heard, over := exchange(k, c.packets...)
	s.saw("received", heard)
	s.disconnects += strings.Count(heard, connectedAnswer) // each is a connection that took the place of another
	if !over {
		k.leave()
	}
}

// playFirst sends them in place of CONNECT, and then CONNECT.
func (c frameCase) playFirst(s *story, transport string) {
	k := s.open(transport)
	for _, packet := range c.packets {
		k.say(packet)
	}
	if c.ends && !s.isFlask {
		if _, over := hearUntil(k, ""); over {
			s.saw("received", "the end")
		}
		s.saw("stdout", s.stdout.String()[s.from:])
		return
	}
	s.disconnects++
	heard, over := s.exchange(k, "40")
	s.saw("received", heard)
	s.disconnects += max(strings.Count(heard, connectedAnswer)-1, 0)
	if !over {
		k.leave()
	}
}

func (c frameCase) label() string {
	if c.name != "" {
		return c.name
	}
	return c.packets[0]
}

// eachAlone makes cases of one packet each.
func eachAlone(packets ...string) []frameCase {
	var cases []frameCase
	for _, p := range packets {
		cases = append(cases, frameCase{packets: []string{p}})
	}
	return cases
}

func frameCases() []frameCase {
	var all []frameCase
	for _, cases := range [][]frameCase{eventCases(), brokenCases(), payloadCases(), namespaceCases(), binaryCases(), valueCases()} {
		all = append(all, cases...)
	}
	return all
}

// eventCases are what handlers see, or do not.
func eventCases() []frameCase {
	return eachAlone(
		`42["message","hello"]`,
		`427["message","hello"]`,
		`420["message","hello"]`,
		`42007["message","hello"]`,
		`42["message"]`,
		`427["message"]`,
		`42["message","a","b"]`,
		`427["message","a","b"]`,
		`42["message",null]`,
		`427["message",null]`,
		`42["message",null,null]`,
		`42["json",{"a":1}]`,
		`427["json",{"a":1}]`,
		`427["unknown"]`,
		`427["unknown","x"]`,
		`427[""]`,
		`427["Message","x"]`,
		`427["connect_error"]`,
		`42["connect"]`,
		`430[]`,
		`4399["x"]`,
	)
}

// brokenCases are no packets that a client library would send.
func brokenCases() []frameCase {
	return append(eachAlone(
		`42`, `42[]`, `42{"a":1}`, `42{}`, `47`, `48["message","x"]`, `42"message"`, `42null`, `427`,
		`42[1,"x"]`, `42[null]`, `42[["message"],"x"]`, `42[{"message":1},"x"]`,
		`42["message","x"`, `42["message","x"]]`, `42["message","x"]junk`, `42["message",x]`, `42 ["message","x"]`,
		`42[ "message" , "x" ]`, "42[\"message\",\"a\tb\"]", `42["message",01]`,
		`43`, `43[]`, `437`, `43"x"`, `44`, `44"x"`, `44{"message":"x"}`, `4`, `4x`, `40/`,
		`4299999999999999999999["message","x"]`,
	),
		frameCase{name: "42 twice, then an event", packets: []string{`42`, `42`, `42["message","after"]`}},
		frameCase{name: "47 with an id, then an event", packets: []string{`477["message"]`, `427["message","after"]`}},
	)
}

// engineCases are packets of Engine.IO itself, over WebSocket: by polling, Flask-SocketIO does not
// answer them. What is no packet at all is in ends_test.go.
func engineCases() []frameCase {
	return append(eachAlone(`0`, `2`, `2probe`, `6`, `7`, `9`), frameCase{name: "b!", packets: []string{"b!"}})
}

// payloadCases are what a payload of polling may hold beside messages.
func payloadCases() []frameCase {
	seventeen := make([]string, 17)
	for i := range seventeen {
		seventeen[i] = testkit.Message("one of many")
	}
	return append(eachAlone(`3`, `3x`, `5`),
		frameCase{name: "16 packets at once", packets: seventeen[:16]},
		frameCase{name: "17 packets at once", packets: seventeen},
	)
}

// connectCases come before CONNECT.
func connectCases() []frameCase {
	cases := eachAlone(
		`40{"token":"x"}`, `40{}`, `40null`, `40[]`, `40"x"`, `40x`, `40/,`, `40/,{"token":"x"}`, `40/?a=1,`, `40/foo,`, `40/foo?a=1,`,
		`42["message","early"]`, `427["message","early"]`, `41`, `430[]`, `42`, `47`, `44"x"`,
	)
	for i := range cases {
		cases[i].name = "first " + cases[i].packets[0]
		cases[i].ends = slices.Contains([]string{`40null`, `40[]`, `40"x"`, `40x`}, cases[i].packets[0])
	}
	return append(cases, frameCase{name: "early bytes",
		packets: []string{`451-["message",{"_placeholder":true,"num":0}]`, "beHl6"}})
}

func namespaceCases() []frameCase {
	return append(eachAlone(
		`40`, `40{"token":"x"}`, `40/,`, `40/?token=1,`, `40/foo,`, `40/foo`, `40/foo,{"token":"x"}`, `40/foo?a=1,`, `40/föö,`,
		`42/foo,["message","x"]`, `42/foo,7["message","x"]`, `42/,["message","x"]`, `42/,7["message","x"]`, `41/foo,`, `43/foo,1[]`,
	),
		frameCase{name: "40 twice more", packets: []string{`40`, `40`}},
		frameCase{name: "40/foo, then an event to it", packets: []string{`40/foo,`, `42/foo,7["message","x"]`}},
	)
}

func binaryCases() []frameCase {
	bytes := func(text string) string { return "b" + strings.TrimRight(text, " ") }
	const first, second = "eHl6", "AAEC/0En" // "xyz"; 00 01 02 ff 'A' ''''
	return []frameCase{
		{name: "bytes", packets: []string{`451-["message",{"_placeholder":true,"num":0}]`, bytes(second)}},
		{name: "bytes with an ack", packets: []string{`451-7["message",{"_placeholder":true,"num":0}]`, bytes(first)}},
		{name: "no bytes", packets: []string{`451-["message",{"_placeholder":true,"num":0}]`, bytes("")}},
		{name: "bytes in an object", packets: []string{`451-["message",{"name":"f","data":{"_placeholder":true,"num":0}}]`, bytes(first)}},
		{name: "bytes in a list", packets: []string{`452-["message",[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]]`, bytes(first), bytes(second)}},
		{name: "bytes deep", packets: []string{`452-["message",{"l":[[{"b":{"_placeholder":true,"num":0}}],1,{"_placeholder":true,"num":1}],"t":"x"}]`, bytes(first), bytes(second)}},
		{name: "bytes in another order", packets: []string{`452-["message",[{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]]`, bytes(first), bytes(second)}},
		{name: "10 attachments", packets: attachments(10)},
		{name: "11 attachments", packets: attachments(11)},
		{name: "bytes for an unknown event", packets: []string{`451-7["upload",{"_placeholder":true,"num":0}]`, bytes(first)}},
		{name: "two arguments of bytes", packets: []string{`452-7["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, bytes(first), bytes(second)}},
		{name: "bytes to a namespace", packets: []string{`451-/foo,7["message",{"_placeholder":true,"num":0}]`, bytes(first)}},
		{name: "a placeholder without bytes", packets: []string{`42["message",{"_placeholder":true,"num":0}]`}},
		{name: "an ack with bytes", packets: []string{`461-7[{"_placeholder":true,"num":0}]`, bytes(first)}},
		{name: "bytes that nothing announced", packets: []string{bytes(first)}},
		{name: "zero attachments", packets: []string{`450-["message","x"]`}, deafens: true},
		{name: "an attachment that is text", packets: []string{`451-["message",{"_placeholder":true,"num":0}]`, `42["message","x"]`}},
		{name: "a placeholder out of range", packets: []string{`451-["message",{"_placeholder":true,"num":5}]`, bytes(first)}, deafens: true},
		{name: "no number of attachments", packets: []string{`45-["message",{"_placeholder":true,"num":0}]`}},
	}
}

// attachments makes a message with a list of bytes.
func attachments(n int) []string {
	var marks []string
	packets := []string{""}
	for i := range n {
		marks = append(marks, fmt.Sprintf(`{"_placeholder":true,"num":%d}`, i))
		packets = append(packets, "beHl6")
	}
	packets[0] = fmt.Sprintf(`45%d-["message",[%s]]`, n, strings.Join(marks, ","))
	return packets
}

// valueCases are JSON that JavaScript does not write, or not so.
func valueCases() []frameCase {
	event := func(value string) string { return `42["message",` + value + `]` }
	cases := eachAlone(
		event(`-0`), event(`-0.0`), event(`1.0`), event(`1e5`), event(`1E-7`), event(`1e21`), event(`1e300`), event(`1.10`),
		event(`9007199254740993`), event(`123456789012345678901234567890`), event(`-18446744073709551617`),
		event(`1e400`), event(`-1e400`), event(`1e-400`), event(`NaN`), event(`Infinity`),
		event(`{"a":1,"b":2,"a":3}`), event(`{"z":1,"a":{"10":1,"9":2}}`),
		event(`"\u00e9\ud83d\ude00é😀"`), event(`"line\nbreak\ttab\\ \"quote\" '"`), event(`"\u0000\u001f\u007f\u2028"`),
		event(`["\u00e9","\u0000","it's","\"","\\"]`), event(`"<script>&"`),
	)
	return append(cases,
		frameCase{name: "half a surrogate pair", packets: []string{event(`"\ud83d"`)}},
		frameCase{name: "half a surrogate pair in a list", packets: []string{event(`["\ud83d"]`)}},
		frameCase{name: "200 levels", packets: []string{event(strings.Repeat("[", 200) + strings.Repeat("]", 200))}},
		frameCase{name: "100 levels", packets: []string{event(strings.Repeat("[", 100) + strings.Repeat("]", 100))}},
		frameCase{name: "101 digits", packets: []string{event(strings.Repeat("7", 101))}},
		frameCase{name: "100 digits", packets: []string{event(strings.Repeat("7", 100))}},
	)
}
