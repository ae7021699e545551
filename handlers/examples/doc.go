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
package examples
