package advice

import (
	"strings"

	"hipflask/server/internal/backend"
	"hipflask/server/internal/capacity"
	"hipflask/server/internal/causes"
	"hipflask/server/internal/engineio"
	"hipflask/server/internal/origin"
	"hipflask/server/internal/packet"
)

// key names a row: a cause, and which bound of it where they differ.
type key struct{ cause, bound string }

// row is what can be done about a cause.
type row struct {
	settings []string // that would change it, without their dashes
	hint     string   // settings in braces, perhaps with a value: {transports=polling}
	advise   func(*line) string
}

const (
	toOthers  = "; behind a proxy, have it pass Host, or X-Forwarded-Host and X-Forwarded-Proto, and name it in {trusted-proxies} if others are"
	moreFiles = "raise the limit with LimitNOFILE= in systemd, --ulimit nofile= in Docker or ulimit -n in a shell"
)

// table is the list of all that can be done.
func table() map[key]row {
	rows := map[key]row{
		{bound: engineio.BoundPing}: {settings: []string{"ping-timeout"}},
	}
	of := func(cause engineio.Cause, r row) { rows[key{cause: string(cause)}] = r }
	bound := func(cause engineio.Cause, bound string, r row) { rows[key{string(cause), bound}] = r }
	sets := func(settings ...string) row { return row{settings: settings} }
	hints := func(hint string) row { return row{hint: hint} }

	of(engineio.CauseOrigin, row{advise: adviseOrigin})
	of(engineio.CauseHost, row{settings: []string{"allowed-hosts"}, advise: adviseHost})
	of(engineio.CausePlainPath, row{advise: advisePlainPath})
	of(engineio.CausePath, hints("the client's option path has to be what {path} says; a proxy in between may have changed it"))
	of(engineio.CauseTransport, hints("{transports} allows polling and websocket; a client that asks for another has to mend its transports option"))
	bound(engineio.CauseTransport, engineio.BoundPlain, hints("a WebSocket that is no socket.io client's is served at {plain-websocket-path}"))
	of(engineio.CauseSession, hints("the session ended, or another process has it: several servers behind one address need {message-queue}, or sticky sessions, "+
		"or clients with transports: ['websocket']"))
	of(engineio.CauseProtocol, hints("clients 1.x to 4.x speak EIO=3 or EIO=4; this one names another"))
	bound(engineio.CauseRequest, engineio.BoundURL, hints("the client's option auth, or a header, has room for more than its query"))

	of(engineio.CauseHandshake, hints("a proxy in between must pass Upgrade, Connection and the Sec-WebSocket headers on"))
	of(engineio.CauseBlockedUpgrade, hints("a proxy in between removed it; for nginx: proxy_http_version 1.1, "+
		"proxy_set_header Upgrade $http_upgrade, proxy_set_header Connection upgrade. {transports=polling} does without"))
	of(engineio.CauseLateSession, hints("its answer to the ping came too late. A proxy in between that buffers or delays must not "+
		"(for nginx: proxy_buffering off), or raise {ping-timeout}"))
	of(engineio.CauseStuckUpgrade, row{settings: []string{"upgrade-timeout"},
		hint: "a proxy in between passes the handshake on and not what follows; have it pass WebSockets, or take {allow-upgrades=false}"})
	bound(engineio.CauseFrame, engineio.BoundUpgrade, sets("upgrade-timeout"))

	of(engineio.CauseSlowClient, sets("max-backlog"))
	bound(engineio.CauseSlowClient, engineio.BoundAnswer, sets("ping-interval", "ping-timeout"))
	of(engineio.CauseMessageSize, sets("max-http-buffer-size"))
	of(engineio.CauseMemory, sets("max-memory-for-clients"))
	of(engineio.CauseRate, sets("max-messages-per-second", "max-bytes-per-second"))
	bound(engineio.CauseRate, engineio.BoundTurn, row{})
	bound(engineio.CausePacket, engineio.BoundPackets, sets("max-payload-packets"))
	bound(engineio.CausePacket, packet.LimitAttachments, sets("max-attachments"))
	bound(engineio.CausePacket, packet.LimitDepth, sets("max-json-depth"))
	bound(engineio.CausePacket, packet.LimitBytes, sets("max-http-buffer-size", "max-attachments"))
	of(engineio.CauseNoConnect, sets("connect-timeout"))
	of(engineio.CauseRecovery, sets("connect-timeout"))
	of(engineio.CauseNamespaces, sets("max-namespaces"))
	of(engineio.CauseAttachments, sets("attachment-timeout"))

	of(engineio.CauseConnections, sets("max-connections"))
	bound(engineio.CauseConnections, engineio.BoundWebSockets, row{settings: []string{"max-connections"},
		hint: "each WebSocket is an open file: raise the limit on those"})
	of(engineio.CauseAddress, row{settings: []string{"max-connections-per-address"},
		hint: "behind a proxy every client has the proxy's address, unless {trusted-proxies} names it"})
	of(engineio.CauseHandshakeRate, sets("max-handshakes-per-second"))
	of(engineio.CauseOpen, sets("max-open-connections"))
	of(engineio.CauseOpenAddress, row{settings: []string{"max-open-connections-per-address"},
		hint: "a proxy in front is one address, unless {trusted-proxies} names it"})
	of(engineio.CauseIdle, sets("max-open-connections"))
	bound(engineio.CauseIdle, capacity.BoundFiles, hints(moreFiles))

	rows[key{cause: causes.Away}] = sets("message-queue")
	rows[key{cause: causes.Stream}] = sets("cluster-stream-length")
	rows[key{cause: causes.Address}] = row{settings: []string{"cluster-url"}, hint: "{cluster-url} of a server names where the others reach it"}
	rows[key{cause: causes.Twin}] = sets("server-id")
	rows[key{cause: causes.Busy}] = row{settings: []string{"max-open-connections"},
		hint: "the other server may be frozen; {max-open-connections} has room for more"}
	rows[key{cause: backend.CauseAway}] = sets("backend")
	rows[key{cause: backend.CauseUnnamedProxy}] = sets("trusted-proxies")
	rows[key{cause: capacity.CauseEvent}] = row{settings: []string{"max-memory-for-clients"},
		hint: "events that are so large will be refused; see {max-attachments} and {max-http-buffer-size} as well"}
	rows[key{cause: capacity.CauseFiles}] = hints(moreFiles)
	rows[key{capacity.CauseFiles, capacity.BoundClients}] = row{settings: []string{"max-connections"}, hint: moreFiles}
	rows[key{capacity.CauseFiles, capacity.BoundFiles}] = hints(moreFiles + "; a lower {max-connections} refuses clients before that")
	return rows
}

