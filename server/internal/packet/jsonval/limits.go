// Package jsonval stands between other encodings, those of the message queues first, and
// [packet.Value]: a Builder that writes the JSON and attachments of a value read from another
// encoding, and the limits and errors that all of them share.
package jsonval

// Defaults of Limits.
const (
	// DefaultMaxBytes leaves room for the largest message a client can send, written in any of the
	// encodings.
	DefaultMaxBytes       = 32_000_000
	DefaultMaxDepth       = 128
	DefaultMaxValues      = 1_000_000
	DefaultMaxArgs        = 1024
	DefaultMaxAttachments = 1024
	// DepthCeiling is what a greater MaxDepth is taken as.
	DepthCeiling = 900
)

// Limits bounds one message of a queue. A zero field means the default.
type Limits struct {
	// MaxBytes is the size of the message, and of what comes out of it: JSON text and attachments
	// together.
	MaxBytes int
	// MaxDepth is the number of arrays and objects inside each other in one value. At most
	// DepthCeiling.
	MaxDepth int
	// MaxValues is the number of values in a message, those in arrays and objects and the keys
	// included. JSON, of which no values are made, is bounded by MaxBytes alone.
	MaxValues int
	// MaxArgs is the number of arguments of an event or acknowledgement.
	MaxArgs int
	// MaxAttachments is the number of binary values in a message.
	MaxAttachments int
}

func (l Limits) Bytes() int       { return orDefault(l.MaxBytes, DefaultMaxBytes) }
func (l Limits) Depth() int       { return min(orDefault(l.MaxDepth, DefaultMaxDepth), DepthCeiling) }
func (l Limits) Values() int      { return orDefault(l.MaxValues, DefaultMaxValues) }
func (l Limits) Args() int        { return orDefault(l.MaxArgs, DefaultMaxArgs) }
func (l Limits) Attachments() int { return orDefault(l.MaxAttachments, DefaultMaxAttachments) }

func orDefault(n, def int) int {
	if n <= 0 {
		return def
	}
	return n
}

// LimitValues is what packet.Error's Limit says of too many values.
const LimitValues = "values"
