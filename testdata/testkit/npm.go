package testkit

import (
	"slices"
	"testing"
)

// NewestClient is the npm alias of the newest client.
const NewestClient = "socket.io-client"

// AdminPassword is root's in admin.mjs.
const AdminPassword = "pass wörd"

// ClientVersions are the npm aliases in testdata/package.json: 1.7, 2.5, 3.1, 4.0 and the newest.
func ClientVersions() []string {
	return []string{"socket.io-client-1", "socket.io-client-2", "socket.io-client-3", "socket.io-client-40", NewestClient}
}

// FindReport decodes the report of an event into v.
func FindReport(t *testing.T, reports []Report, behaviour, event string, v any) {
	t.Helper()
	i := slices.IndexFunc(reports, func(r Report) bool { return r.Behaviour == behaviour && r.Event == event })
	if i < 0 {
		t.Fatalf("nothing reported for %s %s", behaviour, event)
	}
	reports[i].Decode(t, v)
}
