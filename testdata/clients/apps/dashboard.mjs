// Two people look at the dashboard, and somebody announces by HTTP.
const MARKUP = '<img src=x onerror=alert(1)> & <b>bold</b>';

/** Waits until the element has a text that is not in seen, and returns it. */
async function another(page, id, ...seen) {
  const changed = await page.waitForFunction(([selector, old]) => {
    const text = document.querySelector(selector).textContent;
    return !old.includes(text) && text;
  }, [`#${id}`, ['–', ...seen]]);
  return changed.jsonValue();
}

export async function dashboard(visitors, report) {
  const announce = async (text, token = 'the token') => {
    const answer = await fetch(`${visitors.url}/announce`, {
      method: 'POST', headers: { Authorization: `Bearer ${token}` }, body: text,
    });
    return answer.status;
  };
  const first = await visitors.arrive();
  const sees = (page, text) => page.getByRole('log').getByText(text, { exact: true }).waitFor();
  await first.getByRole('status').getByText('Connected', { exact: true }).waitFor();

  const uptime = await another(first, 'uptime');
  await another(first, 'uptime', uptime);
  report('values come', { clients: await another(first, 'clients'), heap: /^\d+\.\d MiB$/.test(await another(first, 'heap')) });

  report('announce', { status: await announce(MARKUP), forged: await announce('forged', 'a guess'), long: await announce('x'.repeat(1025)) });
  await sees(first, MARKUP);
  const second = await visitors.arrive();
  await sees(second, MARKUP);
  await announce('to both');
  for (const page of [first, second]) {
    await sees(page, 'to both');
  }
  await another(first, 'clients', '1');
  const texts = await second.getByRole('log').locator('li span').allTextContents();
  report('announced', { texts, elements: await second.getByRole('log').locator('img, b').count() });
}
