// Two clients, the second of version config.peer, talk at the same time: each
// hears both, and what one of them said in the order it was said.
import { connected, inbox, main, open } from './common.mjs';

const EACH = 30;

export default async function pair(config, report) {
  const sockets = [open(config), open({ ...config, client: config.peer, parser: '' })];
  const nexts = sockets.map(inbox);
  await Promise.all(sockets.map(connected));

  for (let i = 0; i < EACH; i++) {
    sockets[0].emit('message', `a-${i}`);
    sockets[1].emit('message', `b-${i}`);
  }
  for (const [i, next] of nexts.entries()) {
    const heard = [];
    while (heard.length < 2 * EACH) {
      heard.push((await next())[0]);
    }
    report('heard', { who: 'ab'[i], heard });
  }
  report('ids', { differ: sockets[0].id !== sockets[1].id });
  for (const socket of sockets) {
    socket.disconnect();
  }
}

await main(import.meta, pair);
