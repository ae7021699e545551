// People whom the Flask process behind knows, by its session or by a token.
const MARKUP = '<img src=x onerror=alert(1)>';

export async function askflask(visitors, report) {
  const says = (page, text) => page.getByRole('status').getByText(text, { exact: true }).waitFor();
  const login = async (name) => {
    const page = await visitors.arrive();
    await says(page, 'Not logged in');
    await page.getByRole('textbox', { name: 'Your name' }).fill(name);
    await page.getByRole('button', { name: 'Log in' }).click();
    await says(page, `Connected as ${name}, by the session`);
    return page;
  };
  const ann = await login('Ann');
  const bob = await login(MARKUP);
  const [cookie] = await ann.context().cookies();
  report('logged in', { cookie: cookie.name, tells: /Ann|name/.test(Buffer.from(cookie.value, 'base64').toString()) });

  const say = async (page, text) => {
    await page.getByRole('textbox', { name: 'Message' }).fill(text);
    await page.getByRole('button', { name: 'Send' }).click();
    for (const reader of [ann, bob]) {
      await reader.getByRole('log').getByText(text).waitFor();
    }
  };
  await say(ann, 'hello');
  await say(bob, 'good morning');
  await ann.getByRole('button', { name: 'Connect by a token' }).click();
  await says(ann, 'Connected as Ann, by a token');
  await say(ann, 'still me');
  report('said', {
    lines: await bob.getByRole('log').locator('li').allTextContents(),
    elements: await bob.getByRole('log').locator('img').count(),
  });

  await ann.getByRole('button', { name: 'Log out' }).click();
  await says(ann, 'Not logged in');
  report('logged out');
}
