package cluster

import "strings"

// uidPrefix begins the name of every Hipflask process, by which they know each other on the Flask
// queue; so many random digits end it.
const (
	uidPrefix = "hipflask-"
	uidDigits = 12
)

// isOurs reports whether a Hipflask server has that name.
func isOurs(uid string) bool { return strings.HasPrefix(uid, uidPrefix) }
