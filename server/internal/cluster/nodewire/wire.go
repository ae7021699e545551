package nodewire

import (
	"hipflask/server/internal/packet/jsonval"
	"hipflask/server/internal/packet/msgpack"
)

// prefix begins every error.
const prefix = "node queue: "

func malformed(reason string) *jsonval.Error { return &jsonval.Error{Reason: prefix + reason} }

// reader reads messages in MessagePack.
type reader struct {
	msgpack.Reader
	limits jsonval.Limits
}

// writer writes them.
type writer struct{ msgpack.Writer }
