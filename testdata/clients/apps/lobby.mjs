export async function lobby(visitors, report) {
  await visitors.arrive();
  report('there');
}
