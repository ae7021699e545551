// A client whose connections are cut by the proxy that it comes through, while another
// one, which comes straight, talks in bursts and waits after each until it was heard:
// with connection state recovery that is everything, once and in order.
import { connected, main, open } from './common.mjs';

const BURST = 50;

export default async function recovery(config, report) {
  const talker = open({ ...config, url: config.nextURL, mode: 'websocket', parser: '' });
  const listener = open(config, { reconnection: true, reconnectionDelay: 5, reconnectionDelayMax: 20, timeout: 500 });
  const heard = [];
  let connects = 0;
  let recovered = 0;
  listener.on('connect', () => {
    connects += 1;
    recovered += listener.recovered ? 1 : 0;
  });
  let awaited;
  let found;
  listener.on('message', (text) => {
    heard.push(text);
    if (text === awaited) {
      found();
    }
  });
  await Promise.all([connected(talker), new Promise((resolve) => { listener.once('connect', resolve); })]);
  for (let i = 0; i < config.count; i += BURST) {
    awaited = `m${i + BURST - 1}`;
    const all = new Promise((resolve) => { found = resolve; });
    for (let j = i; j < i + BURST; j++) {
      talker.emit('message', `m${j}`);
    }
    await all;
  }
  report('heard', { heard, connects, recovered });
  talker.disconnect();
  listener.disconnect();
}

await main(import.meta, recovery);
