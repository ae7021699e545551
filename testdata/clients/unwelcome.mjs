// The connect handler sends the client a message and disconnects it.
import { main, open } from './common.mjs';

export default async function unwelcome(config, report) {
  const socket = open(config);
  const seen = [];
  const over = new Promise((resolve) => {
    socket.on('connect', () => seen.push('connect'));
    socket.on('message', (text) => seen.push(`message ${text}`));
    socket.on('disconnect', (reason) => { seen.push(`disconnect ${reason}`); resolve(); });
    for (const failure of ['connect_error', 'error']) {
      socket.on(failure, (err) => { seen.push(`${failure} ${err?.message ?? err}`); resolve(); });
    }
  });
  await over;
  report('over', { seen });
  socket.close();
}

await main(import.meta, unwelcome);
