// Three browser engines behind one face: open(url), run(source), close(). run() runs the
// body of an async function in the page and resolves to what it returns.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

/** What Chromium needs to run without a screen, as root, and without asking anybody. */
export const CHROMIUM_FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

/** Starts the engine of that name; path is its executable, driver WebKit's driver. */
export function startBrowser(engine, { path, driver }) {
  return { chromium: startChromium, firefox: startFirefox, webkit: startWebKit }[engine](path, driver);
}

const asyncBody = (source) => `(async () => { ${source} })()`;

async function startChromium(path) {
  const browser = await chromium.launch({ executablePath: path, args: CHROMIUM_FLAGS });
  const page = await browser.newPage();
  return {
    open: (url) => page.goto(url),
    run: (source) => page.evaluate(asyncBody(source)),
    close: () => browser.close(),
  };
}

async function startFirefox(path) {
  const { default: puppeteer } = await import('puppeteer-core');
  const browser = await puppeteer.launch({ browser: 'firefox', executablePath: path, headless: true, args: ['--no-sandbox'] });
  const page = await browser.newPage();
  return {
    open: (url) => page.goto(url),
    run: (source) => page.evaluate(asyncBody(source)),
    close: () => browser.close(),
  };
}

/** WebKitGTK has no driver on npm; what is needed of WebDriver is a few requests. */
async function startWebKit(path, driver) {
  const port = await freePort();
  const home = mkdtempSync(join(tmpdir(), 'webkit-'));
  const child = spawn('xvfb-run', ['-a', 'dbus-run-session', '--', driver, `--port=${port}`], {
    detached: true, // a group of its own, which ends as one
    stdio: 'ignore',
    env: {
      ...process.env,
      HOME: home,
      XDG_RUNTIME_DIR: home,
      WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1',
      WEBKIT_DISABLE_COMPOSITING_MODE: '1',
    },
  });
  const ended = new Promise((resolve) => { child.on('exit', resolve); });
  const end = () => {
    try {
      process.kill(-child.pid);
    } catch {
      // it has ended
    }
  };
  process.on('exit', end);
  const driving = new WebDriver(`http://127.0.0.1:${port}`);
  await driving.start(path);
  return {
    open: (url) => driving.session('url', { url }),
    run: (source) => driving.run(source),
    close: async () => {
      await driving.stop().catch(() => {}); // its window may be gone by itself
      end();
      await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

class WebDriver {
  constructor(base) {
    this.base = base;
  }

  async ask(method, path, body) {
    const response = await fetch(`${this.base}${path}`, { method, body: body && JSON.stringify(body) });
    const { value } = await response.json();
    if (!response.ok) {
      throw new Error(`${path}: ${value.error}: ${value.message}`);
    }
    return value;
  }

  /** Opens a session, as soon as the driver listens. */
  async start(binary) {
    const options = { binary, args: ['--automation-mode'] };
    const capabilities = { capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': options } } };
    while (!(await this.ask('GET', '/status').catch(() => null))) {
      await new Promise((resolve) => { setTimeout(resolve, 50); }); // nothing tells when it listens
    }
    for (let left = 20; !this.id; left--) { // on a busy machine the browser's first window may come too late
      const opened = await this.ask('POST', '/session', capabilities).catch((error) => ({ error }));
      if (opened.error && left === 0) {
        throw opened.error;
      }
      if (opened.error) {
        await new Promise((resolve) => { setTimeout(resolve, 500); }); // nothing tells when the machine is less busy
      }
      this.id = opened.sessionId;
    }
    await this.session('timeouts', { script: 30_000, pageLoad: 30_000 });
  }

  session(command, body) {
    return this.ask('POST', `/session/${this.id}/${command}`, body);
  }

  async run(source) {
    const script = `const done = arguments[arguments.length - 1];
      ${asyncBody(source)}.then((value) => done({ value }), (error) => done({ error: String(error) }));`;
    const { value, error } = await this.session('execute/async', { script, args: [] });
    if (error) {
      throw new Error(error);
    }
    return value;
  }

  stop() {
    return this.ask('DELETE', `/session/${this.id}`);
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
