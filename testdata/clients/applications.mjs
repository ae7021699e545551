// Drives the applications of handlers/examples in one browser: config.urls has the
// address of each by its name, config.more what else its script is told, if anything,
// config.chromium is the browser's executable. It reports
// what each one's script saw, and what went wrong in its pages.
import { chromium } from 'playwright-core';
import { askflask } from './apps/askflask.mjs';
import { behind } from './apps/behind.mjs';
import { dashboard } from './apps/dashboard.mjs';
import { flaskemits } from './apps/flaskemits.mjs';
import { lobby } from './apps/lobby.mjs';
import { presence } from './apps/presence.mjs';
import { rooms } from './apps/rooms.mjs';
import { Visitors } from './apps/visitors.mjs';
import { whiteboard } from './apps/whiteboard.mjs';
import { CHROMIUM_FLAGS } from './browsers.mjs';
import { main } from './common.mjs';

const APPLICATIONS = { askflask, behind, dashboard, flaskemits, lobby, presence, rooms, whiteboard };

async function applications(config, report) {
  const browser = await chromium.launch({ executablePath: config.chromium, args: CHROMIUM_FLAGS });
  try {
    for (const [name, url] of Object.entries(config.urls)) {
      const visitors = new Visitors(browser, url);
      await APPLICATIONS[name](visitors, (step, seen) => report(`${name}: ${step}`, seen), config.more?.[name]);
      report(`${name}: faults`, { faults: await visitors.faults() });
      await visitors.leave();
    }
  } finally {
    await browser.close();
  }
}

await main(import.meta, applications);
