// What pages of other sites can do in a real browser, and what they must not. The
// browser is told where the names of the pages are.
//   attacks   page, the foreign page; server, what it attacks; ops, the operators' address;
//             secure, whether browsers say there which site asks
//   links     page, server: the page follows a link to the server's own page
//   visits    url: what the address bar asks for
//   jsonp     page, server: a client 2.x, of the page, that was told to use JSONP
import { chromium } from 'playwright-core';
import { main } from './common.mjs';

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--disable-features=LocalNetworkAccessChecks', // another defence, which not every browser has
];

/** Runs in the page: loads an element, and resolves with what became of it. */
function loadElement([tag, attributes]) {
  return new Promise((resolve) => {
    const element = document.createElement(tag);
    element.onload = () => resolve('load');
    element.onerror = () => resolve('error');
    Object.assign(element, attributes);
    document.body.append(element);
  });
}

/** Runs in the page: what came of a fetch. */
function fetched([url, mode]) {
  return fetch(url, { mode }).then((response) => response.type, () => 'error');
}

/** Runs in the page: what came of a WebSocket. */
function webSocket(url) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onopen = () => resolve('open');
    socket.onclose = () => resolve('close');
  });
}

/** Runs in the page: reads what a script of JSONP is called with. */
function listen() {
  window.heard = [];
  window.___eio = { 0: (payload) => window.heard.push(payload) };
}

async function attack(browser, { page: from, server, ops, secure }, report) {
  const page = await browser.newPage();
  await page.goto(from);
  await page.evaluate(listen);
  const element = (tag, attributes) => page.evaluate(loadElement, [tag, attributes]);
  const polling = (version) => `${server}/socket.io/?EIO=${version}&transport=polling`;
  for (const version of [3, 4]) {
    await element('script', { src: `${polling(version)}&j=0` });
    await element('script', { src: `${polling(version)}&j=0`, referrerPolicy: 'no-referrer' });
  }
  if (secure) {
    await element('script', { src: polling(3) });
    await element('img', { src: polling(3) });
    await element('iframe', { src: polling(3) });
    await element('iframe', { src: polling(3), referrerPolicy: 'no-referrer' });
    await element('link', { rel: 'stylesheet', href: polling(3) });
    await page.evaluate(fetched, [polling(3), 'no-cors']);
    await element('img', { src: `${ops}/metrics` });
    await page.evaluate(fetched, [`${ops}/debug/pprof/profile?seconds=1`, 'no-cors']);
  }
  const cors = await page.evaluate(fetched, [polling(3), 'cors']);
  const opened = [];
  for (const path of ['/socket.io/?EIO=3&transport=websocket', '/']) {
    opened.push(await page.evaluate(webSocket, server.replace('http', 'ws') + path));
  }
  const bundle = await element('script', { src: `${server}/socket.io/socket.io.js` });
  const io = await page.evaluate('typeof io');
  report('attacked', { from, heard: await page.evaluate('heard'), cors, opened, bundle, io });
  await page.close();
}

async function follow(browser, { page: from, server }, report) {
  const page = await browser.newPage();
  await page.goto(from);
  await page.evaluate((href) => {
    document.body.append(Object.assign(document.createElement('a'), { href, textContent: 'there' }));
  }, `${server}/`);
  await page.getByText('there').click();
  await page.getByRole('status').filter({ hasText: /websocket/i }).waitFor();
  report('followed', { from, title: await page.title() });
  await page.close();
}

async function visit(browser, { url }, report) {
  const page = await browser.newPage();
  const response = await page.goto(url);
  report('visited', { url, status: response.status(), body: (await response.text()).slice(0, 100) });
  await page.close();
}

/** Runs in the page: a client that says something and hears it. */
function chat([server, text]) {
  return new Promise((resolve) => {
    const socket = window.io(server, { forceJSONP: true, transports: ['polling'], reconnection: false });
    const scripts = () => performance.getEntriesByType('resource').filter((r) => r.initiatorType === 'script' && /[?&]j=/.test(r.name)).length;
    socket.on('connect', () => socket.emit('message', text));
    socket.on('connect_error', (error) => resolve({ error: String(error) }));
    socket.on('message', (said) => {
      resolve({ said, scripts: scripts() });
      socket.disconnect();
    });
  });
}

async function jsonp(browser, { page: from, server, script }, report) {
  const page = await browser.newPage();
  // Of the page's own origin, whatever is served there.
  await page.route(`${from}/jsonp.html`, (route) => route.fulfill({ contentType: 'text/html', body: '<!DOCTYPE html><title>JSONP</title><body>' }));
  await page.goto(`${from}/jsonp.html`);
  await page.addScriptTag({ path: script });
  report('jsonp', { from, ...(await page.evaluate(chat, [server, `from ${from}`])) });
  await page.close();
}

async function inBrowser(config, report) {
  const names = `--host-resolver-rules=${config.names}`;
  const browser = await chromium.launch({ executablePath: config.chromium, args: [...FLAGS, names] });
  try {
    for (const [act, scenes] of [[attack, config.attacks], [follow, config.links], [visit, config.visits], [jsonp, config.jsonp]]) {
      for (const scene of scenes ?? []) {
        await act(browser, scene, report);
      }
    }
  } finally {
    await browser.close();
  }
}

await main(import.meta, inBrowser);
