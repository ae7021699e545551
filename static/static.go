// Package static embeds what the server shows a browser: the chat page with its scripts,
// style and icon, and the official socket.io client bundles. So the binary needs no file
// beside it.
package static

import (
	"embed"
	"io/fs"
)

// files is a variable only because go:embed asks for one; it is never written.
//
//go:embed index.html app.js messages.js style.css favicon.svg
//go:embed client/*.js client/*.map
var files embed.FS

// Files are the page's files, and the bundles in the folder client.
func Files() fs.FS { return files }

// ClientVersion is the version of the bundles: the one that client/VERSION names and
// their own first lines give, as the tests check.
const ClientVersion = "4.8.4"
