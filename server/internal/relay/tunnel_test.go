package relay

import "testing"

// Something behind the first frame is what the client sends as its upgrade, however both are cut.
func TestSent(t *testing.T) {
	probe := "\x81\x86mask2probe"
	for piece := 1; piece <= len(probe); piece++ {
		var s sent
		for rest := probe; rest != ""; rest = rest[min(piece, len(rest)):] {
			if s.add([]byte(rest[:min(piece, len(rest))])) {
				t.Fatalf("in pieces of %d, the probe counts as the upgrade", piece)
			}
		}
		if !s.add([]byte("\x81")) {
			t.Errorf("in pieces of %d, what follows does not", piece)
		}
	}
	var s sent
	if !s.add([]byte(probe + "\x81\x81mask5")) {
		t.Error("both at once do not count")
	}
}
