package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hipflask/server/hipflask/hipflasktest"
	"hipflask/server/socketio/socketiotest"
)

// post announces as curl --data does.
func post(app *hipflasktest.App, authorization, text string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/announce", strings.NewReader(text))
	r.Header.Set("Authorization", authorization)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	app.Handler.ServeHTTP(w, r)
	return w
}

func TestAnnouncementsReachEverybody(t *testing.T) {
	t.Setenv("DASHBOARD_TOKEN", "secret")
	app := hipflasktest.New(t, Register)
	early := socketiotest.Connect(t, app.SocketIO, socketiotest.Options{})
	if got := early.Receive("announcements").String(); got != "announcements [[]]" {
		t.Errorf("the first one received %s", got)
	}
	for n := range keptForLater + 1 {
		if w := post(app, "Bearer secret", fmt.Sprintf(" a=%d&b <i>%%20\n", n)); w.Code != http.StatusNoContent {
			t.Fatalf("answered %d %s", w.Code, w.Body)
		}
		var news Announcement
		if err := early.Receive("announcement").Decode(&news); err != nil || news.Text != fmt.Sprintf("a=%d&b <i>%%20", n) {
			t.Errorf("received %q, %v", news.Text, err)
		}
	}
	var last []Announcement
	late := socketiotest.Connect(t, app.SocketIO, socketiotest.Options{})
	if err := late.Receive("announcements").Decode(&last); err != nil || len(last) != keptForLater || last[0].Text != "a=1&b <i>%20" {
		t.Errorf("who came later received %v, %v", last, err)
	}
}

func TestAnnouncementsThatAreRefused(t *testing.T) {
	t.Setenv("DASHBOARD_TOKEN", "secret")
	app := hipflasktest.New(t, Register)
	c := socketiotest.Connect(t, app.SocketIO, socketiotest.Options{})
	for _, refused := range []struct {
		authorization, text string
		want                int
	}{
		{"", "text", http.StatusUnauthorized},
		{"Bearer ", "text", http.StatusUnauthorized},
		{"Bearer secre", "text", http.StatusUnauthorized},
		{"secret", "text", http.StatusUnauthorized},
		{"Basic secret", "text", http.StatusUnauthorized},
		{"Bearer secret", strings.Repeat("x", maxAnnouncement+1), http.StatusRequestEntityTooLarge},
		{"Bearer secret", " \n", http.StatusBadRequest},
		{"Bearer secret", "\xff", http.StatusBadRequest},
	} {
		if w := post(app, refused.authorization, refused.text); w.Code != refused.want {
			t.Errorf("%+v: answered %d %s", refused, w.Code, w.Body)
		}
	}
	post(app, "Bearer secret", "the only one")
	var news Announcement
	if err := c.Receive("announcement").Decode(&news); err != nil || news.Text != "the only one" {
		t.Errorf("received %q, %v", news.Text, err)
	}
}

func TestTokenIsMadeAndPrinted(t *testing.T) {
	t.Setenv("DASHBOARD_TOKEN", "")
	app := hipflasktest.New(t, Register)
	if w := post(app, "Bearer ", "text"); w.Code != http.StatusUnauthorized {
		t.Errorf("without a token it answered %d", w.Code)
	}
	token, found := strings.CutPrefix(app.End(), "The token of POST /announce: ")
	if !found || len(strings.TrimSpace(token)) < 20 {
		t.Errorf("printed %q", token)
	}
}

// The background task goes on measuring, and ends with the server.
func TestValuesComeByThemselves(t *testing.T) {
	app := hipflasktest.New(t, Register)
	c := socketiotest.Connect(t, app.SocketIO, socketiotest.Options{})
	for range 2 {
		var v Values
		if err := c.Receive("values").Decode(&v); err != nil || v.Clients != 1 || v.Goroutines == 0 || v.HeapMiB == 0 {
			t.Errorf("received %+v, %v", v, err)
		}
	}
}
