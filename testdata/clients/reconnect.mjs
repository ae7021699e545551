// The server goes away and, after a while, another is there at the same address:
// the client finds it by itself, gets a new session, and talks on. The address is
// a relay to config.url at first, and to config.nextURL afterwards.
import net from 'node:net';
import { connected, inbox, main, open } from './common.mjs';

const REFUSALS = 2;

/** Listens on a port of its own and passes connections on to where target() says, if anywhere. */
async function startRelay(target) {
  const relay = net.createServer((near) => {
    const url = target();
    if (url === null) {
      near.destroy();
      return;
    }
    const far = net.connect(Number(url.port), url.hostname);
    near.pipe(far).pipe(near);
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  await new Promise((resolve) => {
    relay.listen(0, '127.0.0.1', resolve);
  });
  relay.unref(); // there as long as the client does anything, its goodbye included
  return relay;
}

export default async function reconnect(config, report) {
  let target = () => new URL(config.url);
  const relay = await startRelay(() => target());
  const url = `http://127.0.0.1:${relay.address().port}`;
  const socket = open({ ...config, url }, { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200 });
  const before = inbox(socket);
  const gone = new Promise((resolve) => {
    socket.on('disconnect', resolve);
  });
  await connected(socket);
  const { id } = socket;
  socket.emit('message', 'before');
  report('before', { sent: 'before', args: await before() });

  await gone;
  let refused = 0;
  target = () => (++refused > REFUSALS ? new URL(config.nextURL) : null);
  await new Promise((resolve) => {
    socket.on('connect', resolve);
  });
  const after = inbox(socket);
  socket.emit('message', 'after');
  report('after', { sent: 'after', args: await after(), newSession: socket.id !== id });
  socket.disconnect();
}

await main(import.meta, reconnect);
