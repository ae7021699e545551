// Package cluster tests several servers as one: Hipflask's, Node's and Flask's on one Redis, with
// its faults, and servers that pass requests on or are restarted in turn.
package cluster

import (
	"testing"

	"hipflask/server/internal/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
