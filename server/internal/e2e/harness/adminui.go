//go:build unix

package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hipflask/testdata/testkit"
)

// AdminUI is a raw client in the Admin UI's namespace.
type AdminUI struct {
	*testkit.Client
	ID string
}

// AdminLogin tries to log in with what the UI sends as auth. What it is refused with is empty if it
// was not.
func AdminLogin(t *testing.T, addr string, auth map[string]any) (ui *AdminUI, refused string) {
	t.Helper()
	text, err := json.Marshal(auth)
	if err != nil {
		t.Fatal(err)
	}
	ui = &AdminUI{Client: testkit.OpenWebSocket(t, addr, testkit.WebSocketPath)}
	for {
		packet, err := ui.Packet()
		ui.Must(err)
		var told struct{ SID, Message string }
		switch {
		case strings.HasPrefix(packet, "0"):
			ui.Send("40/admin," + string(text))
			continue
		case strings.HasPrefix(packet, "42/admin,"): // which Node emits before
			continue
		case strings.HasPrefix(packet, "44/admin,"):
			ui.Must(json.Unmarshal([]byte(packet[len("44/admin,"):]), &told))
			return nil, told.Message
		case strings.HasPrefix(packet, "40/admin,"):
			ui.Must(json.Unmarshal([]byte(packet[len("40/admin,"):]), &told))
			ui.ID = told.SID
			return ui, ""
		}
		t.Fatalf("the login was answered %.200q", packet)
	}
}

// MustLogin is AdminLogin for who has to get in.
func MustLogin(t *testing.T, addr, user, password string) *AdminUI {
	t.Helper()
	ui, refused := AdminLogin(t, addr, map[string]any{"username": user, "password": password})
	if refused != "" {
		t.Fatalf("%s was refused: %s", user, refused)
	}
	return ui
}

// Told skips to an event whose text has all of these, and returns its arguments.
func (u *AdminUI) Told(event string, texts ...string) []json.RawMessage {
	u.T.Helper()
	for end := time.Now().Add(testkit.Deadline); ; { // statistics come without an end
		packet, err := u.Packet()
		if time.Now().After(end) {
			err = errors.Join(err, errors.New("it did not come"))
		}
		if err != nil {
			u.T.Fatalf("waiting for %s with %q: %v", event, texts, err)
		}
		list, isEvent := strings.CutPrefix(packet, "42/admin,")
		var args []json.RawMessage
		if !isEvent || json.Unmarshal([]byte(list), &args) != nil || string(args[0]) != `"`+event+`"` {
			continue
		}
		has := true
		for _, text := range texts {
			has = has && strings.Contains(list, text)
		}
		if has {
			return args[1:]
		}
	}
}

// Commands gives a command and awaits that it was done.
func (u *AdminUI) Commands(args ...any) {
	u.T.Helper()
	text, err := json.Marshal(args)
	u.Must(err)
	u.Send("42/admin,1" + string(text))
	u.Awaits("43/admin,1[]")
}

// Tries gives a command that is to be refused, which nothing answers.
func (u *AdminUI) Tries(args ...any) {
	u.T.Helper()
	text, err := json.Marshal(args)
	u.Must(err)
	u.Send(fmt.Sprintf("42/admin,%s", text))
}
