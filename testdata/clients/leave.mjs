// The client says goodbye: what it sees itself, and that the others go on without it.
import { connected, inbox, main, open } from './common.mjs';

export default async function leave(config, report) {
  const leaver = open(config);
  const stayer = open(config);
  const next = inbox(stayer);
  await Promise.all([connected(leaver), connected(stayer)]);

  const left = new Promise((resolve) => {
    leaver.on('disconnect', resolve);
  });
  leaver.disconnect();
  report('left', { reason: await left, connected: leaver.connected });
  const sent = 'still here';
  stayer.emit('message', sent);
  report('stayed', { sent, args: await next() });
  stayer.disconnect();
}

await main(import.meta, leave);
