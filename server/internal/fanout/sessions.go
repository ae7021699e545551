package fanout

import (
	"time"

	"hipflask/server/internal/offset"
	"hipflask/server/internal/packet"
)

// Sessions keep what clients need to come back to any server of a sequence. A session is known by
// the pid that its client alone was told.
type Sessions interface {
	// Take takes over the session of a client that comes back, so that no other server has it any
	// more: one where the client is still connected ends that first, and has a few seconds for it.
	// Without a session the outcome says why.
	Take(namespace, pid string) (*Session, Outcome)
	// Begin has a session kept from now on, as long as its client is connected: it returns when the
	// session can be taken elsewhere, or soon after if it cannot.
	Begin(pid string, of Kept)
	// Changed has it written anew, and Saved waits until what changed before is written, though not
	// for long.
	Changed(pid string)
	Saved(pid string)
	// End is for a client that is gone, whose end was handled. It may come back, or else its
	// session is forgotten.
	End(pid string, mayComeBack bool)
	// Discard forgets a session, whatever becomes of its client.
	Discard(pid string)
	// Count counts how the attempt of a client to come back ended.
	Count(Outcome)
}

// Kept is a client whose session is kept. Its methods may be called from any goroutine.
type Kept interface {
	Session() Session // as it is now
	Cut()             // it is connected elsewhere
}

// Session is what is kept of a client.
type Session struct {
	Namespace string
	ID, PID   string
	Since     offset.ID // the first place whose event it can have been sent
	Known     offset.ID // the first from which on its stays are known
	Stays     []Stay    // in rooms
	Carried
	Keep time.Duration // how long it may come back
}

// Carried is what handlers keep for a client, as other servers can read it: what they are shown,
// and what not. Both are objects.
type Carried struct{ Data, Values packet.Value }

// Portable is what is kept with a client, see [Member.Keep], and goes to other servers.
type Portable interface{ Carry() Carried }

// Outcome is how the attempt of a client to come back to its session ended.
type Outcome string

// The outcomes.
const (
	FromHere   Outcome = "here"      // its session was this server's
	FromOther  Outcome = "elsewhere" // it was another's
	NotFound   Outcome = "not_found" // nobody has its session
	Unreadable Outcome = "refused"   // its session is none, or not that of this client
	Forgotten  Outcome = "forgotten" // what it missed is not known any more
	Unknown    Outcome = "failed"    // Redis did not say
)

// shared is what a member has in a sequence with recovery. It is guarded by the adapter's mutex.
type shared struct {
	pid  string    // empty until it is known
	kept bool      // its connection was lost
	from offset.ID // the first place whose event it has not seen; zero for a new one
}
