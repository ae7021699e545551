package harness

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"hipflask/testdata/testkit"
)

// OpsAddress finds the address of --ops-addr in the log.
var OpsAddress = regexp.MustCompile(`msg="health and metrics" address=(\S+)`)

// StartOps starts a server and returns the address of its health and metrics, too.
func StartOps(t *testing.T, args ...string) (server *Server, addr string) {
	t.Helper()
	server = Start(t, append([]string{"--ops-addr", "0"}, args...)...)
	return server, server.Stderr.WaitMatch(t, OpsAddress)[1]
}

// OpsGet asks for a path at that address.
func OpsGet(t *testing.T, addr, path string) testkit.Answer {
	t.Helper()
	return testkit.Ask(t, addr, http.MethodGet, path, http.Header{"Connection": {"close"}}, "")
}

// CheckOps checks the answer to a path there, which is one line.
func CheckOps(t *testing.T, addr, path string, status int, body string) {
	t.Helper()
	if got := OpsGet(t, addr, path); got.Status != status || got.Body != body+"\n" {
		t.Errorf("%s is answered %v, want %d %q", path, got, status, body)
	}
}

// Scrape reads the metrics, each by its name with its labels as they are written. A histogram is
// its count.
func Scrape(t *testing.T, addr string) map[string]float64 {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(OpsGet(t, addr, "/metrics").Body))
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]float64)
	for name, family := range families {
		for _, m := range family.Metric {
			all[name+labelled(m)] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return all
}

func labelled(m *dto.Metric) string {
	var pairs []string
	for _, l := range m.Label {
		pairs = append(pairs, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	if pairs == nil {
		return ""
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// AwaitMetrics waits until the metrics are these; those that are not named do not matter. A handler
// is counted when it has returned, which its client may be ahead of.
func AwaitMetrics(t *testing.T, addr string, want map[string]float64) {
	t.Helper()
	// Metrics are there to be asked for.
	for deadline := time.Now().Add(testkit.Deadline); ; time.Sleep(5 * time.Millisecond) {
		got := Scrape(t, addr)
		maps.DeleteFunc(got, func(name string, _ float64) bool { _, wanted := want[name]; return !wanted })
		if maps.Equal(got, want) {
			return
		}
		if time.Now().After(deadline) {
			for _, name := range slices.Sorted(maps.Keys(want)) {
				if v, there := got[name]; !there || v != want[name] {
					t.Errorf("%s is %v (there: %v), want %v", name, v, there, want[name])
				}
			}
			return
		}
	}
}
