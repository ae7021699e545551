// A Node server with an official Redis adapter, which takes part in a cluster: the
// chat of the Python example, and whatever its stdin asks for.
//
//   node server.mjs REDIS_URL [KEY [streams [recovery]]]
//
// It prints one JSON object a line: {"port": N} once it listens, then the answer to
// each line of stdin, in order. It ends with its stdin.

import { createInterface } from 'node:readline';
import { createServer } from 'node:http';
import { createClient } from '@redis/client';
import { createAdapter } from '@socket.io/redis-adapter';
import { createAdapter as createStreamsAdapter } from '@socket.io/redis-streams-adapter';
import { Server } from 'socket.io';

const [, , url, key = 'socket.io', streams, recovery] = process.argv;
const publisher = createClient({ url });
const subscriber = publisher.duplicate();
for (const client of [publisher, subscriber]) {
  client.on('error', (err) => console.error(String(err)));
}
await Promise.all([publisher.connect(), subscriber.connect()]);

const http = createServer();
const io = new Server(http, {
  adapter: streams
    ? createStreamsAdapter(publisher, { streamName: key, channelPrefix: key })
    : createAdapter(publisher, subscriber, { key }),
  ...(recovery ? { connectionStateRecovery: { maxDisconnectionDuration: 60_000, skipMiddlewares: true } } : {}),
});
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

io.on('connection', (socket) => {
  socket.on('message', (message) => io.emit('message', message));
});
io.on('told', (...args) => {
  const reply = typeof args.at(-1) === 'function' ? args.pop() : undefined;
  say({ told: args });
  reply?.('node');
});

const commands = {
  emit: ({ rooms = [], except = [], volatile, compress = true, event, args = [] }) => {
    (volatile ? io.volatile : io).to(rooms).except(except).compress(compress).emit(event, ...args.map(revive));
    return {};
  },
  join: ({ who, room }) => (io.in(who).socketsJoin(room), {}),
  leave: ({ who, room }) => (io.in(who).socketsLeave(room), {}),
  disconnect: ({ who }) => (io.in(who).disconnectSockets(), {}),
  fetch: async ({ who }) => {
    const sockets = await (who ? io.in(who) : io).fetchSockets();
    return { ids: sockets.map((s) => s.id), queries: sockets.map((s) => s.handshake.query.EIO), rooms: sockets.map((s) => [...s.rooms]) };
  },
  details: async ({ who }) => {
    const sockets = await io.in(who).fetchSockets();
    return { sockets: sockets.map(({ id, handshake, rooms, data }) => ({ id, handshake, rooms: [...rooms], data })) };
  },
  data: async ({ who, data }) => {
    for (const socket of await io.local.in(who).fetchSockets()) Object.assign(socket.data, data);
    return {};
  },
  ask: async ({ event, args = [] }) => ({ answers: await io.timeout(10_000).emitWithAck(event, ...args) }),
  tell: async ({ event, args = [] }) => ({ answers: await io.serverSideEmitWithAck(event, ...args) }),
  tellAll: ({ event, args = [] }) => (io.serverSideEmit(event, ...args), {}),
  servers: async () => ({ servers: await io.of('/').adapter.serverCount() }),
};

/** JSON has no bytes: {"$bytes": "00ff"} stands for them. */
function revive(value) {
  return value?.$bytes === undefined ? value : Buffer.from(value.$bytes, 'hex');
}

http.listen(0, '127.0.0.1', () => say({ port: http.address().port }));
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    say(await commands[command.do](command));
  } catch (err) {
    say({ error: String(err) });
  }
}
process.exit(0);
