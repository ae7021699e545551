// Pages of several browser engines in one chat: through the page that the server serves,
// and by the client of the document's section 4.2. config.engines names each one's
// executable, {"firefox": {"path": "/usr/bin/firefox"}}.
import { readFileSync } from 'node:fs';
import { main } from './common.mjs';
import { startBrowser } from './browsers.mjs';

const SCRIPT = readFileSync(new URL('../plain/client.js', import.meta.url), 'utf8');

/** Resolves in the page once find() finds something. */
const until = (find) => `await new Promise((resolve) => {
  const look = () => { if (${find}) { resolve(); watch.disconnect(); } };
  const watch = new MutationObserver(look);
  watch.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
  look();
});`;

const state = (word) => until(`${word}.test(document.querySelector('[role=status]').textContent)`);
const sees = (text) => until(`[...document.querySelectorAll('[role=log] *')].some((e) => e.textContent === ${JSON.stringify(text)})`);
const say = (text) => `
  const field = document.querySelector('form textarea, form input');
  field.value = ${JSON.stringify(text)};
  field.dispatchEvent(new Event('input', { bubbles: true }));
  field.form.requestSubmit();`;

/** Runs the document's script in the page, its address turned to this server and its console kept. */
const section42 = `
  window.lines = [];
  window.console.log = (...words) => { window.lines.push(words.join(' ')); document.body.dataset.lines = window.lines.length; };
  const Real = window.WebSocket;
  window.WebSocket = function () { return new Real('ws://' + location.host); };
  ${SCRIPT.replace('const socket', 'window.socket')}`;
const printed = (line) => until(`window.lines.includes(${JSON.stringify(line)})`);

async function chat(pages, config, report) {
  for (const [engine, page] of Object.entries(pages)) {
    await page.open(config.url);
    await page.run(state('/websocket/i'));
    report('state', { who: engine });
  }
  for (const [engine, page] of Object.entries(pages)) {
    const text = `hello from ${engine}`;
    await page.run(say(text));
    for (const [who, other] of Object.entries(pages)) {
      await other.run(sees(text));
      report('saw', { who, text });
    }
  }
}

async function plain(pages, config, report) {
  for (const [engine, page] of Object.entries(pages)) {
    await page.run(section42);
    await page.run(printed('Connected to server'));
    await page.run(printed('Received message: Hello, server!'));
    await page.run(`socket.send('plain from ${engine}');`);
    for (const other of Object.values(pages)) {
      await other.run(sees(`plain from ${engine}`));
    }
    await page.run(`socket.close(); ${printed('Disconnected from server')}`);
    report('plain', { who: engine, lines: await page.run('return window.lines;') });
  }
}

async function inEngines(config, report) {
  const pages = {};
  try {
    for (const [engine, how] of Object.entries(config.engines)) {
      pages[engine] = await startBrowser(engine, how);
      report('version', { who: engine, agent: await pages[engine].run('return navigator.userAgent;') });
    }
    await chat(pages, config, report);
    await plain(pages, config, report);
  } finally {
    await Promise.all(Object.values(pages).map((page) => page.close()));
  }
}

await main(import.meta, inEngines);
