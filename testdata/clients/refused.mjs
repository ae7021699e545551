// The server has no room for the client, which comes again until it has.
import { main, open } from './common.mjs';

export default async function refused(config, report) {
  const socket = open(config, { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200 });
  let told = false;
  // 2.x tells of the failure of a reconnection in another event than 4.x.
  const failed = (err) => {
    if (!told) {
      told = true;
      report('error', { message: err.message });
    }
  };
  for (const event of ['connect_error', 'reconnect_error']) {
    socket.on(event, failed);
    socket.io.on(event, failed);
  }
  await new Promise((resolve) => {
    socket.on('connect', resolve);
  });
  report('connected');
  socket.disconnect();
}

await main(import.meta, refused);
