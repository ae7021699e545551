// A Node process with the official Redis emitter and no clients of its own.
//
//   node emitter.mjs REDIS_URL
//
// Each line of stdin is a JSON object that says what to do; each is answered with {}.
// It ends with its stdin.

import { createInterface } from 'node:readline';
import { createClient } from '@redis/client';
import { Emitter } from '@socket.io/redis-emitter';

const redis = createClient({ url: process.argv[2] });
redis.on('error', (err) => console.error(String(err)));
await redis.connect();
const emitter = new Emitter(redis);

const commands = {
  emit: (to, { event, args = [] }) => to.emit(event, ...args.map(revive)),
  volatile: (to, { event, args = [] }) => to.volatile.emit(event, ...args),
  join: (to, { room }) => to.socketsJoin(room),
  leave: (to, { room }) => to.socketsLeave(room),
  disconnect: (to) => to.disconnectSockets(),
  tellAll: (to, { namespace, event, args = [] }) => emitter.of(namespace ?? '/').serverSideEmit(event, ...args),
};

/** JSON has no bytes: {"$bytes": "00ff"} stands for them. */
function revive(value) {
  return value?.$bytes === undefined ? value : Buffer.from(value.$bytes, 'hex');
}

process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  const { namespace = '/', rooms = [], except = [] } = command;
  commands[command.do](emitter.of(namespace).to(rooms).except(except), command);
  await redis.ping(); // what was published has arrived
  process.stdout.write('{}\n');
}
process.exit(0);
