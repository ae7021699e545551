package cluster

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"hipflask/server/internal/cluster/streams"

	"github.com/redis/go-redis/v9"
)

// refusal is an error that the message itself may have caused, which is published a few times more.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

func isRefusal(err error) bool {
	var r refusal
	return errors.As(err, &r)
}

// isHopeless reports whether Redis will never take the message from this server. An error from
// opening the connection, which is wrapped, is none.
func isHopeless(err error) bool {
	reply, ok := err.(redis.Error)
	return ok && (strings.HasPrefix(reply.Error(), "NOPERM") || strings.HasPrefix(reply.Error(), "ERR Protocol error"))
}

// isGeneric reports whether the answer was an error without a code of its own, unlike OOM, LOADING
// or BUSY, which pass.
func isGeneric(err error) bool {
	reply, ok := err.(redis.Error)
	return ok && strings.HasPrefix(reply.Error(), "ERR")
}

// hungUp reports whether the connection was ended by Redis, which is not frozen then.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// withoutArgs leaves out what Redis repeats of a command that it does not know: the channel, which
// may be named by a session's id, and the message.
func withoutArgs(err error) error {
	if err == nil {
		return nil
	}
	if text, _, found := strings.Cut(err.Error(), ", with args beginning with"); found {
		return errors.New(text)
	}
	return err
}

// inDoubt reports whether the message may have been published all the same: the connection broke
// after it was sent and before Redis had answered.
func inDoubt(err error) bool {
	var reply redis.Error
	var failed *net.OpError
	return !errors.As(err, &reply) && !(errors.As(err, &failed) && failed.Op == "dial")
}

// Unfit reports whether an error of Start says that this Redis cannot be used as it is, however
// long one waits.
func Unfit(err error) bool {
	return errors.Is(err, streams.ErrTooOld) || errors.Is(err, streams.ErrNoStream)
}
