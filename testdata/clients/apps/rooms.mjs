export async function rooms(visitors, report) {
  await visitors.arrive();
  report('there');
}
