// Subprotocols in a page of a real browser, which fails a WebSocket whose server takes none
// of those that it offered: of a bare WebSocket, and of socket.io-client's option.
// config.chromium is the browser's executable.
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { CHROMIUM_FLAGS } from './browsers.mjs';
import { main } from './common.mjs';

const WebSocket = createRequire(import.meta.url)('ws');

/** Says something over a bare WebSocket and resolves to its protocol and what came back. */
function bare({ url, Socket = window.WebSocket }) {
  return new Promise((resolve, reject) => {
    const socket = new Socket(url, 'chat');
    socket.onerror = (event) => reject(new Error(event.message ?? 'no WebSocket'));
    socket.onopen = () => socket.send('bare');
    socket.onmessage = ({ data }) => {
      resolve({ protocol: socket.protocol, heard: data });
      socket.close();
    };
  });
}

/** The same with socket.io-client, over WebSocket alone and by an upgrade. */
async function client(transports) {
  const socket = window.io({ forceNew: true, reconnection: false, protocols: ['chat', 'superchat'], ...transports });
  const { engine } = socket.io;
  const upgraded = transports ? Promise.resolve() : new Promise((resolve, reject) => {
    engine.on('upgrade', resolve);
    engine.on('upgradeError', reject);
  });
  await new Promise((resolve, reject) => {
    socket.on('connect', resolve);
    socket.on('connect_error', reject);
  });
  await upgraded;
  const { protocol } = engine.transport.ws;
  const heard = await new Promise((resolve) => {
    socket.on('message', resolve);
    socket.emit('message', 'client');
  });
  socket.disconnect();
  return { protocol, heard };
}

async function protocols(config, report) {
  const url = `${config.url.replace('http', 'ws')}/`;
  report('node', await bare({ url, Socket: WebSocket }).then(({ protocol, heard }) => ({ protocol, heard: String(heard) })));
  const browser = await chromium.launch({ executablePath: config.chromium, args: CHROMIUM_FLAGS });
  try {
    const page = await browser.newPage({ bypassCSP: true });
    await page.goto(`${config.url}/nothing`);
    await page.addScriptTag({ url: `${config.url}/socket.io/socket.io.min.js` });
    report('bare', await page.evaluate(bare, { url }));
    report('client', await page.evaluate(client, { transports: ['websocket'] }));
    report('upgraded', await page.evaluate(client, null));
  } finally {
    await browser.close();
  }
}

await main(import.meta, protocols);
