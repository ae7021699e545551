// The page of npm's @socket.io/admin-ui in a real browser, which does what its stdin asks
// for, as a person would.
//
//   node admin_page.mjs CHROMIUM
//
// It prints one JSON object a line: the answer to each line of stdin, in order. It ends
// with its stdin. Pages are named by the command's "page".

import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
import { CHROMIUM_FLAGS } from '../clients/browsers.mjs';

const browser = await chromium.launch({ executablePath: process.argv[2], args: CHROMIUM_FLAGS });
const pages = new Map();
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

/** Opens a page in a context of its own, with what a former visit has left in storage. */
async function open(name, url, storage = {}) {
  const context = await browser.newContext({ viewport: { width: 1600, height: 1000 } });
  // Its fonts are on other servers.
  await context.route((address) => address.hostname !== '127.0.0.1', (route) => route.abort());
  await context.addInitScript((items) => {
    Object.entries(items).forEach(([key, value]) => localStorage.setItem(key, value));
  }, storage);
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  pages.set(name, { page, errors });
  await page.goto(url);
  return page;
}

/** Shows one of the page's views, and its rows: more than ten at a time. */
async function view(name, hash) {
  const { page } = pages.get(name);
  await page.evaluate((to) => { window.location.hash = to; }, hash);
  return page;
}

/** The row of a table that has all these texts. */
function row(page, texts) {
  return texts.reduce((rows, text) => rows.filter({ hasText: text }), page.locator('tbody tr')).first();
}

const commands = {
  login: async ({ page: name, url, user, password }) => {
    const page = await open(name, url);
    await page.getByLabel('Server URL').fill(url);
    await page.getByLabel('Username').fill(user);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    const refused = page.locator('.red--text');
    const dialog = page.locator('.v-dialog--active');
    await Promise.race([refused.first().waitFor(), dialog.waitFor({ state: 'hidden' })]);
    return { refused: await refused.count() ? await refused.first().innerText() : '' };
  },
  session: async ({ page: name }) => ({ session: await pages.get(name).page.evaluate(() => localStorage.getItem('session_id')) }),
  resume: async ({ page: name, url, session }) => {
    const page = await open(name, url, { server_url: url, session_id: session });
    await page.waitForFunction(() => document.querySelector('#app').__vue__.$store.state.connection.connected);
    return {};
  },
  sees: async ({ page: name, at, row: texts }) => {
    const page = await view(name, at);
    await row(page, texts).waitFor({ timeout: 10_000 }).catch(async (err) => { throw new Error(`${err.message}\nshown: ${(await page.locator("tbody tr").allInnerTexts()).join(" / ")}`); });
    return {};
  },
  misses: async ({ page: name, at, row: texts }) => {
    await row(await view(name, at), texts).waitFor({ state: 'detached' });
    return {};
  },
  cells: async ({ page: name, at, row: texts }) => {
    const found = row(await view(name, at), texts);
    await found.waitFor();
    return { cells: await found.locator('td').allInnerTexts() };
  },
  buttons: async ({ page: name, at, row: texts }) => {
    const found = row(await view(name, at), texts);
    await found.waitFor();
    return { count: await found.locator('button').count() };
  },
  disconnect: async ({ page: name, id }) => {
    await row(await view(name, '#/sockets/'), [id]).locator('button').click();
    return {};
  },
  join: async ({ page: name, id, room }) => {
    const page = await view(name, `#/n/%2F/sockets/${id}`);
    await page.locator('.select-room input').first().fill(room);
    await page.locator('form:has(.select-room) button[type=submit]').click();
    return {};
  },
  errors: async ({ page: name }) => ({ errors: pages.get(name).errors }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    say(await commands[command.do](command));
  } catch (err) {
    say({ error: String(err) });
  }
}
await browser.close();
process.exit(0);
