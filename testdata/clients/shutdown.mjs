// The server goes away: the reason that the client is given. Node ends by itself
// afterwards, which it does not while a request or a connection is left open.
import { connected, main, open } from './common.mjs';

export default async function shutdown(config, report) {
  const socket = open(config);
  const gone = new Promise((resolve) => {
    socket.on('disconnect', resolve);
  });
  await connected(socket);
  report('waiting');
  report('gone', { reason: await gone });
}

await main(import.meta, shutdown);
