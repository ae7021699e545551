package packet

import "strconv"

const (
	// MaxID is the largest packet id: the largest integer up to which a JavaScript client counts
	// exactly, 2^53-1.
	MaxID = 1<<53 - 1
	// MaxNamespace bounds a namespace's length, in bytes, without the query.
	MaxNamespace = 512
	// MaxQuery bounds the query of a namespace, in bytes. It is where protocol 3 and 4 clients put
	// their tokens.
	MaxQuery = 8192
)

// Defaults of Limits.
const (
	// DefaultMaxAttachments is what the official parser takes (from 4.2.6 on): a packet with more,
	// once broadcast, would cost every JavaScript client its connection.
	DefaultMaxAttachments = 10
	DefaultMaxDepth       = 128
	// DefaultMaxBytes is ten messages of Engine.IO's default size.
	DefaultMaxBytes = 10_000_000
	DefaultMaxArgs  = 1024
	// DepthCeiling is the largest JSON depth there is: a greater MaxDepth is taken as this, and the
	// encoder refuses Go values that nest deeper.
	DepthCeiling = 1000
	// AttachmentsCeiling is what a greater MaxAttachments is taken as.
	AttachmentsCeiling = 1 << 20
)

// Limits bounds what one packet may hold. A zero field means the default.
type Limits struct {
	// MaxAttachments is the number of binary attachments; a negative value allows none. At most
	// AttachmentsCeiling.
	MaxAttachments int
	// MaxDepth is the number of JSON arrays and objects inside each other, the array of the
	// arguments being the first. At most DepthCeiling.
	MaxDepth int
	// MaxBytes is the packet's text and attachments together, in bytes. It is also what a client
	// can make a Decoder hold while attachments are awaited.
	MaxBytes int
	// MaxArgs is the number of arguments of an event or acknowledgement. An argument takes two
	// bytes on the wire and sixty-four in memory.
	MaxArgs int
}

// Filled returns the limits with the defaults in place of zeros, and a MaxAttachments of 0 for
// none.
func (l Limits) Filled() Limits {
	return Limits{MaxAttachments: l.attachments(), MaxDepth: l.depth(), MaxBytes: l.bytes(), MaxArgs: l.args()}
}

func (l Limits) attachments() int {
	if l.MaxAttachments < 0 {
		return 0
	}
	return min(orDefault(l.MaxAttachments, DefaultMaxAttachments), AttachmentsCeiling)
}

func (l Limits) depth() int { return min(orDefault(l.MaxDepth, DefaultMaxDepth), DepthCeiling) }
func (l Limits) bytes() int { return orDefault(l.MaxBytes, DefaultMaxBytes) }
func (l Limits) args() int  { return orDefault(l.MaxArgs, DefaultMaxArgs) }

func orDefault(n, def int) int {
	if n <= 0 {
		return def
	}
	return n
}

// What Error.Limit can say.
const (
	LimitAttachments = "attachments"
	LimitDepth       = "depth"
	LimitBytes       = "bytes"
	LimitArgs        = "arguments"
	LimitNamespace   = "namespace"
	LimitQuery       = "query"
)

// Error says why a packet, or another server's message, was refused. With an empty Limit it was
// malformed; otherwise it went over the named limit, and an operator whose clients are honest may
// raise it (LimitNamespace and LimitQuery are fixed).
type Error struct {
	Limit  string // "" or one of the Limit constants
	Max    int    // the limit's value, when Limit is set
	Reason string // what was wrong, when Limit is empty; holds nothing that was sent but names of fields and opcodes

	Connect bool // it was to be a CONNECT, whose answer the client waits for
}

func (e *Error) Error() string {
	if e.Limit != "" {
		return "over the limit of " + e.Limit + " (" + strconv.Itoa(e.Max) + ")"
	}
	return e.Reason
}

func malformed(reason string) *Error         { return &Error{Reason: "malformed: " + reason} }
func overLimit(limit string, max int) *Error { return &Error{Limit: limit, Max: max} }
