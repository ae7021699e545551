package examples

import (
	"path/filepath"
	"testing"

	"hipflask/testdata/testkit"
)

const wantPresence = `presence: alone: {"people":["Ada at one"]}
presence: two: {"ada":["Ada at one","<b>Bob</b> at two"],"bob":["Ada at one","<b>Bob</b> at two"],"elements":0}
presence: status: {"ada":["Ada at one","<b>Bob</b>: at lunch at two"]}
presence: gone: {"ada":["Ada at one","Eve at two"]}
presence: faults elsewhere: {"faults":[]}
presence: refused: {"shown":false}
presence: killed: {"ada":["Ada at one"]}
presence: faults: {"faults":[]}
`

// TestPresenceOnTwoServers has browsers at two processes with one Redis see each other,
// also when one of these is killed.
func TestPresenceOnTwoServers(t *testing.T) {
	chromium := testkit.NeedChromium(t)
	queue := "HIPFLASK_MESSAGE_QUEUE=" + startRedis(t)
	binary := filepath.Join(build(t, []string{"presence"}), "presence")
	one := start(t, binary, []string{queue, "PRESENCE_NAME=one"})
	two := start(t, binary, []string{queue, "PRESENCE_NAME=two"})
	two.killed = true
	compareApplications(t, map[string]any{
		"urls": map[string]string{"presence": one.url}, "chromium": chromium,
		"more": map[string]any{"presence": map[string]any{"other": two.url, "process": two.cmd.Process.Pid}},
	}, map[string]string{"presence": wantPresence})
}
