package nodewire

import (
	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
	"hipflask/server/internal/packet/msgpack"
)

// prefix begins every error.
const prefix = "node queue: "

func malformed(reason string) *packet.Error { return &packet.Error{Reason: prefix + reason} }

// reader reads messages in MessagePack.
type reader struct {
	msgpack.Reader
	limits jsonval.Limits
}

// writer writes them.
type writer struct{ msgpack.Writer }
