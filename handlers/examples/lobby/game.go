package main

import "slices"

// state is how far a game is.
type state string

const (
	waiting state = "waiting" // for players, and for them to be ready
	playing state = "playing"
	over    state = "over" // which is waiting, with the last board to look at
)

const seats = 2

// mark is what a player puts on the board: X is the host's, who begins.
func mark(seat int) string { return "XO"[seat : seat+1] }

// problem is why something cannot be, in words for the player.
type problem string

func (p problem) Error() string { return string(p) }

const (
	errFull     problem = "The game is full."
	errPlaying  problem = "The game has begun."
	errNotYet   problem = "The game has not begun."
	errNotHost  problem = "The host starts the game."
	errNotReady problem = "Not all players are ready."
	errNotTurn  problem = "It is not your turn."
	errTaken    problem = "That field is taken."
)

// game is tic-tac-toe, and who is at its table. It knows no sockets and has no lock.
type game struct {
	id, title string
	state     state
	players   []*player // the first is the host
	ready     map[*player]bool
	board     [9]string // marks, by rows
	turn      int       // an index of players
	winner    *player   // nil: nobody
}

func newGame(id, title string, host *player) *game {
	return &game{id: id, title: title, state: waiting, players: []*player{host}, ready: make(map[*player]bool)}
}

func (g *game) join(p *player) error {
	switch {
	case len(g.players) == seats:
		return errFull
	case g.state == playing:
		return errPlaying
	}
	g.players = append(g.players, p)
	g.clear()
	return nil
}

// leave takes a player out. A game that was under way has nobody to go on with.
func (g *game) leave(p *player) {
	g.players = slices.DeleteFunc(g.players, func(q *player) bool { return q == p })
	g.clear()
}

// clear makes the game one that waits for its players.
func (g *game) clear() {
	g.state, g.winner, g.board = waiting, nil, [9]string{}
	clear(g.ready)
}

func (g *game) setReady(p *player, is bool) error {
	if g.state == playing {
		return errPlaying
	}
	g.ready[p] = is
	return nil
}

func (g *game) start(p *player) error {
	switch {
	case g.state == playing:
		return errPlaying
	case g.players[0] != p:
		return errNotHost
	case len(g.players) < seats || slices.ContainsFunc(g.players, func(q *player) bool { return !g.ready[q] }):
		return errNotReady
	}
	g.clear()
	g.state, g.turn = playing, 0
	return nil
}

func (g *game) move(p *player, cell int) error {
	switch {
	case g.state != playing:
		return errNotYet
	case g.players[g.turn] != p:
		return errNotTurn
	case cell < 0 || cell >= len(g.board) || g.board[cell] != "":
		return errTaken
	}
	g.board[cell] = mark(g.turn)
	g.turn = 1 - g.turn
	switch {
	case g.hasLine(g.board[cell]):
		g.state, g.winner = over, p
	case !slices.Contains(g.board[:], ""):
		g.state = over
	}
	return nil
}

func (g *game) hasLine(mark string) bool {
	lines := [][3]int{{0, 1, 2}, {3, 4, 5}, {6, 7, 8}, {0, 3, 6}, {1, 4, 7}, {2, 5, 8}, {0, 4, 8}, {2, 4, 6}}
	return slices.ContainsFunc(lines, func(l [3]int) bool {
		return g.board[l[0]] == mark && g.board[l[1]] == mark && g.board[l[2]] == mark
	})
}
