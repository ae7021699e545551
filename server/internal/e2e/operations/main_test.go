// Package operations tests what an operator deals with: logs, metrics, health, limits,
// certificates, listening, shutdown, the deployment files, the Admin UI.
package operations

import (
	"testing"

	"hipflask/server/internal/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
