package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hipflask/server/socketio"
)

const (
	// people is the room of all who have a name.
	people = "people"

	maxName   = 30 // characters
	maxStatus = 60

	// lookAgain is how often a server looks by itself: one that was killed tells nobody.
	lookAgain = 2 * time.Second
	// answerTimeout is how long the other servers may take to answer who is there.
	answerTimeout = time.Second
)

// presence tells this server's clients who is there. Each server does: a change at one of them is
// told to the others, which then look for themselves.
type presence struct {
	socketio *socketio.Server
	server   string        // what this one is called
	changed  chan struct{} // holds something when somebody came, went or changed
}

// Person is what everybody may know of one.
type Person struct {
	Name   string `json:"name"`
	Server string `json:"server"`
	Status string `json:"status"`

	since time.Time
	id    string // which is nobody's business
}

func (p *presence) handleConnect(c *socketio.Context, auth struct{ Name string }) error {
	name, ok := clean(auth.Name, maxName)
	if !ok || name == "" {
		return socketio.Refuse(fmt.Sprintf("A name has 1 to %d characters.", maxName))
	}
	c.SetData("name", name)
	c.SetData("server", p.server)
	c.Join(people) // which moved is told of, and so the others
	return nil
}

func (p *presence) handleStatus(c *socketio.Context, text string) (problem string) {
	status, ok := clean(text, maxStatus)
	if !ok {
		return fmt.Sprintf("A status has up to %d characters.", maxStatus)
	}
	c.SetData("status", status)
	p.tellServers()
	return ""
}

// moved is told of whoever joins or leaves a room of this server.
func (p *presence) moved(_ *socketio.Context, room string) {
	if room == people {
		p.tellServers()
	}
}

// tellServers has this server and the others look.
func (p *presence) tellServers() {
	p.look()
	_ = p.socketio.EmitServers("changed") // no arguments that could not be written
}

func (p *presence) handleChanged([]socketio.Value) (any, error) {
	p.look()
	return nil, nil
}

// look has keepTelling look. It does not wait; many changes at once are one look.
func (p *presence) look() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// keepTelling is the background task: it looks who is there and tells this server's clients.
func (p *presence) keepTelling(ctx context.Context) {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	var told []Person
	wasComplete := true
	for {
		changed := false
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-p.changed:
			changed = true // perhaps somebody who was told nothing yet
		}
		list, complete := p.list(ctx)
		if changed || complete != wasComplete || !slices.Equal(list, told) {
			_ = p.socketio.To(people).Local().Emit("people", list, complete)
		}
		told, wasComplete = list, complete
	}
}

// list finds who is there, the longest first, and reports whether all servers have said so.
func (p *presence) list(ctx context.Context) (list []Person, complete bool) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	found, err := p.socketio.To(people).Sockets(ctx)
	list = []Person{}
	for _, s := range found {
		person := Person{since: s.Since, id: s.ID}
		// What is missing, or of another application, is shown as nothing.
		_ = s.Data["name"].Decode(&person.Name)
		_ = s.Data["server"].Decode(&person.Server)
		_ = s.Data["status"].Decode(&person.Status)
		list = append(list, person)
	}
	slices.SortFunc(list, func(a, b Person) int {
		return cmp.Or(a.since.Compare(b.since), strings.Compare(a.id, b.id))
	})
	return list, err == nil
}

// clean is a text without what nobody sees, unless it is too long.
func clean(text string, most int) (cleaned string, ok bool) {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text))
	return text, utf8.RuneCountInString(text) <= most
}
