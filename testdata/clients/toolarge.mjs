// A message larger than the server takes: the reason for which the connection ends.
import { connected, main, open } from './common.mjs';

async function toolarge(config, report) {
  const socket = open(config);
  await connected(socket);
  const gone = new Promise((resolve) => { socket.on('disconnect', resolve); });
  socket.emit('message', 'x'.repeat(5000));
  report('gone', { reason: await gone });
}

await main(import.meta, toolarge);
