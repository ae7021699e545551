// A customer watches an order, and another another one; the kitchen changes the first by
// a route of the Flask process.
export async function flaskemits(visitors, report) {
  const watch = async (number, state) => {
    const page = await visitors.arrive();
    await page.getByRole('status').getByText('Connected', { exact: true }).waitFor();
    await page.getByLabel('Order').selectOption(number);
    await page.locator('#state').getByText(state, { exact: true }).waitFor();
    return page;
  };
  const change = async (page, state) => {
    await page.getByLabel('State').selectOption(state);
    await page.getByRole('button', { name: 'Change' }).click();
    await page.locator('#state').getByText(state, { exact: true }).waitFor();
  };
  const customer = await watch('17', 'received');
  const kitchen = await watch('17', 'received');
  const other = await watch('18', 'received');
  await change(kitchen, 'in the oven');
  await customer.locator('#state').getByText('in the oven', { exact: true }).waitFor();
  await change(other, 'ready'); // after it, so what was not meant for it would have come
  report('changed', { customer: await customer.locator('#state').textContent(), other: await other.locator('#state').textContent() });
  await customer.getByLabel('Order').selectOption('18');
  await customer.locator('#state').getByText('ready', { exact: true }).waitFor();
  await change(kitchen, 'received');
  await change(other, 'in the oven');
  await customer.locator('#state').getByText('in the oven', { exact: true }).waitFor();
  report('watches another');
}
