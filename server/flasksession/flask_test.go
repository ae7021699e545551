package flasksession_test

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"math/big"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hipflask/server/flasksession"
	"hipflask/testdata/testkit"
)

// flask is a process that reads and writes sessions with the real Flask.
type flask struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
}

// question is what testdata/flask/sessions.py is asked.
type question struct {
	Op        string         `json:"op"`
	Key       string         `json:"key"` // in hexadecimal
	Value     string         `json:"value,omitempty"`
	Seed      int            `json:"seed,omitempty"`
	Cookie    string         `json:"cookie,omitempty"`
	Permanent bool           `json:"permanent,omitempty"`
	Unsorted  bool           `json:"unsorted,omitempty"`
	Config    map[string]any `json:"config,omitempty"`
}

type answer struct {
	Header, Vary, Cookie, Told string
	Found                      bool
}

func startFlask(t *testing.T) *flask {
	t.Helper()
	testkit.NeedModules(t, "flask")
	cmd := exec.Command(testkit.Python, "-u", testkit.Testdata("flask", "sessions.py"))
	cmd.Env = []string{"PATH=/usr/bin:/bin", "PYTHONIOENCODING=utf-8", "PYTHONDONTWRITEBYTECODE=1"}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // it ends with its input
		_ = cmd.Wait()
	})
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<20)
	return &flask{t, in, scanner}
}

func (f *flask) ask(q question) answer {
	f.t.Helper()
	text, err := json.Marshal(q)
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(f.in, "%s\n", text); err != nil {
		f.t.Fatal(err)
	}
	if !f.out.Scan() {
		f.t.Fatalf("Flask ended: %v", f.out.Err())
	}
	var a answer
	if err := json.Unmarshal(f.out.Bytes(), &a); err != nil {
		f.t.Fatal(err)
	}
	return a
}

// tell describes a value as sessions.py does; the keys of maps in order.
func tell(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return strings.ToUpper(strconv.FormatBool(v)[:1]) + strconv.FormatBool(v)[1:]
	case int64:
		return fmt.Sprintf("int %d", v)
	case *big.Int:
		return "int " + v.String()
	case float64:
		if math.IsNaN(v) {
			return "float nan"
		}
		return fmt.Sprintf("float %016x", math.Float64bits(v))
	case string:
		return "str " + hex.EncodeToString([]byte(v))
	case flasksession.Markup:
		return "markup " + hex.EncodeToString([]byte(v))
	case []byte:
		return "bytes " + hex.EncodeToString(v)
	case flasksession.UUID:
		return "uuid " + hex.EncodeToString(v[:])
	case time.Time:
		return fmt.Sprintf("date %d", v.Unix())
	case []any:
		return "[" + tellAll(v) + "]"
	case flasksession.Tuple:
		return "(" + tellAll(v) + ")"
	case map[string]any:
		var members []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			members = append(members, tell(key)+":"+tell(v[key]))
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	return fmt.Sprintf("%T", v)
}

func tellAll(values []any) string {
	var all []string
	for _, v := range values {
		all = append(all, tell(v))
	}
	return strings.Join(all, ",")
}

func newSessions(t *testing.T, opts flasksession.Options) *flasksession.Sessions {
	t.Helper()
	if opts.Keys == nil {
		opts.Keys = [][]byte{[]byte("s3cret")}
	}
	s, err := flasksession.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func hexKey(key string) string { return hex.EncodeToString([]byte(key)) }

// there and back: Flask writes, Go reads what Flask reads; Go writes it, as it came and set anew,
// and Flask reads the same.
func thereAndBack(t *testing.T, f *flask, q question) {
	t.Helper()
	q.Key = hexKey("s3cret")
	sessions := newSessions(t, flasksession.Options{})
	written := f.ask(q)
	if !written.Found {
		t.Fatalf("Flask wrote %q, in which it finds nothing", written.Cookie)
	}
	session, err := sessions.Decode(written.Cookie)
	if err != nil {
		t.Fatalf("%v: %s", err, written.Told)
	}
	if got := tell(session.Values()); !q.Unsorted && got != written.Told {
		t.Errorf("Go reads\n%s, Flask\n%s", got, written.Told)
	}
	anew := new(flasksession.Session)
	for _, key := range session.Keys() {
		anew.Set(key, session.Get(key))
	}
	for name, s := range map[string]*flasksession.Session{"as it came": session, "set anew": anew} {
		if q.Unsorted && s == anew {
			continue // a Go map has no order
		}
		cookie, err := sessions.Encode(s)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if back := f.ask(question{Op: "read", Key: q.Key, Cookie: cookie}); back.Told != written.Told {
			t.Errorf("%s: Flask reads\n%s, and wrote\n%s", name, back.Told, written.Told)
		}
	}
}

func TestFlaskAndGoReadEachOthersValues(t *testing.T) {
	f := startFlask(t)
	for name, value := range map[string]string{
		"text":         `{'name': 'Zo\xeb', 'odd': '"\\\x00\u2028\U0001f600</script>'}`,
		"plain":        `{'a': None, 'b': True, 'c': False, 'd': 0, 'e': -5, 'f': 1.5, 'g': 2.0, 'h': [], 'i': {}, 'j': ''}`,
		"integers":     `{'a': 2**63-1, 'b': 2**63, 'c': -2**63, 'd': -2**63-1, 'e': 10**300}`,
		"floats":       `{'a': inf, 'b': -inf, 'c': nan, 'd': [None, nan, 'NaN', -0.0], 'e': 1e300, 'Infinity': 'NaN"'}`,
		"tuple":        `{'a': (1, 'two', (3,), [()]), 'b': ()}`,
		"bytes":        `{'a': b'\x00\xff', 'b': b''}`,
		"markup":       `{'a': Markup('<b>x</b>')}`,
		"uuid":         `{'a': uuid.UUID(int=5)}`,
		"date":         `{'a': datetime.datetime(2026, 11, 26, 12), 'b': datetime.datetime(1000, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=5)))}`,
		"tag-like":     `{'a': {' t': [1]}, 'b': {' di': {' t__': 1}}, 'c': {' u': {' d': b'x'}}, 'd': {' t': 1, ' b': 2}, 'e': {' x': 1}}`,
		"outer tag":    `{' t': (1, 2)}`,
		"compressed":   `{'text': 'again and ' * 200, 'list': list(range(200))}`,
		"flask-login":  `{'_user_id': '7', '_fresh': True, '_id': 'ab' * 64, '_flashes': [('message', 'hello')]}`,
		"nested depth": `{'a': [[[[[[[[[[[[[[[[[[[[{'b': ((((1,),),),)}]]]]]]]]]]]]]]]]]]]]}`,
	} {
		t.Run(name, func(t *testing.T) { thereAndBack(t, f, question{Op: "write", Value: value}) })
	}
	t.Run("key order", func(t *testing.T) {
		thereAndBack(t, f, question{Op: "write", Unsorted: true, Value: `{'z': {'y': 1, 'b': [{'d': 1, 'c': 2}]}, 'a': ({'2': 1, '1': 2},)}`})
	})
}

func TestFlaskAndGoReadEachOthersRandomValues(t *testing.T) {
	f := startFlask(t)
	for seed := 1; seed <= 200; seed++ {
		thereAndBack(t, f, question{Op: "random", Seed: seed})
		thereAndBack(t, f, question{Op: "random", Seed: seed, Unsorted: true})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
