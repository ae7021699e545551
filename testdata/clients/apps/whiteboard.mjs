// Two people draw, a third comes later, and one clears the board.
/** Waits until the board's label names so many strokes, or more. */
const strokes = (page, least, most = Infinity) => page.waitForFunction(([from, to]) => {
  const count = Number(/with (\d+) strokes/.exec(document.querySelector('canvas').getAttribute('aria-label'))?.[1] ?? -1);
  return count >= from && (to === null || count <= to);
}, [least, most === Infinity ? null : most]);

/** What a unit of the board shows: red, green, blue, and whether there is anything. */
const pixel = (page, x, y) => page.evaluate(
  ([px, py]) => [...document.querySelector('canvas').getContext('2d').getImageData(px, py, 1, 1).data], [x, y],
);

const image = (page) => page.evaluate(() => document.querySelector('canvas').toDataURL());

/** Draws with the mouse from one unit of the board to another. */
async function draw(page, [x1, y1], [x2, y2]) {
  const box = await page.locator('canvas').boundingBox();
  const at = (x, y) => [box.x + (x * box.width) / 1600, box.y + (y * box.height) / 1000];
  await page.mouse.move(...at(x1, y1));
  await page.mouse.down();
  await page.mouse.move(...at(x2, y2), { steps: 5 });
  await page.mouse.up();
}

export async function whiteboard(visitors, report) {
  const [one, two] = [await visitors.arrive(), await visitors.arrive()];
  for (const page of [one, two]) {
    await page.getByRole('status').getByText('Connected', { exact: true }).waitFor();
  }
  await one.getByRole('radio', { name: 'Red' }).check();
  await one.locator('#width').fill('24');
  await draw(one, [200, 300], [600, 300]);
  await strokes(two, 1);
  await two.waitForFunction(() => document.querySelector('.cursor')?.textContent === '1');
  report('a line', { drawn: await pixel(one, 400, 300) });

  await two.locator('canvas').focus();
  await two.keyboard.down('Shift');
  for (let i = 0; i < 5; i++) await two.keyboard.press('ArrowRight');
  await two.keyboard.up('Shift');
  report('by keyboard', { drawn: await pixel(two, 850, 500) });
  await one.waitForFunction(() => document.querySelector('canvas').getContext('2d').getImageData(895, 500, 1, 1).data[3] > 0);
  await two.waitForFunction(() => document.querySelector('canvas').getContext('2d').getImageData(595, 300, 1, 1).data[3] > 0);

  const late = await visitors.arrive();
  await strokes(late, 6);
  const images = await Promise.all([one, two, late].map(image));
  report('a picture for who comes late', { same: images.every((other) => other === images[0]), drawn: await pixel(late, 400, 300) });

  await late.getByRole('button', { name: 'Clear for everybody' }).click();
  for (const page of [one, two, late]) {
    await strokes(page, 0, 0);
  }
  report('cleared', { drawn: await pixel(one, 400, 300) });
}
