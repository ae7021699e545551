// Package causes has the words by which the cluster's lines in the log name their cause, for
// whoever knows the settings. Those of what is refused are engineio's.
package causes

// The causes.
const (
	Away    = "redis"          // Redis is away, or has something that it should not
	Stream  = "stream"         // something is no longer in its stream
	Address = "server address" // where others reach a server
	Twin    = "server id"      // two have the same
	Busy    = "passed on"      // too many requests are passed on already
)
