package operations

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hipflask/server/internal/cluster/redistest"
	"hipflask/server/internal/e2e/harness"
	"hipflask/testdata/testkit"
)

var (
	// metricName is a metric of ours, of Go's runtime or of the process in an expression, with the
	// labels that it is chosen by.
	metricName = regexp.MustCompile(`\b((?:hipflask|go|process)_[a-z0-9_]+)(?:\{([^}]*)\})?`)
	// byLabels are the labels that an expression sums by.
	byLabels = regexp.MustCompile(`by \(([^)]*)\)`)
)

// TestOpsDashboard checks the dashboard against what the server exposes: each metric and label in
// it is there, and each metric of ours is shown.
func TestOpsDashboard(t *testing.T) {
	file, err := os.ReadFile(testkit.InModule("server", "deploy", "grafana-dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dashboard any
	if err := json.Unmarshal(file, &dashboard); err != nil {
		t.Fatal(err)
	}
	exposed := allMetrics(t)

	expressions := dashboardExpressions(dashboard)
	if len(expressions) < 20 {
		t.Fatalf("only %d expressions were found", len(expressions))
	}
	shown := strings.Join(expressions, "\n")
	for _, expr := range expressions {
		for _, metric := range metricName.FindAllStringSubmatch(expr, -1) {
			checkExposed(t, exposed, expr, metric[1], metric[2])
		}
	}
	for line := range strings.Lines(exposed) {
		name, isType := strings.CutPrefix(line, "# TYPE hipflask_")
		if name, _, _ = strings.Cut(name, " "); isType && !strings.Contains(shown, "hipflask_"+name) {
			t.Errorf("hipflask_%s is not on the dashboard", name)
		}
	}
}

// TestOpsPage checks OPERATIONS.md against what the server exposes: it names each metric of ours,
// each reason and each cause, and none that is not there.
func TestOpsPage(t *testing.T) {
	file, err := os.ReadFile(testkit.InModule("server", "OPERATIONS.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(file)
	exposed := allMetrics(t)
	for _, metric := range metricName.FindAllStringSubmatch(page, -1) {
		if strings.HasPrefix(metric[1], "hipflask_") && !strings.Contains(exposed, "# TYPE "+metric[1]+" ") {
			t.Errorf("the page tells of %s, which is not there", metric[1])
		}
	}
	for _, named := range regexp.MustCompile(`(?m)^(?:# TYPE (hipflask_\w+) |\w+\{(?:cause|reason)="([^"]+)"\} )`).FindAllStringSubmatch(exposed, -1) {
		if name := named[1] + named[2]; !strings.Contains(page, "`"+name+"`") {
			t.Errorf("the page does not tell of %s", name)
		}
	}
}

// allMetrics is what a server exposes that has everything to count.
func allMetrics(t *testing.T) string {
	t.Helper()
	server := harness.StartMember(t, redistest.Start(t), "--ops-addr", "0", "--cluster-adapter", "redis-streams", "--backend", "http://127.0.0.1:9") // which nobody is asked for
	addr := server.Stderr.WaitMatch(t, harness.OpsAddress)[1]
	testkit.JoinWebSocket(t, server.Addr).Chats("so that handlers were measured")
	harness.AwaitMetrics(t, addr, map[string]float64{`hipflask_handler_duration_seconds{event="message",namespace="/"}`: 1})
	return harness.OpsGet(t, addr, "/metrics").Body
}

// checkExposed checks that the metric is there with the labels that the expression asks for;
// instance is Prometheus' own.
func checkExposed(t *testing.T, exposed, expr, name, chosen string) {
	t.Helper()
	series := regexp.MustCompile(`(?m)^` + name + `(\{.*?\})? `).FindString(exposed)
	if series == "" {
		t.Errorf("there is no %s, in %s", name, expr)
		return
	}
	var labels []string
	for pair := range strings.SplitSeq(chosen, ",") {
		label, _, _ := strings.Cut(pair, "=")
		labels = append(labels, label)
	}
	for _, by := range byLabels.FindAllStringSubmatch(expr, -1) {
		labels = append(labels, strings.Split(by[1], ",")...)
	}
	for _, label := range labels {
		label = strings.TrimSpace(label)
		if !slices.Contains([]string{"", "instance"}, label) && !strings.Contains(series, label+`="`) {
			t.Errorf("%s has no label %s, in %s", name, label, expr)
		}
	}
}

// dashboardExpressions finds every string that can name a metric.
func dashboardExpressions(v any) (all []string) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if text, isText := value.(string); isText && slices.Contains([]string{"expr", "query", "definition"}, key) {
				all = append(all, text)
			}
			all = append(all, dashboardExpressions(value)...)
		}
	case []any:
		for _, value := range v {
			all = append(all, dashboardExpressions(value)...)
		}
	}
	return all
}
