package nodewire

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hipflask/server/internal/packet"
	"hipflask/server/internal/packet/jsonval"
	"hipflask/server/internal/packet/msgpack"
)

// askNode runs testdata/notepack.mjs and returns its lines. Without Node the test is skipped, but
// in CI it fails.
func askNode(t *testing.T, stdin []byte, args ...string) []string {
	t.Helper()
	missing := t.Skipf
	if os.Getenv("CI") == "true" {
		missing = t.Fatalf
	}
	modules, err := filepath.Abs("../../../../testdata/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "notepack.io")); err != nil {
		missing("nothing compared with Node: %v; run: npm ci --ignore-scripts --prefix testdata", err)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		missing("nothing compared with Node: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, append([]string{"testdata/notepack.mjs", modules}, args...)...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, &stderr)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// TestReadsWhatNodeWrites compares random values that notepack.io encoded with what it makes of
// them again.
func TestReadsWhatNodeWrites(t *testing.T) {
	seed := fmt.Sprint(rand.Uint32())
	var back bytes.Buffer
	var shown []string
	for _, line := range askNode(t, nil, seed, "200") {
		encoded, want, _ := strings.Cut(line, " ")
		data, err := hex.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		limits := jsonval.Limits{MaxAttachments: 1 << 20}
		r := reader{msgpack.NewReader(data, prefix), limits}
		b := jsonval.NewBuilder(limits, 0)
		if r.Value(b); r.Err() != nil {
			t.Fatalf("seed %s: %v in %.400s", seed, r.Err(), encoded)
		}
		values, err := b.Values()
		if err != nil {
			t.Fatal(err)
		}
		if got := string(values[0].JSON); got != want {
			t.Fatalf("seed %s:\ngot  %.600s\nwant %.600s", seed, got, want)
		}
		// And back: Node has to see in ours what it saw in its own.
		w := writer{}
		if err := w.Value(values[0]); err != nil {
			t.Fatalf("seed %s: %v in %.400s", seed, err, want)
		}
		fmt.Fprintf(&back, "%x\n", w.Bytes())
		shown = append(shown, want)
	}
	for i, got := range askNode(t, back.Bytes(), "0", "0") {
		if got != shown[i] {
			t.Fatalf("seed %s, encoded here:\ngot  %.600s\nwant %.600s", seed, got, shown[i])
		}
	}
}

// TestNodeReadsWhatIsWritten has Node decode values that it would not write.
func TestNodeReadsWhatIsWritten(t *testing.T) {
	cases := []struct{ text, want string }{
		{`9007199254740993`, `9007199254740992`}, // rounded there, not here
		{`18446744073709551615`, `18446744073709552000`},
		{`-9223372036854775808`, `-9223372036854776000`},
		{`18446744073709551616`, `18446744073709552000`},
		{`123456789012345678901234567890`, `1.2345678901234568e+29`},
		{`1e999`, `null`}, {`-1e999`, `null`}, {`2.0`, `2`}, {`-0.0`, `0`}, {`1E2`, `100`}, {`1e20`, `100000000000000000000`}, {`0.1`, `0.1`},
		{` [ 1 , { "a" : [ ] } ] `, `[1,{"a":[]}]`},
		{`"\ud800"`, `"�"`},
		{`{"z":1,"a":2}`, `{"z":1,"a":2}`},
		{"", `null`},
	}
	var stdin bytes.Buffer
	for _, c := range cases {
		w := writer{}
		if err := w.Value(packet.Value{JSON: []byte(c.text)}); err != nil {
			t.Fatalf("%s: %v", c.text, err)
		}
		fmt.Fprintf(&stdin, "%x\n", w.Bytes())
	}
	for i, got := range askNode(t, stdin.Bytes(), "0", "0") {
		if got != cases[i].want {
			t.Errorf("%s: got %s, want %s", cases[i].text, got, cases[i].want)
		}
	}
}
