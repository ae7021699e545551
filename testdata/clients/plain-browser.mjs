// The document's client in a page of its own, whose only script it is. The page's
// origin is the address that the script knows; the browser is told where that is.
// config.chromium is the browser's executable.
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { CHROMIUM_FLAGS } from './browsers.mjs';
import { main } from './common.mjs';
import { beside, DOCUMENT_URL, Lines } from './plain.mjs';

const SCRIPT = fileURLToPath(new URL('../plain/client.js', import.meta.url));
const PAGE = '<!DOCTYPE html><title>4.2</title><link rel="icon" href="data:,"><script src="/client.js"></script>';
const FLAGS = [
  ...CHROMIUM_FLAGS,
  // The page comes from the driver, so Chromium takes it for one from outside.
  '--disable-features=LocalNetworkAccessChecks',
];

/** Answers everything that the page itself asks for; WebSockets go to the server. */
async function servePage(route) {
  const { pathname } = new URL(route.request().url());
  switch (pathname) {
    case '/':
      return route.fulfill({ contentType: 'text/html', body: PAGE });
    case '/client.js':
      return route.fulfill({ contentType: 'text/javascript', path: SCRIPT });
    default:
      return route.fulfill({ status: 404 });
  }
}

async function start(browser, report) {
  const page = await browser.newPage();
  const lines = new Lines();
  page.on('console', (message) => lines.push(message.text()));
  page.on('pageerror', (error) => lines.push(`uncaught: ${error.message}`));
  await page.route(`${DOCUMENT_URL}/**`, servePage);
  await page.goto(DOCUMENT_URL);
  report('page', await page.evaluate('({ origin: location.origin, scripts: document.scripts.length })'));
  await page.evaluate('void socket.addEventListener("close", (event) => { socket.lastCode = event.code; })');
  return {
    lines,
    end: () => page.evaluate('socket.lastCode'),
    leave: () => page.close(),
  };
}

async function inBrowser(config, report) {
  const redirect = `--host-resolver-rules=MAP localhost:5000 ${new URL(config.url).host}`;
  const browser = await chromium.launch({ executablePath: config.chromium, args: [...FLAGS, redirect] });
  try {
    await beside(config, report, () => start(browser, report));
  } finally {
    await browser.close();
  }
}

await main(import.meta, inBrowser);
