// Who visits an application: pages, each in a browser context of its own, and what went
// wrong in them.

/** Runs in the page, before its own scripts. */
function watchPolicy() {
  window.violations = [];
  document.addEventListener('securitypolicyviolation', (e) => {
    window.violations.push(`${e.violatedDirective}: ${e.blockedURI}`);
  });
}

export class Visitors {
  #contexts = [];
  #faults = [];

  constructor(browser, url) {
    this.browser = browser;
    this.url = url;
  }

  /** Opens a path of the application in a page that has no cookies yet. */
  async arrive(path = '/') {
    const context = await this.browser.newContext();
    this.#contexts.push(context);
    await context.addInitScript(watchPolicy);
    const page = await context.newPage();
    this.#watch(page);
    await page.goto(this.url + path);
    return page;
  }

  #watch(page) {
    const { host } = new URL(this.url);
    const asked = (url) => {
      if (new URL(url).host !== host) {
        this.#faults.push(`asked for ${url}`);
      }
    };
    page.on('request', (request) => asked(request.url()));
    page.on('websocket', (socket) => asked(socket.url()));
    page.on('pageerror', (error) => this.#faults.push(`uncaught: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') {
        this.#faults.push(`${message.type()}: ${message.text()} (${message.location().url})`);
      }
    });
  }

  /** What went wrong so far: exceptions, warnings, requests to others, what the policy forbade. */
  async faults() {
    for (const page of this.#contexts.flatMap((context) => context.pages())) {
      this.#faults.push(...(await page.evaluate(() => window.violations)));
    }
    return this.#faults;
  }

  async leave() {
    await Promise.all(this.#contexts.map((context) => context.close()));
  }
}
