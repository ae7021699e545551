package main

import (
	"context"
	"crypto/rand"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"hipflask/server/socketio"
)

const (
	maxName    = 20  // characters
	maxTitle   = 40  // characters
	maxPlayers = 200 // all of them are told of each other
	keep       = 30 * time.Second
)

const (
	errName   problem = "A name has 1 to 20 characters."
	errTitle  problem = "A title has 1 to 40 characters."
	errCrowd  problem = "The lobby is full."
	errInGame problem = "You are in a game."
	errNoGame problem = "There is no such game."
	errNone   problem = "You are in no game."
)

// player is somebody who has come. Each tab and each reload is a connection of its own.
type player struct {
	id, name, token string // the token, which only the player's page has, brings it back
	connections     int
	gone            time.Time // when the last one ended
	game            *game     // nil: in none
}

// lobby has the players and the games. Handlers of different clients run at the same
// time; the lock is also held while clients are told, so that the last that they hear is
// how it is. Emit waits for nobody.
type lobby struct {
	socketio *socketio.Server

	mu      sync.Mutex
	last    int                // number that was given as an id
	players map[string]*player // by token
	games   map[string]*game   // by id
	told    lobbyView          // what everybody knows
}

func newLobby(s *socketio.Server) *lobby {
	return &lobby{socketio: s, players: make(map[string]*player), games: make(map[string]*game)}
}

// credentials are what a client connects with.
type credentials struct{ Name, Token string }

func (l *lobby) handleConnect(c *socketio.Context, auth credentials) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, known := l.players[auth.Token]
	if !known {
		name := clean(auth.Name, maxName)
		switch {
		case name == "":
			return socketio.Refuse(errName.Error())
		case len(l.players) >= maxPlayers:
			return socketio.Refuse(errCrowd.Error())
		}
		p = &player{id: l.nextLocked(), name: name, token: rand.Text()}
		l.players[p.token] = p
	}
	p.connections++
	c.Set("player", p)
	c.Join(room(p))
	return errors.Join(
		c.Emit("welcome", welcome{p.id, p.token}),
		l.tellLocked(p.game),
		c.Emit("lobby", l.told),
	)
}

func (l *lobby) handleDisconnect(c *socketio.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := c.Get("player").(*player)
	if !ok { // it was refused
		return nil
	}
	p.connections--
	p.gone = time.Now()
	return l.tellLocked(p.game)
}

func (l *lobby) handleCreate(c *socketio.Context, title string) (string, error) {
	return l.act(c, func(p *player) error {
		title = clean(title, maxTitle)
		switch {
		case p.game != nil:
			return errInGame
		case title == "":
			return errTitle
		}
		p.game = newGame(l.nextLocked(), title, p)
		l.games[p.game.id] = p.game
		return nil
	})
}

func (l *lobby) handleJoin(c *socketio.Context, id string) (string, error) {
	return l.act(c, func(p *player) error {
		g := l.games[id]
		switch {
		case p.game != nil:
			return errInGame
		case g == nil:
			return errNoGame
		}
		if err := g.join(p); err != nil {
			return err
		}
		p.game = g
		return nil
	})
}

func (l *lobby) handleLeave(c *socketio.Context) (string, error) {
	return l.act(c, func(p *player) error {
		if p.game == nil {
			return errNone
		}
		l.leaveLocked(p)
		return nil
	})
}

func (l *lobby) handleReady(c *socketio.Context, is bool) (string, error) {
	return l.actInGame(c, func(p *player) error { return p.game.setReady(p, is) })
}

func (l *lobby) handleStart(c *socketio.Context) (string, error) {
	return l.actInGame(c, func(p *player) error { return p.game.start(p) })
}

func (l *lobby) handleMove(c *socketio.Context, cell int) (string, error) {
	return l.actInGame(c, func(p *player) error { return p.game.move(p, cell) })
}

func (l *lobby) actInGame(c *socketio.Context, do func(p *player) error) (string, error) {
	return l.act(c, func(p *player) error {
		if p.game == nil {
			return errNone
		}
		return do(p)
	})
}

// act has the client's player do something, and tells who is concerned. It returns why
// that cannot be, for the player to read.
func (l *lobby) act(c *socketio.Context, do func(p *player) error) (why string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := c.Get("player").(*player)
	if !ok {
		return "", errors.New("a client without a player")
	}
	before := p.game
	if err := do(p); err != nil {
		return err.Error(), nil
	}
	if before != nil && p.game == nil {
		err = errors.Join(l.socketio.To(room(p)).Emit("game"), l.tellLocked(before))
	}
	return "", errors.Join(err, l.tellLocked(p.game))
}

// leaveLocked takes a player out of its game.
func (l *lobby) leaveLocked(p *player) {
	g := p.game
	g.leave(p)
	if p.game = nil; len(g.players) == 0 {
		delete(l.games, g.id)
	}
}

// tellLocked tells a game's players how it stands, and everybody how the lobby does, if
// that has changed.
func (l *lobby) tellLocked(g *game) (err error) {
	if g != nil && len(g.players) > 0 {
		var rooms []string
		for _, p := range g.players {
			rooms = append(rooms, room(p))
		}
		err = l.socketio.To(rooms...).Emit("game", g.view())
	}
	if now := l.viewLocked(); !reflect.DeepEqual(now, l.told) {
		l.told = now
		err = errors.Join(err, l.socketio.Emit("lobby", now))
	}
	return err
}

// sweepAll is the background task that forgets players.
func (l *lobby) sweepAll(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			l.sweep(now)
		}
	}
}

// sweep forgets the players whose connection was lost and who have not come back.
func (l *lobby) sweep(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for token, p := range l.players {
		if p.connections > 0 || now.Sub(p.gone) < keep {
			continue
		}
		delete(l.players, token)
		g := p.game
		if g != nil {
			l.leaveLocked(p)
		}
		_ = l.tellLocked(g) // of values that always have a JSON form
	}
}

// nextLocked makes an id, of a player or a game.
func (l *lobby) nextLocked() string {
	l.last++
	return strconv.Itoa(l.last)
}

// room has all the connections of a player.
func room(p *player) string { return "player:" + p.id }

// clean returns a line of text without spaces around it, empty if it is longer than most
// characters or has some that cannot be seen.
func clean(text string, most int) string {
	text = strings.TrimSpace(text)
	hidden := func(r rune) bool { return !unicode.IsGraphic(r) }
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > most || strings.ContainsFunc(text, hidden) {
		return ""
	}
	return text
}
