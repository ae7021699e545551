export async function behind(visitors, report) {
  await visitors.arrive();
  report('there');
}
