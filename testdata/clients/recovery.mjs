// A client whose connection is cut again and again while another one talks: with
// connection state recovery it hears everything, once and in order.
import { connected, main, open } from './common.mjs';

const MESSAGES = 400;
const EVERY = 80; // messages between two cuts

export default async function recovery(config, report) {
  const talker = open(config);
  const listener = open(config, { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 50 });
  const heard = [];
  let recovered = 0;
  listener.on('connect', () => { recovered += listener.recovered ? 1 : 0; });
  const done = new Promise((resolve) => {
    listener.on('message', (text) => {
      heard.push(text);
      if (text === `m${MESSAGES - 1}`) {
        resolve();
      }
      if (heard.length % EVERY === 0) {
        // As a network does that goes away: without a word, and between two messages.
        setImmediate(() => listener.io.engine.transport.ws?.terminate());
      }
    });
  });
  await Promise.all([connected(talker), connected(listener)]);
  for (let i = 0; i < MESSAGES; i++) {
    // Each waits for its acknowledgement, so that the cuts come in between.
    await new Promise((resolve) => { talker.emit('message', `m${i}`, resolve); });
  }
  await done;
  report('heard', { heard, recovered });
  talker.disconnect();
  listener.disconnect();
}

await main(import.meta, recovery);
