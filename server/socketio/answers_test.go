package socketio

import "testing"

// Clients of other servers may answer before those of this one, who are awaited
// nevertheless.
func TestAnswersOfOtherServersComeFirst(t *testing.T) {
	got := &answers{asked: -1, done: make(chan struct{})}
	isDone := func() bool {
		select {
		case <-got.done:
			return true
		default:
			return false
		}
	}
	got.expect(2)
	got.addOther(Answer{Client: "other"})
	if got.add("a", nil, nil); isDone() {
		t.Error("one of two has answered, and the other is not awaited any more")
	}
	got.addOther(Answer{Client: "another"})
	if got.add("b", nil, nil); !isDone() {
		t.Error("both have answered, and are awaited still")
	}
}
