// The browser bundles of old clients, each in a page of a real browser: in Node these
// clients ask for base64 and show nothing of what they do in a page. config.clients are
// npm aliases, or paths of bundles that the server has; config.chromium is the browser's
// executable.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { chromium } from 'playwright-core';
import { CHROMIUM_FLAGS } from './browsers.mjs';
import { main } from './common.mjs';

const require = createRequire(import.meta.url);
const TEXTS = ['hello', 'Zoë 中文 \u{1F600} \u007f', '', 'x'.repeat(70_000)];

function bundle(client) {
  const folder = dirname(require.resolve(`${client}/package.json`));
  for (const file of ['dist/socket.io.js', 'socket.io.js']) {
    try {
      return readFileSync(join(folder, file), 'utf8');
    } catch {
      // where it lies depends on the version
    }
  }
  throw new Error(`${client} has no bundle`);
}

/** Runs in the page: says each text, and bytes, and waits for what comes back. */
async function talk({ texts, transports }) {
  const options = { forceNew: true, reconnection: false };
  const socket = window.io(location.origin, transports ? { ...options, transports } : options);
  const upgraded = new Promise((resolve) => { socket.io.engine.on('upgrade', resolve); });
  await new Promise((resolve, reject) => {
    socket.on('connect', resolve);
    for (const failure of ['connect_error', 'error']) {
      socket.on(failure, (err) => reject(new Error(`${failure}: ${err && err.message || err}`)));
    }
  });
  const echo = (value) => new Promise((resolve) => {
    socket.once('message', resolve);
    socket.emit('message', value);
  });
  const heard = [];
  for (const text of texts) {
    heard.push(await echo(text));
  }
  const bytes = await echo(new Uint8Array([0, 1, 2, 255, 128]).buffer);
  if (!transports) {
    await upgraded;
    heard.push(await echo('upgraded'));
  }
  const name = socket.io.engine.transport.name;
  socket.disconnect();
  return { heard, bytes: [...new Uint8Array(bytes)], transport: name };
}

async function inBrowser(config, report) {
  const browser = await chromium.launch({ executablePath: config.chromium, args: CHROMIUM_FLAGS });
  try {
    const context = await browser.newContext({ bypassCSP: true });
    for (const client of config.clients) {
      for (const transports of [['polling'], null]) {
        const page = await context.newPage();
        let sessions = 0;
        page.on('request', (request) => {
          const { searchParams } = new URL(request.url());
          sessions += searchParams.has('transport') && !searchParams.has('sid') ? 1 : 0;
        });
        await page.goto(`${config.url}/nothing`);
        await page.setContent('<!DOCTYPE html><title>old</title>');
        await page.addScriptTag(client.startsWith('/') ? { url: client } : { content: bundle(client) });
        const told = await page.evaluate(talk, { texts: TEXTS, transports });
        const whole = told.heard.every((text, i) => text === [...TEXTS, 'upgraded'][i]);
        report('talked', { client, asked: transports ? 'polling' : 'default', whole, bytes: told.bytes, transport: told.transport, sessions });
        await page.close();
      }
    }
  } finally {
    await browser.close();
  }
}

await main(import.meta, inBrowser);
