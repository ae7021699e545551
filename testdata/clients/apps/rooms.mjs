// handlers/examples/rooms: Ada and Bob log in, meet, change rooms, reload, log out.

const MARKUP = '<img src="x" onerror="document.title=\'owned\'"><b>bold</b>';

async function login(page, name) {
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Log in' }).click();
}

const state = (page, text) => page.getByRole('status').filter({ hasText: text }).waitFor();
const log = (page) => page.getByRole('log', { name: 'Messages' });
const sees = (page, text) => log(page).getByText(text).first().waitFor();
const lines = (page) => log(page).getByRole('listitem').allInnerTexts();

async function say(page, text) {
  await page.getByLabel('Message', { exact: true }).fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
}

async function go(page, room) {
  await page.getByLabel('Room').fill(room);
  await page.getByRole('button', { name: 'Go' }).click();
  await state(page, `In ${room}`);
}

/** Resolves once the page shows that it is not connected; a locator waits for a form under way. */
const disconnected = (page) => page.evaluate(() => new Promise((resolve) => {
  const status = document.querySelector('[role=status]');
  new MutationObserver(() => status.textContent === 'Not connected' && resolve()).observe(status, { childList: true });
}));

/**
 * Logs out, with an answer that comes only once the page knows that its connection is
 * over. The form has to reach the login page all the same, without the session.
 */
async function logOutSlowly(page) {
  const over = disconnected(page);
  await page.route('**/logout', async (route) => {
    const request = route.request();
    const { cookie } = await request.allHeaders();
    const answer = await fetch(request.url(), { method: 'POST', redirect: 'manual', headers: { cookie } });
    await over;
    await route.fulfill({ status: answer.status, headers: Object.fromEntries(answer.headers) });
  });
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.waitForURL('**/login');
}

export async function rooms(visitors, report) {
  const [ada, bob] = [await visitors.arrive(), await visitors.arrive('/login')];
  report('sent to', { path: new URL(ada.url()).pathname });
  await login(ada, 'Ada');
  await state(ada, 'In Hall');
  await login(bob, 'Ada');
  report('a name that is taken', { alert: await bob.getByRole('alert').innerText() });
  await login(bob, 'Bob');
  await state(bob, 'In Hall');
  await sees(ada, 'Bob has come.');
  report('people', { people: await ada.getByRole('list', { name: 'Who is here' }).getByRole('listitem').allInnerTexts() });

  await say(bob, MARKUP);
  await sees(ada, MARKUP);
  report('markup', { elements: await log(ada).locator('img, b, script').count(), title: await ada.title() });

  await go(bob, 'cats & dogs');
  await sees(ada, 'Bob has left.');
  await say(ada, 'not for Bob');
  await sees(ada, 'not for Bob');
  await go(ada, 'cats & dogs');
  await say(ada, 'meow');
  await sees(bob, 'meow');
  report('another room', { bob: await lines(bob) });

  await ada.reload();
  await state(ada, 'In cats & dogs');
  await sees(bob, 'Ada has left.');
  await say(ada, 'back');
  await sees(bob, 'back');

  await logOutSlowly(bob);
  await sees(ada, 'Bob has left.');
  await bob.goto(visitors.url);
  report('logged out', { path: new URL(bob.url()).pathname });

  const tab = await ada.context().newPage();
  await tab.goto(visitors.url);
  await state(tab, 'In Hall');
  await tab.getByRole('button', { name: 'Log out' }).click();
  await ada.waitForURL('**/login');
  report('logged out in another tab');
}
