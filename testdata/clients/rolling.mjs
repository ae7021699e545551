// Clients that talk all the time, wait for each acknowledgement and repeat themselves,
// while the servers behind one address are restarted. They come from different
// addresses, 127.0.0.10 and so on. SIGHUP has each of them report the acknowledgement of
// a message that it sends from then on. SIGUSR2 ends them.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { main, open } from './common.mjs';

const MODES = ['websocket', 'polling', 'default'];
const PAUSE = 5; // milliseconds between two messages

export default async function rolling(config, report) {
  const told = { rounds: 1, stop: false };
  process.on('SIGHUP', () => { told.rounds += 1; });
  process.on('SIGUSR2', () => { told.stop = true; });
  await Promise.all(Array.from({ length: config.count }, (_, who) => talk(config, report, who, told)));
}

async function talk(config, report, who, told) {
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
  socket.on('disconnect', (reason) => reasons.push(reason));
  socket.on('connect_error', (err) => failures.push(`${err.message}: ${err.context?.status ?? err.description?.message ?? err.description}`));
  let sent = 0;
  let reported = 0; // rounds
  for (; !told.stop; sent++) {
    const { rounds } = told;
    const err = await new Promise((resolve) => {
      socket.emit('message', `client ${who} message ${sent}`, resolve);
    });
    if (err) {
      throw err;
    }
    if (reported < rounds) {
      reported = rounds;
      report('heard', { who });
    }
    await new Promise((resolve) => { setTimeout(resolve, PAUSE); });
  }
  report('done', { who, mode, count: sent, reasons, failures });
  socket.disconnect();
}

await main(import.meta, rolling);
