// Package websocket owns the server side of the WebSocket protocol, RFC 6455 version 13: the
// opening handshake, the strict reading of client frames, the encoding of server frames, and reads
// and writes that suit very many connections of which few are active at a time.
//
// It keeps no read buffer for a waiting TCP connection, and it can write without blocking, so that
// a broadcast needs no goroutine for each connection. Compression is package deflate's, and off by
// default. It negotiates no subprotocol, checks no Origin, and sends nothing by itself after the
// handshake: pongs, the closing handshake and the time limits belong to the caller.
package websocket
