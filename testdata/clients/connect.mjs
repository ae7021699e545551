// Connects: the session's id, and the transport at the start and in the end.
import { connected, inbox, main, open, upgraded } from './common.mjs';

export default async function connect(config, report) {
  const socket = open(config);
  const { engine } = socket.io;
  const next = inbox(socket);
  const ready = config.mode === 'default' ? upgraded(socket) : Promise.resolve();
  const first = new Promise((resolve) => {
    engine.on('open', () => resolve(engine.transport.name));
  });

  await connected(socket);
  report('connected', { id: socket.id, first: await first });
  await ready;

  const sent = 'over the final transport';
  socket.emit('message', sent);
  report('ready', { id: socket.id, transport: engine.transport.name, sent, args: await next() });
  socket.disconnect();
}

await main(import.meta, connect);
