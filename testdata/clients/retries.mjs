// The client's option retries, without ackTimeout: an event is sent again until its
// acknowledgement says, by a null in the place of an error, that it was handled.
import { connected, main, open } from './common.mjs';

export default async function retries(config, report) {
  const socket = open(config, { retries: 2 });
  await connected(socket);
  for (const event of ['nothing', 'null', 'with a value']) {
    report(event, { args: await new Promise((resolve) => {
      socket.emit(event, (...args) => resolve(args));
    }) });
  }
  socket.disconnect();
}

await main(import.meta, retries);
