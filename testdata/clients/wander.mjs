// A client that goes from one server to another, when it hears "go": its connection is cut,
// and it comes back elsewhere, a moment later. It reports each connect and all that it hears.
import { main, open } from './common.mjs';

export default async function wander(config, report) {
  const socket = open(config, { reconnection: true, reconnectionDelay: 500, reconnectionDelayMax: 500, randomizationFactor: 0 });
  socket.on('connect', () => report('connected', { id: socket.id, recovered: socket.recovered === true }));
  socket.on('disconnect', () => report('cut'));
  socket.onAny((event, ...args) => {
    report('heard', { sent: [event, args[0]] });
    if (event === 'go') {
      socket.io.uri = config.nextURL;
      socket.io.engine.close();
    }
    if (event === 'end') socket.disconnect();
  });
}

await main(import.meta, wander);
