// A Node server with an official Redis adapter and the server's side of npm's
// @socket.io/admin-ui.
//
//   node admin_server.mjs REDIS_URL ADAPTER PASSWORD_HASH
//
// It prints {"port": N} once it listens, and ends with its stdin.

import { createServer } from 'node:http';
import { createClient } from '@redis/client';
import { instrument } from '@socket.io/admin-ui';
import { createAdapter } from '@socket.io/redis-adapter';
import { createAdapter as createStreamsAdapter } from '@socket.io/redis-streams-adapter';
import { Server } from 'socket.io';

const [, , url, adapter, password] = process.argv;
const publisher = createClient({ url });
const subscriber = publisher.duplicate();
for (const client of [publisher, subscriber]) {
  client.on('error', (err) => console.error(String(err)));
}
await Promise.all([publisher.connect(), subscriber.connect()]);

const http = createServer();
const io = new Server(http, {
  adapter: adapter === 'redis-streams' ? createStreamsAdapter(publisher) : createAdapter(publisher, subscriber),
});
io.on('connection', (socket) => {
  socket.on('message', (message) => io.emit('message', message));
});
instrument(io, { auth: { type: 'basic', username: 'root', password }, mode: 'development', serverId: 'node' });

http.listen(0, '127.0.0.1', () => process.stdout.write(`${JSON.stringify({ port: http.address().port })}\n`));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
