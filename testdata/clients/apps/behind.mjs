// handlers/examples/behind: two people sign the guest book, whose pages come from Flask.

const NAME = '<i>Bob</i>';
const MARKUP = '<img src="x" onerror="document.title=\'owned\'">';

const items = (page, name) => page.getByRole('list', { name }).getByRole('listitem').allInnerTexts();
const reads = (page, name) => page.getByRole('list', { name: 'Who is reading' }).getByText(name, { exact: true }).first().waitFor();

async function sign(page, name, text) {
  await page.getByLabel('Your name').fill(name);
  await page.getByLabel('Text').fill(text);
  await page.getByRole('button', { name: 'Sign' }).click();
}

export async function behind(visitors, report) {
  const [ada, bob] = [await visitors.arrive(), await visitors.arrive()];
  await reads(ada, 'a guest');
  await reads(bob, 'a guest');

  await sign(ada, 'Ada', 'hello');
  await ada.getByText('Thank you, Ada.').waitFor();
  await bob.getByRole('status').getByText('Ada has signed.').waitFor();
  await reads(bob, 'Ada'); // as Flask's session has it
  await bob.getByRole('link', { name: 'Show it' }).click();
  await bob.getByText('hello').waitFor();

  await sign(bob, NAME, MARKUP);
  await ada.getByRole('status').getByText(`${NAME} has signed.`).waitFor();
  await ada.getByRole('link', { name: 'Show it' }).click();
  report('signed', {
    path: new URL(bob.url()).pathname,
    entries: await items(ada, 'Entries'),
    name: await ada.getByLabel('Your name').inputValue(),
    elements: await ada.locator('img, i').count() + await bob.locator('img, i').count(),
  });

  await ada.getByLabel('Your name').evaluate((input) => { input.removeAttribute('maxlength'); });
  await sign(ada, 'x'.repeat(31), 'too long a name');
  report('refused', { alert: await ada.getByRole('alert').innerText(), entries: (await items(ada, 'Entries')).length });
}
