package main

import (
	"cmp"
	"slices"
)

// What clients are sent. Nothing in it is secret: a player's token is in welcome alone.
type (
	welcome struct {
		ID    string `json:"id"`
		Token string `json:"token"`
	}
	lobbyView struct {
		Players []playerView `json:"players"`
		Games   []entryView  `json:"games"`
	}
	playerView struct {
		ID   string `json:"id"`
		Name string `json:"name"`
		Here bool   `json:"here"` // false: the connection was lost
	}
	// entryView is a game in the lobby's list.
	entryView struct {
		ID      string   `json:"id"`
		Title   string   `json:"title"`
		State   state    `json:"state"`
		Players []string `json:"players"` // names
	}
	gameView struct {
		ID      string     `json:"id"`
		Title   string     `json:"title"`
		State   state      `json:"state"`
		Players []seatView `json:"players"` // the host first
		Board   [9]string  `json:"board"`
		Turn    string     `json:"turn"`   // a player's id; "": nobody's
		Winner  string     `json:"winner"` // a player's id; "": nobody
	}
	seatView struct {
		playerView
		Mark  string `json:"mark"`
		Ready bool   `json:"ready"`
	}
)

func (p *player) view() playerView { return playerView{p.id, p.name, p.connections > 0} }

func (g *game) view() gameView {
	v := gameView{ID: g.id, Title: g.title, State: g.state, Board: g.board}
	for i, p := range g.players {
		v.Players = append(v.Players, seatView{p.view(), mark(i), g.ready[p]})
	}
	if g.state == playing {
		v.Turn = g.players[g.turn].id
	}
	if g.winner != nil {
		v.Winner = g.winner.id
	}
	return v
}

// viewLocked shows the lobby, in the order in which players and games came.
func (l *lobby) viewLocked() lobbyView {
	v := lobbyView{Players: []playerView{}, Games: []entryView{}} // JSON's [], not null
	for _, p := range l.players {
		v.Players = append(v.Players, p.view())
	}
	for _, g := range l.games {
		entry := entryView{ID: g.id, Title: g.title, State: g.state}
		for _, p := range g.players {
			entry.Players = append(entry.Players, p.name)
		}
		v.Games = append(v.Games, entry)
	}
	slices.SortFunc(v.Players, func(a, b playerView) int { return byNumber(a.ID, b.ID) })
	slices.SortFunc(v.Games, func(a, b entryView) int { return byNumber(a.ID, b.ID) })
	return v
}

// byNumber compares ids, which are numbers.
func byNumber(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
