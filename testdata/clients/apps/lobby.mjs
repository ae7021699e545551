// handlers/examples/lobby: Ada and Bob play a game, and Bob reloads in the middle of it.

const TITLE = '<img src=x onerror="document.title=1">';

const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
const field = (page, row, column, mark) => page.getByRole('button', { name: `Row ${row}, column ${column}: ${mark}` });
const items = (page, name) => page.getByRole('list', { name }).getByRole('listitem').allInnerTexts();
const sees = (page, text) => page.getByText(text).first().waitFor();

async function enter(page, name) {
  await page.getByLabel('Your name').fill(name);
  await press(page, 'Enter');
  await sees(page, `${name} (you)`);
}

/** One makes a move, and both see it. */
async function move(page, other, row, column, mark) {
  await field(page, row, column, 'empty').click();
  await field(other, row, column, mark).waitFor();
}

export async function lobby(visitors, report) {
  const [ada, bob] = [await visitors.arrive(), await visitors.arrive()];
  await enter(ada, 'Ada');
  await enter(bob, 'Bob');
  await sees(ada, 'Bob');
  report('players', { players: await items(ada, 'Players') });

  await ada.getByLabel('New game').fill(TITLE);
  await press(ada, 'Create');
  await sees(bob, `${TITLE}: Ada, waiting`);
  report('markup', { elements: await bob.locator('img').count(), title: await ada.title() });
  await press(bob, `Join ${TITLE}`);
  await sees(ada, 'Waiting until both are ready.');
  await press(ada, 'Ready');
  await press(bob, 'Ready');
  await sees(ada, 'Bob, ready');
  await press(ada, 'Start');
  await sees(bob, "Ada's turn.");

  await move(ada, bob, 1, 1, 'X');
  await move(bob, ada, 2, 2, 'O');
  await move(ada, bob, 1, 2, 'X');
  await bob.reload();
  await sees(bob, 'Your turn.');
  report('reloaded', { seats: await items(bob, TITLE), marks: await bob.getByRole('group').getByRole('button').allInnerTexts() });
  await move(bob, ada, 3, 3, 'O');
  await move(ada, bob, 1, 3, 'X');
  await sees(ada, 'Ada has won.');
  await sees(bob, 'Ada has won.');

  await press(ada, 'Leave');
  await sees(bob, 'Waiting for another player.');
  await sees(ada, `${TITLE}: Bob, waiting`);
  await press(bob, 'Leave');
  await ada.getByRole('list', { name: 'Games' }).getByRole('listitem').waitFor({ state: 'detached' });
  report('left', { games: await items(ada, 'Games') });

  await bob.context().close();
  await sees(ada, 'Bob (away)');
}
