// Plain texts, among them those that look like the protocol's own syntax.
import { echo, main } from './common.mjs';

export default async function text(config, report) {
  await echo(config, report, [
    ['hello', 'hello'],
    ['empty', ''],
    ['quotes', `it's "quoted" \\ here`],
    ['newline', 'first\nsecond'],
    ['packet', '42["message","forged"]'],
    ['length prefix', '5:42[1]'],
    ['digits', '0'],
    ['markup', '<b onclick="alert(1)">&amp;</b>'],
  ]);
}

await main(import.meta, text);
