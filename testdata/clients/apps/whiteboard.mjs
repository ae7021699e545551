// Two people draw, a third comes later, and one clears the board.

/** Waits until the board's label names so many strokes, or more. */
const strokes = (page, least, most = 1e9) => page.waitForFunction(([from, to]) => {
  const count = Number(/with (\d+) strokes/.exec(document.querySelector('canvas').getAttribute('aria-label'))?.[1] ?? -1);
  return count >= from && count <= to;
}, [least, most]);

/** Runs in the page. pixel is red, green, blue, and how opaque, of one unit of the board. */
function addPixel() {
  window.pixel = (x, y) => {
    const copy = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    copy.drawImage(document.querySelector('canvas'), x, y, 1, 1, 0, 0, 1, 1);
    return [...copy.getImageData(0, 0, 1, 1).data];
  };
}

const pixel = (page, x, y) => page.evaluate((at) => window.pixel(...at), [x, y]);
const drawn = (page, x, y) => page.waitForFunction((at) => window.pixel(...at)[3] > 0, [x, y]);
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
  const arrive = async () => {
    const page = await visitors.arrive();
    await page.evaluate(addPixel);
    await page.getByRole('status').getByText('Connected', { exact: true }).waitFor();
    return page;
  };
  const [one, two] = [await arrive(), await arrive()];
  await one.getByRole('radio', { name: 'Red' }).check();
  await one.locator('#width').fill('24');
  await draw(one, [200, 300], [600, 300]);
  await strokes(two, 1);
  for (let x = 600; await two.locator('.cursor').count() === 0; x = 1200 - x) { // one position may get lost, not all
    await one.locator('canvas').hover({ position: { x: x / 2, y: 200 } });
  }
  report('a line', { drawn: await pixel(one, 400, 300) });

  await two.locator('canvas').focus();
  await two.keyboard.down('Shift');
  for (let i = 0; i < 5; i++) await two.keyboard.press('ArrowRight');
  await two.keyboard.up('Shift');
  report('by keyboard', { drawn: await pixel(two, 850, 500) });
  await drawn(one, 895, 500);
  await drawn(two, 595, 300);

  const late = await arrive();
  await strokes(late, 6);
  const images = await Promise.all([one, two, late].map(image));
  report('a picture for who comes late', { same: images.every((other) => other === images[0]), drawn: await pixel(late, 400, 300) });

  await late.getByRole('button', { name: 'Clear for everybody' }).click();
  for (const page of [one, two, late]) {
    await strokes(page, 0, 0);
  }
  report('cleared', { drawn: await pixel(one, 400, 300) });
}
