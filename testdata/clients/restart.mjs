// Clients whose server goes away and comes back at the same address: each has to return
// by itself, and to be heard then. config.clients are npm aliases.
import { createRequire } from 'node:module';
import { main } from './common.mjs';

const require = createRequire(import.meta.url);

const once = (emitter, event) => new Promise((resolve) => { emitter.once(event, resolve); });

async function stay(config, report, client, waiting) {
  const io = require(client);
  const socket = io(config.url, {
    forceNew: true, transports: [config.mode], reconnectionDelay: 50, reconnectionDelayMax: 200,
  });
  const gone = once(socket, 'disconnect');
  await once(socket, 'connect');
  const back = once(socket, 'connect');
  waiting();
  const reason = await gone;
  await back;
  const text = `${client} is back`;
  const heard = new Promise((resolve) => {
    socket.on('message', (said) => { if (said === text) { resolve(); } });
  });
  socket.emit('message', text);
  await heard;
  report('back', { client, reason });
  socket.disconnect();
}

async function restart(config, report) {
  let left = config.clients.length;
  const waiting = () => {
    left -= 1;
    if (left === 0) {
      report('waiting');
    }
  };
  await Promise.all(config.clients.map((client) => stay(config, report, client, waiting)));
}

await main(import.meta, restart);
