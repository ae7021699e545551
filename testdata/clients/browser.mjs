// A real browser: three pages talk to each other through the chat page that the
// server serves. One may do everything, one finds WebSocket blocked, one asks for
// polling in its address. config.chromium is the browser's executable.
import { chromium } from 'playwright-core';
import { CHROMIUM_FLAGS } from './browsers.mjs';
import { main } from './common.mjs';

const MARKUP = '<img src="x" onerror="document.title=\'owned\'"><b>bold</b> &amp; <script>alert(1)</script>';

/** Runs in the page, before its own scripts. */
function watchPolicy() {
  window.violations = [];
  document.addEventListener('securitypolicyviolation', (e) => {
    window.violations.push(`${e.violatedDirective}: ${e.blockedURI}`);
  });
}

/** Runs in the page, before its own scripts. */
function blockWebSocket() {
  window.WebSocket = function WebSocket() {
    throw new Error('WebSocket is blocked');
  };
}

/** One page in a context of its own, and what went wrong or out in it. */
class Visitor {
  static async arrive(browser, url, blocked = false) {
    const visitor = new Visitor();
    const context = await browser.newContext();
    visitor.page = await context.newPage();
    visitor.watch();
    await visitor.page.addInitScript(watchPolicy);
    if (blocked) {
      await visitor.page.addInitScript(blockWebSocket);
    }
    await visitor.page.goto(url);
    return visitor;
  }

  watch() {
    this.hosts = new Set();
    this.webSockets = 0;
    this.errors = [];
    this.page.on('request', (request) => this.hosts.add(new URL(request.url()).host));
    this.page.on('websocket', (socket) => {
      this.webSockets++;
      this.hosts.add(new URL(socket.url()).host);
    });
    this.page.on('pageerror', (error) => this.errors.push(`uncaught: ${error.message}`));
    this.page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') {
        this.errors.push(`${message.type()}: ${message.text()} (${message.location().url})`);
      }
    });
  }

  async showsState(state) {
    await this.page.getByRole('status').filter({ hasText: state }).waitFor();
  }

  async say(text) {
    await this.page.getByRole('textbox', { name: 'Message' }).fill(text);
    await this.page.getByRole('button', { name: 'Send' }).click();
  }

  async sees(text) {
    await this.page.getByRole('log').getByText(text, { exact: true }).waitFor();
  }

  async account() {
    return {
      state: await this.page.getByRole('status').innerText(),
      title: await this.page.title(),
      injected: await this.page.getByRole('log').locator('img, b, script').count(),
      violations: await this.page.evaluate(() => window.violations),
      errors: this.errors,
      hosts: [...this.hosts],
      webSockets: this.webSockets,
    };
  }
}

async function chat(browser, config, report) {
  const visitors = {
    free: await Visitor.arrive(browser, config.url),
    blocked: await Visitor.arrive(browser, config.url, true),
    asking: await Visitor.arrive(browser, `${config.url}/?transports=polling`),
  };
  await visitors.free.showsState(/websocket/i);
  await visitors.blocked.showsState(/polling/i);
  await visitors.asking.showsState(/polling/i);

  const said = { free: 'hello from the free page', blocked: 'hello from behind the wall', asking: MARKUP };
  for (const [who, text] of Object.entries(said)) {
    await visitors[who].say(text);
    for (const visitor of Object.values(visitors)) {
      await visitor.sees(text);
    }
    report('said', { who, text });
  }
  for (const [who, visitor] of Object.entries(visitors)) {
    report('account', { who, ...(await visitor.account()) });
  }
}

async function inBrowser(config, report) {
  const browser = await chromium.launch({ executablePath: config.chromium, args: CHROMIUM_FLAGS });
  try {
    await chat(browser, config, report);
  } finally {
    await browser.close();
  }
}

await main(import.meta, inBrowser);
