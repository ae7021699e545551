package pyprint

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"hipflask/testdata/testkit"
)

// testCase is a value to show, both here and by Python.
type testCase struct {
	json        []byte
	attachments [][]byte
}

// askPython runs testdata/print_values.py and returns the lines of its answer and Python's Unicode
// version. Without a Python of 3.11 or later the test is skipped, but in CI it fails.
func askPython(t *testing.T, stdin []byte, args ...string) (lines []string, unicode string) {
	t.Helper()
	lines = testkit.RunPython(t, stdin, append([]string{"testdata/print_values.py"}, args...)...)
	version, unicode, _ := strings.Cut(lines[0], " ")
	var minor int
	if _, err := fmt.Sscanf(version, "3.%d", &minor); err != nil || minor < 11 {
		testkit.Absent(t, "nothing compared with Python: it is version "+version+", needs 3.11")
	}
	t.Logf("compared with Python %s, Unicode %s", version, unicode)
	return lines[1:], unicode
}

// compare checks AppendValue against Python for every case, byte for byte.
func compare(t *testing.T, cases []testCase) {
	t.Helper()
	var stdin bytes.Buffer
	for _, c := range cases {
		stdin.WriteString(base64.StdEncoding.EncodeToString(c.json))
		if c.attachments == nil {
			stdin.WriteString(" -\n")
			continue
		}
		stdin.WriteString(" =")
		for _, a := range c.attachments {
			stdin.WriteString(base64.StdEncoding.EncodeToString(a) + ",")
		}
		stdin.WriteByte('\n')
	}
	answers, _ := askPython(t, stdin.Bytes())
	if len(answers) != len(cases) {
		t.Fatalf("%d answers to %d cases", len(answers), len(cases))
	}
	wrong := 0
	for i, c := range cases {
		encoded, ok := strings.CutPrefix(answers[i], "=")
		if !ok {
			t.Fatalf("Python cannot read %.300q: %s", c.json, answers[i])
		}
		want, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if got := AppendValue(nil, value(c.json, c.attachments)); !bytes.Equal(got, want) {
			if wrong++; wrong <= 5 {
				t.Errorf("%q with %q:\n got %q\nwant %q", c.json, c.attachments, got, want)
			}
		}
	}
	t.Logf("%d of %d cases differ", wrong, len(cases))
}

// TestRandomValuesAgainstPython takes a new seed each time; to repeat a run, set HIPFLASK_TEST_SEED
// to the seed that it logged.
func TestRandomValuesAgainstPython(t *testing.T) {
	seed := rand.Uint64()
	if text := os.Getenv("HIPFLASK_TEST_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("HIPFLASK_TEST_SEED=%d", seed)
	g := generator{Rand: rand.New(rand.NewPCG(seed, 0))}
	cases := make([]testCase, 5_000)
	for i := range cases {
		cases[i] = g.testCase()
	}
	compare(t, cases)
}

// TestFloatsAgainstPython takes every power of two and of ten a double has, and the doubles beside
// each: where shortest digits are hardest to get right.
func TestFloatsAgainstPython(t *testing.T) {
	var cases []testCase
	for _, f := range hardFloats() {
		text := strconv.FormatFloat(f, 'e', 25, 64) // never an int
		cases = append(cases, testCase{json: []byte("[" + text + ",-" + text + "]")})
	}
	compare(t, cases)
}

// unprintable lists the characters that are not printable here, as the Python script does.
func unprintable() []string {
	var lines []string
	first := rune(-1)
	for r := rune(0); r <= utf8.MaxRune+1; r++ {
		refused := r <= utf8.MaxRune && !isPrintable(r)
		if refused && first < 0 {
			first = r
		} else if !refused && first >= 0 {
			lines = append(lines, fmt.Sprintf("%d %d", first, r-1))
			first = -1
		}
	}
	return lines
}

// Python 3.11's answer for all of Unicode, so that a Go with a newer Unicode is noticed where there
// is no Python 3.11 too.
func TestPrintableIsThatOfPython311(t *testing.T) {
	const want = "8b3b7729f722eefcac739eebfd3ea5e37f113f45e2020e4812263a70c7d9c3c6"
	sum := sha256.Sum256([]byte(strings.Join(unprintable(), "\n")))
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("the hash of what is not printable is %s, want %s: "+
			"has this Go a Unicode version after 17.0? Then newerBMP and newerBeyond need its new characters", got, want)
	}
}

func TestPrintableAgainstPython(t *testing.T) {
	lines, unicode := askPython(t, nil, "printable")
	if unicode == "14.0.0" {
		if got, want := strings.Join(unprintable(), "\n"), strings.Join(lines, "\n"); got != want {
			t.Errorf("not the same characters are printable; here:\n%s\nin Python:\n%s", got, want)
		}
		return
	}
	// A newer Python may print only what was assigned since.
	var refused [utf8.MaxRune + 1]bool
	for _, line := range lines {
		var first, last rune
		if _, err := fmt.Sscan(line, &first, &last); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for r := first; r <= last; r++ {
			refused[r] = true
		}
	}
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if isPrintable(r) == refused[r] && !isNewer(r) {
			t.Errorf("%U: printable here: %v", r, isPrintable(r))
		}
	}
}

// isNewer reports whether r may have been assigned after Unicode 14.
func isNewer(r rune) bool {
	return r > 0xffff && inRanges(newerBeyond, 4, r) || r >= 0x800 && r <= 0xffff && inRanges(newerBMP, 3, r)
}
