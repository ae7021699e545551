// handlers/examples/presence: Ada is at one server, Bob at another, which is killed in the
// end: more has its address and its process.
import { Visitors } from './visitors.mjs';

async function enter(page, name) {
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Come in' }).click();
  await page.getByRole('status').getByText('Connected', { exact: true }).waitFor();
}

const list = (page) => page.getByRole('list', { name: 'People' });
const people = (page) => list(page).getByRole('listitem').allInnerTexts();

/** Waits until exactly these people are shown. */
async function shows(page, ...texts) {
  await page.waitForFunction(
    (want) => [...document.querySelectorAll('#people li')].map((item) => item.innerText).join('\n') === want,
    texts.join('\n'),
  );
  return people(page);
}

export async function presence(visitors, report, more) {
  const elsewhere = new Visitors(visitors.browser, more.other);
  const [ada, bob] = [await visitors.arrive(), await elsewhere.arrive()];
  await enter(ada, 'Ada');
  report('alone', { people: await shows(ada, 'Ada at one') });
  await enter(bob, '<b>Bob</b>');
  report('two', {
    ada: await shows(ada, 'Ada at one', '<b>Bob</b> at two'),
    bob: await shows(bob, 'Ada at one', '<b>Bob</b> at two'),
    elements: await list(ada).locator('b').count(),
  });
  await bob.getByLabel('Your status').fill('at lunch');
  await bob.getByRole('button', { name: 'Set' }).click();
  report('status', { ada: await shows(ada, 'Ada at one', '<b>Bob</b>: at lunch at two') });
  const eve = await elsewhere.arrive();
  await enter(eve, 'Eve');
  await shows(ada, 'Ada at one', '<b>Bob</b>: at lunch at two', 'Eve at two');
  await bob.close();
  report('gone', { ada: await shows(ada, 'Ada at one', 'Eve at two') });
  report('faults elsewhere', { faults: await elsewhere.faults() });
  // The client ends its connection when it is refused, which the browser may complain of.
  const nobody = await elsewhere.arrive();
  await nobody.getByLabel('Your name').fill(' ');
  await nobody.getByRole('button', { name: 'Come in' }).click();
  await nobody.getByRole('alert').getByText('A name has').waitFor();
  report('refused', { shown: await nobody.getByRole('main').isVisible() });
  process.kill(more.process, 'SIGKILL');
  report('killed', { ada: await shows(ada, 'Ada at one') });
  await elsewhere.leave();
}