// mostShown is how long a value may be, in bytes, that a hint repeats.
const mostShown = 200

func adviseOrigin(l *line) string {
	if from := l.value("origin"); from != "" {
		return l.allow(from) + toOthers
	}
	if from := l.value("referer"); from != "" {
		return l.allow(from)
	}
	return "a page may only ask for this with an Origin, a Referer, or a browser's word that it is the server's own; " +
		"its Referrer-Policy has to be origin, or let more through"
}

// allow returns how the setting would let in the pages of an origin, or why it cannot.
func (l *line) allow(from string) string {
	normal, err := origin.Parse(from)
	switch {
	case from == origin.Null:
		return "it is that of files and of frames in a sandbox; {cors-allowed-origins} takes null, but every page can have such a frame"
	case err != nil || normal != from || strings.ContainsAny(from, "*{}") || len(from) > mostShown:
		return "it is none that a browser sends, so {cors-allowed-origins} cannot name it"
	case len(l.CORSAllowedOrigins) == 0:
		return "{cors-allowed-origins=" + from + "} would allow it"
	}
	return "with " + from + " added, {cors-allowed-origins} would allow it"
}

func adviseHost(l *line) string {
	host := l.value("host")
	if _, err := origin.ParseHost(host); err != nil || len(host) > mostShown || strings.Contains(host, "*") {
		return "nobody but a page that is up to something should call the server so"
	}
	return "if the server is called so, name it in {allowed-hosts}, with every other name that clients call it by; " +
		"with {trusted-proxies} it is their X-Forwarded-Host that counts"
}

func advisePlainPath(l *line) string {
	path := l.value("path")
	if len(path) <= mostShown && !strings.ContainsAny(path, "{}") && l.PlainPathTakes(path) {
		return "{plain-websocket-path=" + path + "} would serve it here"
	}
	return "it belongs at the path that {plain-websocket-path} names"
}
