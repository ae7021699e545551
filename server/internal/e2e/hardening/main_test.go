// Package hardening attacks the server. Each test is named by the attack that it stops.
package hardening

import (
	"testing"

	"hipflask/server/internal/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
