// Package examples has handlers to read and to copy from, each in a folder with
// its unit tests:
//
//   - tour has one handler for each thing that handlers do: emits, rooms,
//     acknowledgements, a background task.
//   - privatechat is an application: people with nicknames who write to each
//     other, and see who is there and who is typing.
//   - porting has the code of handlers/PORTING.md.
//
// To try one, call its Register beside the chat's in handlers/chat.go. The test
// in this folder drives them with the official socket.io client.
//
// Others are whole applications, programs with a page, each started by one command
// such as go run ./handlers/examples/rooms, from the repository's root:
//
//   - rooms is a chat with rooms, a login page and Flask's session.
//   - lobby is a game lobby with tic-tac-toe; who reloads the page is back in the game.
//   - behind has its pages, forms and files in a Flask process behind it.
//   - dashboard is fed by a background task, and by who announces something with curl.
//   - whiteboard is a board on which everybody draws; who comes later gets the picture.
//   - askflask has the people log in at a Flask process, whose sessions (Flask-Session)
//     and tokens (JWT) only that can read: its connect handler asks there.
//   - flaskemits shows orders that a Flask process changes, and emits through Redis.
//   - presence shows who is there on all servers of a cluster.
//
// Each takes the flags and variables of go run ./server. Its main.go has Register,
// which is all that a program needs of it, its folder page the page. A test in this
// folder builds them and drives them in a browser.
package examples
