// Clients that talk all the time, wait for each acknowledgement and repeat themselves,
// while the servers behind one address are restarted. They come from different
// addresses, 127.0.0.10 and so on. SIGUSR2 ends them.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { main, open } from './common.mjs';

const MODES = ['websocket', 'polling', 'default'];
const PAUSE = 5; // milliseconds between two messages

export default async function rolling(config, report) {
  let stopping = false;
  process.on('SIGUSR2', () => { stopping = true; });
  await Promise.all(Array.from({ length: config.count }, (_, who) => talk(config, report, who, () => stopping)));
}

async function talk(config, report, who, stopping) {
  const mode = MODES[who % MODES.length];
  const ca = config.caFile && readFileSync(config.caFile);
  const { Agent } = ca ? https : http;
  const socket = open({ ...config, mode }, {
    agent: new Agent({ localAddress: `127.0.0.${10 + who}`, keepAlive: true, ca }),
    ca,
    reconnection: true,
    reconnectionDelay: 20,
    reconnectionDelayMax: 200,
    ackTimeout: 5000,
    retries: 100,
  });
  const reasons = [];
  const failures = [];
  let heard = false; // since the last connection
  socket.on('disconnect', (reason) => {
    reasons.push(reason);
    if (heard) {
      heard = false;
      report('lost', { who });
    }
  });
  socket.on('connect_error', (err) => failures.push(`${err.message}: ${err.context?.status ?? err.description?.message ?? err.description}`));
  let sent = 0;
  for (; !stopping(); sent++) {
    const err = await new Promise((resolve) => {
      socket.emit('message', `client ${who} message ${sent}`, resolve);
    });
    if (err) {
      throw err;
    }
    if (!heard) {
      heard = true;
      report('heard', { who });
    }
    await new Promise((resolve) => { setTimeout(resolve, PAUSE); });
  }
  report('done', { who, mode, count: sent, reasons, failures });
  socket.disconnect();
}

await main(import.meta, rolling);
